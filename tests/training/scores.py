"""How good probabilities are, by the usual measures, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby


def area_under_curve(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """The chance that a tracker scores higher than another name, ties counting half (Mann and Whitney)."""
    ranked = sorted(zip(scores, truths, strict=True))
    positives = sum(truths)
    below, wins = 0, 0.0
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        here = [truth for _, truth in group]
        hits = sum(here)
        wins += hits * (below + (len(here) - hits) / 2)
        below += len(here) - hits
    return wins / (positives * (len(truths) - positives))


def precision_at(recall: float, scores: Sequence[float], truths: Sequence[bool]) -> float:
    """The share of trackers among the names with the highest scores, as many as are needed to find this share."""
    wanted, found = recall * sum(truths), 0
    ranked = sorted(zip(scores, truths, strict=True), key=lambda pair: (-pair[0], pair[1]))
    for seen, (_, truth) in enumerate(ranked, 1):
        found += truth
        if found >= wanted:
            return found / seen
    return 0.0


def precision_over(threshold: float, scores: Sequence[float], truths: Sequence[bool]) -> tuple[float, float]:
    """(precision, recall) of the names that score at least this much."""
    chosen = [truth for score, truth in zip(scores, truths, strict=True) if score >= threshold]
    return (sum(chosen) / len(chosen) if chosen else 1.0), sum(chosen) / sum(truths)


def calibration(scores: Sequence[float], truths: Sequence[bool], bins: int = 5) -> list[tuple[int, float, float]]:
    """(names, mean probability, share of trackers) for each fifth of the scale that has names."""
    table = []
    for at in range(bins):
        here = [(s, t) for s, t in zip(scores, truths, strict=True) if min(int(s * bins), bins - 1) == at]
        if here:
            table.append((len(here), sum(s for s, _ in here) / len(here), sum(t for _, t in here) / len(here)))
    return table


def calibration_error(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """The expected calibration error over ten bins."""
    rows = calibration(scores, truths, 10)
    return sum(names * abs(said - was) for names, said, was in rows) / len(scores)
