"""How long answers took, in buckets that double: one addition a value, no matter how many there were."""

from __future__ import annotations

_FIRST, _LAST = 6, 22
BOUNDS = tuple(2**power / 1e6 for power in range(_FIRST, _LAST + 1))
"""Upper bounds in seconds, from 64 us to 4.2 s; a last bucket holds everything above."""


_ABOVE = len(BOUNDS)


class Histogram:
    """Counts seconds; `sum` is all of them together."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        place = int(seconds * 1e6).bit_length() - _FIRST if seconds > 0 else 0
        self.counts[0 if place < 0 else place if place < _ABOVE else _ABOVE] += 1
        self.sum += seconds

    def to_json(self) -> dict[str, object]:
        """`buckets` pairs each upper bound with how many were at most that; `count` is all of them."""
        total, buckets = 0, []
        for bound, count in zip(BOUNDS, self.counts, strict=False):
            total += count
            buckets.append([bound, total])
        return {"buckets": buckets, "sum": self.sum, "count": total + self.counts[-1]}
