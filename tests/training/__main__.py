"""`python -m tests.training`: trains on four folds, scores the fifth, writes the weights, prints the scores."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway.classifier.learned.weights import BUILT_IN, Weights, write
from tests.support.shared_data import find_shared_data
from tests.training.corpus import read_corpus
from tests.training.held_out import as_table, cross_score, score
from tests.training.recipe import train


def main() -> None:
    """Takes ten seconds on a laptop, a minute with `--cross`."""
    parser = argparse.ArgumentParser(prog="python -m tests.training", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="the shared data (default: the one beside the checkout)")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    parser.add_argument("--cross", action="store_true", help="score every fold by weights of the others; write nothing")
    parser.add_argument("--salt", default="", help="split the domains another way, to see what is luck; write nothing")
    wanted = parser.parse_args()
    folder = wanted.folder or find_shared_data()
    if folder is None:
        sys.exit("There is no shared data folder beside this checkout; name it: python -m tests.training FOLDER")
    corpus = read_corpus(folder, wanted.salt)
    if wanted.cross:
        print(as_table(cross_score(corpus)))
        return
    weights: Weights = train(corpus)
    text = write(weights)
    if not (wanted.dry or wanted.salt):
        BUILT_IN.write_text(text, encoding="ascii")
    print(weights.trained)
    print(f"{len(text)} bytes")
    print(as_table(score(weights, corpus)))


if __name__ == "__main__":
    main()
