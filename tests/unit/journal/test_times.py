from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.journal.times import from_micros, from_millis, from_minutes, to_micros


def test_a_time_keeps_its_microseconds() -> None:
    time = datetime(2025, 6, 10, 12, 0, 0, 123_457, tzinfo=UTC)
    assert from_micros(to_micros(time)) == time


def test_another_zone_means_the_same_moment() -> None:
    time = datetime(2025, 6, 10, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert to_micros(time) == to_micros(datetime(2025, 6, 10, 12, 0, tzinfo=UTC))
    assert from_micros(to_micros(time)).tzinfo is UTC


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_micros(datetime(2025, 6, 10))


def test_coarser_units_count_from_the_same_beginning() -> None:
    assert from_millis(60_001) == datetime(1970, 1, 1, 0, 1, 0, 1000, tzinfo=UTC)
    assert from_minutes(61) == datetime(1970, 1, 1, 1, 1, tzinfo=UTC)
