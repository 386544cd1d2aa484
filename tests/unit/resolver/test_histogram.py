"""Times fall into buckets that double."""

from __future__ import annotations

import pytest

from gateway.resolver.histogram import BOUNDS, Histogram


@pytest.mark.parametrize(
    ("seconds", "bound"),
    [
        (0.0, 64e-6),
        (-1.0, 64e-6),
        (63e-6, 64e-6),
        (65e-6, 128e-6),
        (0.001, 0.001024),
        (0.02, 0.032768),
        (4.0, 4.194304),
    ],
)
def test_a_value_counts_in_the_first_bucket_that_holds_it(seconds: float, bound: float) -> None:
    histogram = Histogram()
    histogram.observe(seconds)
    buckets = histogram.to_json()["buckets"]
    assert isinstance(buckets, list)
    assert [count for _, count in buckets] == [int(b >= bound) for b in BOUNDS]


def test_what_is_longer_than_all_bounds_is_counted_too() -> None:
    histogram = Histogram()
    for seconds in (0.001, 0.002, 99.0):
        histogram.observe(seconds)
    printed = histogram.to_json()
    assert printed["count"] == 3
    assert printed["sum"] == pytest.approx(99.003)
    assert printed["buckets"][-1] == [BOUNDS[-1], 2]  # type: ignore[index]
