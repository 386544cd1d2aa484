"""How a journal keeps to its size, and how the disk gets its space back."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.journal import sweep as module
from gateway.journal.engine import used_and_free_bytes
from gateway.journal.horizon import Reach
from gateway.journal.retention import Retention
from gateway.journal.sweep import sweep
from tests.unit.journal.handmade import (
    DAY,
    KEPT,
    NOW,
    TODAY,
    column,
    empty_journal,
    run,
    size_of,
    write,
    write_lookups,
)
from tests.unit.journal.home import NOON
from tests.unit.journal.test_sweep import ask, journal, one


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return empty_journal(tmp_path)


def test_a_journal_of_just_its_size_is_left_alone(path: Path) -> None:
    write_lookups(path, [(NOW - 60 + n, 200) for n in range(60)])
    used, _ = size_of(path)
    run(path, Retention(size=used))
    assert one(path, "SELECT count(*) FROM lookups") == 12_000
    run(path, Retention(size=used - 1))
    assert one(path, "SELECT count(*) FROM lookups") == 7_000
    assert size_of(path)[0] <= (used - 1) * 0.95


def test_lookups_go_before_what_was_counted_of_them(path: Path) -> None:
    """Where they fill most of the journal; no chart loses a day then."""
    write_lookups(path, [(NOW - 60 + n, 500) for n in range(60)])
    write(path, "days", [(TODAY - n, 1, 1) for n in range(100)])
    used, _ = size_of(path)
    run(path, Retention(size=used * 9 // 10))
    assert 0 < one(path, "SELECT count(*) FROM lookups") < 30_000
    assert one(path, "SELECT count(*) FROM days") == 100


def test_of_a_journal_full_of_sums_the_oldest_tenth_goes_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUNDS", 1)
    monkeypatch.setattr(module, "_SLICE", 10)
    write_lookups(path, [(NOW - 41 + n, 10) for n in range(41)])
    write(path, "days", [(TODAY - 100 + n, 1, 1) for n in range(101)])
    write(path, "hours", [((TODAY - 50) * 24 + n, 1, 1) for n in range(50 * 24 + 1)])
    write(path, "minutes", [((TODAY - 5) * DAY + n, 1, 1) for n in range(5 * DAY + 1)])
    write(path, "exchanges", [((TODAY - 60) * 24 + n, 1, 0, 1, 1, 1) for n in range(60 * 24 + 1)])
    write(
        path, "detours", [(TODAY - 20 + n, 1, "dot", "9.9.9.9", "tcp", 853, "refused", 1, 0, 0, 0) for n in range(21)]
    )
    run(path, Retention(*[timedelta(days=1000)] * 4, size=1))
    firsts = [
        one(path, f"SELECT min({bucket}) FROM {table}")
        for table, bucket in {"days": "bucket", "hours": "bucket", "minutes": "bucket"}.items()
    ]
    assert firsts == [TODAY - 90, (TODAY - 45) * 24, (TODAY - 4) * DAY]
    assert one(path, "SELECT min(hour) FROM exchanges") == (TODAY - 60) * 24 + 144
    assert one(path, "SELECT min(day) FROM detours") == TODAY - 18
    assert one(path, "SELECT count(*) FROM lookups") == 369, "and a tenth of the few lookups"


def test_a_short_history_loses_a_day_at_least(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUNDS", 1)
    write(path, "days", [(TODAY - 3 + n, 1, 1) for n in range(4)])
    write(path, "exchanges", [((TODAY - 3) * 24 + n, 1, 0, 1, 1, 1) for n in range(73)])
    write(path, "detours", [(TODAY - 3 + n, 1, "dot", "9.9.9.9", "tcp", 853, "refused", 1, 0, 0, 0) for n in range(4)])
    run(path, Retention(*[timedelta(days=1000)] * 4, size=1))
    assert one(path, "SELECT min(bucket) FROM days") == TODAY - 2
    assert one(path, "SELECT min(hour) FROM exchanges") == (TODAY - 2) * 24
    assert one(path, "SELECT min(day) FROM detours") == TODAY - 2


@pytest.mark.parametrize(("flood", "first"), [(1000, 801), (201, 101), (200, 1)])
def test_a_flood_in_one_minute_loses_its_oldest_part_and_never_its_end(
    path: Path, monkeypatch: pytest.MonkeyPatch, flood: int, first: int
) -> None:
    monkeypatch.setattr(module, "_SLICE", 100)
    write_lookups(path, [(NOW, flood)])
    run(path, Retention(size=1))
    assert ask(path, "SELECT min(id), max(id) FROM lookups") == [(first, flood)]
    assert column(path, "SELECT id FROM shelves") == [first]


@pytest.mark.parametrize("shelves", [[(NOW - 9 + n, 41) for n in range(10)], [(NOW, 410)]], ids=["calm", "flood"])
def test_a_tenth_goes_in_one_round_and_in_small_steps(
    path: Path, monkeypatch: pytest.MonkeyPatch, shelves: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(module, "_SLICE", 10)
    monkeypatch.setattr(module, "_ROUNDS", 1)
    write_lookups(path, shelves)
    firsts = []
    with journal(path) as connection:
        for _ in sweep(connection, Retention(size=1), Reach(NOON.timestamp()), forget=lambda: None):
            firsts.append(one(path, "SELECT min(id) FROM lookups"))
    assert firsts[:5] == [11, 21, 31, 41, 42]
    assert firsts[-1] == 42


def test_a_journal_shrinks_a_little_further_than_it_must(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A twentieth, or every sweep of a busy home would have to."""
    monkeypatch.setattr(module, "_SLICE", 200)
    write_lookups(path, [(NOW - 60 + n, 100) for n in range(60)])
    used, _ = size_of(path)
    run(path, Retention(size=used - 1))
    assert used * 0.85 < size_of(path)[0] <= (used - 1) * 0.95


def test_words_of_a_flood_of_names_go_with_it(path: Path) -> None:
    """Also while no sweep looks for unused words anyway."""
    write_lookups(path, [(NOW, 1)])
    write(path, "names", [(n, f"a-name-that-nobody-asks-for-any-more-{n}.example", "unknown") for n in range(1, 5000)])
    used, _ = size_of(path)
    run(path, Retention(size=used * 9 // 10))
    assert one(path, "SELECT count(*) FROM names") == 0
    assert size_of(path)[0] < used * 0.9


def test_a_tenth_of_many_lookups_goes_in_one_round(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLICE", 10)
    monkeypatch.setattr(module, "_ROUNDS", 1)
    write_lookups(path, [(NOW - 400 + n, 50) for n in range(400)])
    run(path, Retention(size=1))
    assert one(path, "SELECT count(*) FROM lookups") == 18_000


def test_a_mebibyte_stays_free_for_the_next_hour(path: Path) -> None:
    write_lookups(path, [(NOW - 20 * DAY, 120_000), (NOW, 1)])
    run(path)
    assert size_of(path)[1] == 1 << 20


@pytest.mark.parametrize("spare", [1 << 15, 1 << 17])
def test_the_disk_gets_free_pages_back_but_for_a_little(
    path: Path, monkeypatch: pytest.MonkeyPatch, spare: int
) -> None:
    """As soon as the sweep is over, while the journal stays open."""
    monkeypatch.setattr(module, "_SPARE", spare)
    write_lookups(path, [(NOW - 20 * DAY, 20_000), (NOW, 1)])
    before = path.stat().st_size
    with journal(path) as connection:
        sizes = []
        for _ in sweep(connection, KEPT, Reach(NOON.timestamp()), forget=lambda: None):
            sizes.append(sum(used_and_free_bytes(connection)))
            connection.rollback()
        used, free = used_and_free_bytes(connection)
        assert path.stat().st_size == used + free < before
    assert free == spare
    steps = [one - other for one, other in pairwise(sizes) if one != other]
    assert max(steps) == spare, "in steps that do not hold up a commit"


def test_a_large_journal_keeps_a_fiftieth_of_itself_spare(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SPARE", 4096)
    write_lookups(path, [(NOW - 20 * DAY, 5_000), (NOW, 30_000)])
    run(path)
    used, free = size_of(path)
    assert used // 50 - 4096 < free <= used // 50


def test_a_few_free_pages_are_not_worth_the_trouble(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lookups(path, [(NOW - 20 * DAY, 20_000), (NOW, 1)])
    monkeypatch.setattr(module, "_SPARE", 1 << 30)
    run(path)
    _, free = size_of(path)
    monkeypatch.setattr(module, "_SPARE", free // 2 + 4096)
    assert run(path) == 0
    assert size_of(path)[1] == free
    monkeypatch.setattr(module, "_SPARE", free // 2)
    assert run(path) > 0
    assert size_of(path)[1] < free
