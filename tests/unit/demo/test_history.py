"""A past that could have been."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from gateway.demo.fleet import TELEVISIONS
from gateway.demo.history import PastLookup, history
from gateway.model.dns import Rcode

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def day() -> list[PastLookup]:
    return list(history(NOON, 24, seed=1))


def test_a_day_is_full_of_lookups_in_order(day: list[PastLookup]) -> None:
    assert 5_000 < len(day) < 30_000
    assert all(a.when <= b.when for a, b in pairwise(day))
    assert NOON - timedelta(hours=24) <= day[0].when
    assert day[-1].when < NOON
    assert all(row.when.tzinfo is UTC for row in day)


def test_every_television_has_a_past(day: list[PastLookup]) -> None:
    rows = Counter(row.client for row in day)
    assert set(rows) == {script.address for script in TELEVISIONS}
    assert min(rows.values()) > 500


@pytest.mark.slow
def test_the_same_seed_gives_the_same_past(day: list[PastLookup]) -> None:
    assert list(history(NOON, 24, seed=1)) == day
    assert list(history(NOON, 24, seed=2)) != day


@pytest.mark.slow
def test_evenings_are_louder_than_nights_in_the_zone_of_the_people() -> None:
    tokyo = timezone(timedelta(hours=9))
    hours = Counter(row.when.astimezone(tokyo).hour for row in history(datetime(2026, 11, 20, 9, tzinfo=tokyo), 72))
    assert sum(hours[h] for h in (20, 21, 22)) > 5 * sum(hours[h] for h in (2, 3, 4))
    assert hours[3] > 0


def test_content_recognition_beats_every_fifteen_seconds_in_the_evening(day: list[PastLookup]) -> None:
    acr = [row.when for row in day if row.name.endswith(".alphonso.tv") and row.type == "A"]
    gaps = Counter(round((b - a).total_seconds()) for a, b in pairwise(acr))
    assert len(acr) > 200
    assert gaps.most_common(1)[0][0] in (14, 15, 16)


def test_a_television_does_not_ask_again_what_it_still_knows(day: list[PastLookup]) -> None:
    last: dict[tuple[str, str, str], datetime] = {}
    for row in day:
        key = (row.client, row.name, row.type)
        if key in last:
            assert (row.when - last[key]).total_seconds() >= 11
        last[key] = row.when


def test_answers_are_of_every_kind(day: list[PastLookup]) -> None:
    assert {row.rcode for row in day} == {Rcode.NOERROR, Rcode.NXDOMAIN}
    assert {row.type for row in day} == {"A", "AAAA", "HTTPS"}
    assert any(row.targets == ("cinema-nine.eulerian.net",) for row in day)
    assert {row.cached for row in day} == {True, False}
    assert all(row.latency < 0.001 if row.cached else row.latency >= 0.006 for row in day)


def test_a_naive_or_endless_past_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        history(datetime(2026, 11, 20))
    for hours in (0, -1, 10_000):
        with pytest.raises(ValueError, match="hours long"):
            history(NOON, hours)
