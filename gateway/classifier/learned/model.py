"""How much an unlisted name looks like a tracker, and which parts of it say so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

from gateway.classifier.learned.features import explain, read
from gateway.classifier.learned.signs import shows
from gateway.classifier.learned.weights import LinearModel, Weights, load

_MOST_REASONS = 4
_FEWEST_LETTERS = 2
_SMALL_SHARE = 0.12
_WORTH_SAYING = 0.25
_SHORT_WORD = 12
_EDGE = ".-_"


@dataclass(frozen=True, slots=True)
class Look:
    """`probability` that the name tracks, `advertises` that it is for advertising if it does; both in 0..1. `shown` is
    true where the name may be said to look like a tracker: nine of ten such names are one.
    """

    probability: float
    advertises: float
    shown: bool = False


class Model:
    """Pure arithmetic on one name; nothing is remembered, so that the caller decides what is."""

    def __init__(self, weights: Weights | None = None) -> None:
        self._weights = weights or load()

    def look(self, name: str, registrable: str | None) -> Look:
        """What any text looks like; never raises."""
        buckets = read(name, registrable)
        tracks = probability_of(self._weights.tracks.log_odds(buckets))
        below = registrable is not None and name.endswith(f".{registrable}")
        return Look(
            tracks,
            probability_of(self._weights.advertises.log_odds(buckets)),
            below and shows(tracks, name, str(registrable)),
        )

    def because(self, name: str, registrable: str | None) -> str:
        """The two to four parts of the name that speak most for a tracker, in plain words; "" where none does."""
        head = self._weights.tracks
        telling, whole = _letters(name, registrable, head)
        parts = _strongest(telling, name)
        reasons = [f"“{part}”" for part in parts]
        said = f"{_listed(reasons)} {'stand' if len(reasons) > 1 else 'stands'} in it" if reasons else ""
        if len(reasons) < _MOST_REASONS and whole:
            said = f"{said}, and {whole}" if said else whole
        return said


def probability_of(log_odds: float) -> float:
    """The logistic function, for any finite number."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, log_odds))))


def _letters(name: str, registrable: str | None, head: LinearModel) -> tuple[list[float], str]:
    """(what each character of the name adds to the log-odds, the strongest thing to say about the whole name)."""
    features = list(explain(name, registrable))
    number = len({feature.bucket for feature in features})
    steps, strongest, whole = [0.0] * (len(name) + 1), _WORTH_SAYING, ""
    for bucket, start, stop, says in features:
        share = head.share(bucket, number)
        if stop > start:
            steps[start] += share / (stop - start)
            steps[stop] -= share / (stop - start)
        elif share > strongest and says and not says.startswith("of "):
            strongest, whole = share, says
    return list(accumulate(steps))[:-1], whole


def _strongest(telling: list[float], name: str) -> list[str]:
    """Pieces of labels with the largest sums, the strongest first; a piece runs over no dot."""
    left = [-math.inf if char == "." else share for char, share in zip(name, telling, strict=True)]
    total = sum(share for share in telling if share > 0)
    parts: list[str] = []
    while len(parts) < _MOST_REASONS:
        weight, start, stop = _heaviest(left)
        if weight <= total * _SMALL_SHARE or stop <= start:
            break
        start, stop = _whole_words(name, start, stop)
        part = name[start:stop].strip(_EDGE)
        if len(part) >= _FEWEST_LETTERS and part not in parts:
            parts.append(part)
        left[start:stop] = [-math.inf] * (stop - start)
    return parts


def _whole_words(name: str, start: int, stop: int) -> tuple[int, int]:
    """The piece with the short words at its two ends made whole, because “elemetry” helps nobody."""
    first, last = start, stop
    while first > 0 and name[first - 1].isalnum() and name[first].isalnum():
        first -= 1
    while last < len(name) and name[last].isalnum() and name[last - 1].isalnum():
        last += 1
    return start if start - first > _SHORT_WORD else first, stop if last - stop > _SHORT_WORD else last


def _heaviest(shares: list[float]) -> tuple[float, int, int]:
    """(sum, first, behind the last) of the run with the largest sum (Kadane)."""
    best, best_start, best_stop = 0.0, 0, 0
    running, start = 0.0, 0
    for at, share in enumerate(shares):
        if running <= 0:
            running, start = 0.0, at
        running = running + share if share > -math.inf else 0.0
        if running > best:
            best, best_start, best_stop = running, start, at + 1
        if share == -math.inf:
            start = at + 1
    return best, best_start, best_stop


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
