"""Which rollup tells about which part of a stretch of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MINUTE, HOUR, DAY = 1, 60, 1440
FOREVER = 2**40 // DAY * DAY


@dataclass(frozen=True, slots=True)
class Kept:
    """From which minute on single minutes, and from which on single hours are kept: multiples of a day."""

    minutes_from: int
    hours_from: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Minutes [start, end), covered by buckets of `size` minutes, of which both are multiples."""

    size: int
    start: int
    end: int


def cover(start: int, end: int, kept: Kept, *, coarsest: int = DAY) -> tuple[Stretch, ...]:
    """The stretches that together tell about the minutes [start, end), as few buckets as possible.

    Buckets are not larger than `coarsest`, unless nothing finer is kept; then the ends are widened to whole ones.
    """
    sizes = tuple(size for size in (DAY, HOUR, MINUTE) if size <= coarsest)
    hours_from = max(kept.hours_from, 0)
    minutes_from = max(kept.minutes_from, hours_from)
    stretches = [
        *_split(start, min(end, hours_from), (DAY,)),
        *_split(max(start, hours_from), min(end, minutes_from), (*[s for s in sizes if s > HOUR], HOUR)),
        *_split(max(start, minutes_from), end, (*[s for s in sizes if s > MINUTE], MINUTE)),
    ]
    return tuple(stretches)


def _split(start: int, end: int, sizes: tuple[int, ...]) -> Iterator[Stretch]:
    if start >= end:
        return
    size, finer = sizes[0], sizes[1:]
    if not finer:
        yield Stretch(size, start // size * size, -(-end // size) * size)
        return
    first, last = -(-start // size) * size, end // size * size
    if first >= last:
        yield from _split(start, end, finer)
        return
    yield from _split(start, first, finer)
    yield Stretch(size, first, last)
    yield from _split(last, end, finer)
