"""`python -m tests.training [FOLDER]`: trains on four folds, scores the fifth, writes the weights, prints the scores.

FOLDER is the shared data folder; without it, the one beside the checkout. `--dry` writes nothing; `--cross` scores
every fold by weights of the other four and writes nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.classifier.learned.weights import BUILT_IN, Weights, write
from tests.support.shared_data import find_shared_data
from tests.training.corpus import read_corpus
from tests.training.held_out import cross_score, score, told
from tests.training.recipe import train


def main() -> None:
    """Takes half a minute on a laptop."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    folder = Path(words[0]) if words else find_shared_data()
    if folder is None:
        sys.exit("There is no shared data folder beside this checkout; name it: python -m tests.training FOLDER")
    corpus = read_corpus(folder)
    if "--cross" in sys.argv:
        print(told(cross_score(corpus)))
        return
    weights: Weights = train(corpus)
    text = write(weights)
    if "--dry" not in sys.argv:
        BUILT_IN.write_text(text, encoding="ascii")
    print(weights.trained)
    print(f"{len(text)} bytes")
    print(told(score(weights, corpus)))


main()
