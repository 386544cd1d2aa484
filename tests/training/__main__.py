"""`python -m tests.training`: trains on four folds, scores the fifth, writes the weights, prints the scores."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway.classifier.learned.weights import BUILT_IN, Weights, write
from gateway.classifier.service import Classifier
from tests.support.shared_data import find_shared_data
from tests.training.corpus import FOLDS, read_corpus
from tests.training.held_out import as_table, cross_score, score
from tests.training.mix import as_lines, cross_shown, shown
from tests.training.public_lists import find_public_lists, public_files, read_opinions
from tests.training.recipe import train
from tests.training.traffic import read_traffic


def main() -> None:
    """Takes half a minute on a laptop, two minutes with `--cross`."""
    parser = argparse.ArgumentParser(prog="python -m tests.training", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="the shared data (default: the one beside the checkout)")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    parser.add_argument("--cross", action="store_true", help="score every fold by weights of the others; write nothing")
    parser.add_argument("--salt", default="", help="split the domains another way, to see what is luck; write nothing")
    wanted = parser.parse_args()
    folder = wanted.folder or find_shared_data()
    if folder is None:
        sys.exit("There is no shared data folder beside this checkout; name it: python -m tests.training FOLDER")
    public = find_public_lists()
    if public is None:
        needed = "\n".join(f"  {file.name}: {file.repository}@{file.commit}" for file in public_files())
        sys.exit(f"Put these files into a folder, and name it by TELLTALE_PUBLIC_LISTS:\n{needed}")
    corpus = read_corpus(folder, wanted.salt)
    traffic = read_traffic(folder, public, read_opinions(folder, public), wanted.salt)
    classifier = Classifier.load()
    if wanted.cross:
        of_folds = [train(corpus, traffic, fold) for fold in range(FOLDS)]
        print(as_table(cross_score(corpus, of_folds)))
        print(as_lines(cross_shown(of_folds, traffic, classifier)))
        return
    weights: Weights = train(corpus, traffic)
    text = write(weights)
    if not (wanted.dry or wanted.salt):
        BUILT_IN.write_text(text, encoding="ascii")
    print(weights.trained)
    print(f"{len(text)} bytes")
    print(as_table(score(weights, corpus)))
    print(as_lines(shown(weights, traffic, classifier)))


if __name__ == "__main__":
    main()
