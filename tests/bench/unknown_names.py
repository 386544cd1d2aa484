"""`python -m tests.bench.unknown_names`: microseconds for a name that nobody has listed, and for one seen before."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from gateway.classifier.learned.model import Model
from gateway.classifier.learned.weights import load
from gateway.classifier.service import Classifier

_WORDS = ("api", "metrics", "device-log", "cdn3", "eu-west-1", "prod", "telemetry", "img", "scribe", "ads", "t0a9f")
# Fewer than the memory of names seen before holds.
_NAMES = 4_000


def _names() -> list[str]:
    lot = random.Random(1)
    return [f"{'.'.join(lot.sample(_WORDS, lot.randint(1, 3)))}.maker{at}.tv" for at in range(_NAMES)]


def _each(names: Sequence[str], ask: Callable[[str], object]) -> float:
    start = time.perf_counter()
    for name in names:
        ask(name)
    return (time.perf_counter() - start) / len(names) * 1e6


def main() -> None:
    """Four thousand names of five to sixty characters, and one of 253, one after the other."""
    start = time.perf_counter()
    model = Model(load())
    print(f"loading the weights       {(time.perf_counter() - start) * 1e3:8.1f} ms")
    names, classifier = _names(), Classifier.load()
    classifier.tag("warm.example.org")
    print(f"probability of a new name {_each(names, lambda name: model.look(name, name.partition('.')[2])):8.1f} us")
    print(f"tag of a new name         {_each(names, classifier.tag):8.1f} us, with reasons, owner and party")
    print(f"tag of a name seen before {_each(names, classifier.tag):8.1f} us")
    longest = ("metrics-log.a1b2c3." * 20)[:240] + ".example.com"
    print(f"tag of 253 characters     {_each([longest], classifier.tag):8.1f} us")


if __name__ == "__main__":
    main()
