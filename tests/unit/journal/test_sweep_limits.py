"""What a sweep takes to the minute, what it leaves, and how large its steps are."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.journal import sweep as module
from gateway.journal.horizon import Reach
from gateway.journal.reader import Reader
from gateway.journal.retention import Retention
from gateway.journal.sweep import sweep
from tests.unit.journal.handmade import DAY, HOUR, KEPT, NOW, TODAY, column, empty_journal, run, write, write_lookups
from tests.unit.journal.home import NOON, record, row
from tests.unit.journal.test_sweep import KEEP_ALL, ask, journal, one


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return empty_journal(tmp_path)


@pytest.mark.parametrize("seconds", [0.0, 59.9])
def test_lookups_stay_to_the_minute(path: Path, seconds: float) -> None:
    edge = NOW - 10 * DAY
    write_lookups(path, [(edge - 2, 3), (edge - 1, 2), (edge, 1), (edge + 1, 1), (NOW, 1)])
    run(path, now=seconds)
    assert column(path, "SELECT id FROM lookups") == [6, 7, 8]
    assert ask(path, "SELECT id, minute FROM shelves") == [(6, edge), (7, edge + 1), (8, NOW)]


@pytest.mark.parametrize(("table", "kept", "size"), [("minutes", 2, 1), ("hours", 5, HOUR), ("days", 20, DAY)])
def test_rollups_stay_for_whole_days_and_say_from_when_on_they_are_whole(
    path: Path, table: str, kept: int, size: int
) -> None:
    edge = (TODAY - kept) * DAY
    write(path, table, [(bucket, 1, 5) for bucket in (edge // size - 2, edge // size - 1, edge // size, NOW // size)])
    run(path)
    assert column(path, f"SELECT bucket FROM {table}") == [edge // size, NOW // size]
    assert one(path, f"SELECT value FROM marks WHERE name = '{table}_from'") == edge


def test_bytes_of_names_and_ways_around_stay_as_long_as_their_rollups(path: Path) -> None:
    hour, day = (NOW - 5 * DAY) // HOUR, TODAY - 20
    write(path, "exchanges", [(hour + n, 1, 1, 10, 10, 1) for n in (-2, -1, 0, 1)])
    write(path, "detours", [(day + n, 1, "dot", "9.9.9.9", "tcp", 853, "refused", 1, 0, 0, 0) for n in (-2, -1, 0, 1)])
    run(path)
    assert column(path, "SELECT hour FROM exchanges") == [hour, hour + 1]
    assert column(path, "SELECT day FROM detours") == [day, day + 1]


def test_what_was_not_added_up_is_not_thrown_away(tmp_path: Path) -> None:
    """A box that was off for days finds minutes older than it keeps, whose hours and days do not know them yet."""
    path = tmp_path / "journal.sqlite"
    counts = {1: 3, 5: 4, 9: 5}
    for ago, count in counts.items():
        record(path, [row("ads.example", -ago * 86_400.0 + n) for n in range(count)])
    record(path, [], fold_at=-8 * 86_400.0)
    run(path)
    record(path, [row("ads.example")], fold_at=120.0)
    reader = Reader(path)
    assert reader.totals(None, None).lookups == sum(counts.values()) + 1
    reader.close()
    run(path)
    assert one(path, "SELECT sum(lookups) FROM days") == sum(counts.values()) + 1


def test_a_sweep_goes_as_far_as_the_last_whole_day_that_was_added_up(path: Path) -> None:
    folded = (TODAY - 30) * DAY + 700
    write(path, "marks", [("folded", folded)])
    write(path, "minutes", [(folded // DAY * DAY + n, 1, 1) for n in (-1, 0, 699)])
    run(path)
    assert column(path, "SELECT bucket FROM minutes") == [folded // DAY * DAY, folded // DAY * DAY + 699]


def test_without_any_sum_nothing_of_the_rollups_goes(path: Path) -> None:
    write(path, "minutes", [(0, 1, 1), (NOW - 99 * DAY, 1, 1)])
    raw = sqlite3.connect(path)
    with raw:
        raw.execute("DELETE FROM marks WHERE name = 'folded'")
    raw.close()
    run(path)
    assert column(path, "SELECT bucket FROM minutes") == [0, NOW - 99 * DAY]


def test_a_longer_retention_does_not_claim_what_is_gone(path: Path) -> None:
    run(path)
    before = dict(ask(path, "SELECT name, value FROM marks"))
    run(path, KEEP_ALL)
    assert dict(ask(path, "SELECT name, value FROM marks")) == before
    run(path, Retention(minutes=timedelta(days=1)))
    assert one(path, "SELECT value FROM marks WHERE name = 'minutes_from'") == (TODAY - 1) * DAY


@pytest.mark.parametrize(
    ("table", "size", "step"),
    [("minutes", 1, 30), ("hours", HOUR, 6), ("days", DAY, 1)],
    ids=["minutes", "hours", "days"],
)
def test_old_rollups_go_a_little_at_a_time(path: Path, table: str, size: int, step: int) -> None:
    """So that between two steps the lookups of a busy home can be written."""
    first, count = (TODAY - 40) * DAY // size, 2 * step + 1
    write(path, table, [(first + n, 1, 1) for n in range(count)])
    left = []
    with journal(path) as connection:
        for _ in sweep(connection, KEPT, Reach(NOON.timestamp()), forget=lambda: None):
            left.append(one(path, f"SELECT count(*) FROM {table}"))
    assert left[:3] == [step + 1, 1, 0]


def test_old_accounts_go_an_hour_and_a_day_at_a_time(path: Path) -> None:
    write(path, "exchanges", [(NOW // HOUR - 900 + n, device, 1, 1, 1, 1) for n in range(3) for device in (1, 2)])
    left = []
    with journal(path) as connection:
        for _ in sweep(connection, KEPT, Reach(NOON.timestamp()), forget=lambda: None):
            left.append(one(path, "SELECT count(*) FROM exchanges"))
    assert left[:3] == [4, 2, 0]


def test_many_quiet_minutes_go_a_hundred_at_a_time(path: Path) -> None:
    write_lookups(path, [(NOW - 20 * DAY + n, 1) for n in range(250)] + [(NOW, 1)])
    left = []
    with journal(path) as connection:
        for _ in sweep(connection, KEPT, Reach(NOON.timestamp()), forget=lambda: None):
            left.append(one(path, "SELECT count(*) FROM lookups"))
    assert left[:3] == [151, 51, 1]


def test_a_step_ends_within_a_busy_minute_and_the_next_one_goes_on_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SLICE", 100)
    old = NOW - 20 * DAY
    write_lookups(path, [(old, 60), (old + 1, 70), (old + 2, 30), (NOW, 1)])
    left = []
    with journal(path) as connection:
        for _ in sweep(connection, KEPT, Reach(NOON.timestamp()), forget=lambda: None):
            left.append((column(path, "SELECT min(id) FROM lookups"), column(path, "SELECT id FROM shelves")))
    assert left[:2] == [([101], [101, 131, 161]), ([161], [161])]


def unused(path: Path, retention: Retention = KEEP_ALL) -> list[int]:
    """Looks for unused words; returns how many names there were each time that ids were said to be gone."""
    known: list[int] = []
    with journal(path) as connection:

        def forget() -> None:
            known.append(one(path, "SELECT count(*) FROM names"))

        list(sweep(connection, retention, Reach(NOON.timestamp()), forget=forget, thorough=True))
    return known


def test_words_stay_a_day_longer_than_the_oldest_lookup(path: Path) -> None:
    oldest = TODAY - 7
    write_lookups(path, [(oldest * DAY + 5, 1), (NOW, 1)])
    for table, rest in (("facts", (1, 0, "", "", "", "", "")), ("clients", ())):
        for n, used in enumerate((oldest - 2, oldest - 1, oldest), 1):
            write(path, table, [(n, str(n).encode(), *rest, used) if rest else (n, str(n), 1, used)])
    unused(path)
    assert column(path, "SELECT id FROM facts") == [2, 3]
    assert column(path, "SELECT id FROM clients") == [2, 3]


@pytest.mark.parametrize("oldest", ["shelves", "minutes", "hours", "days"])
def test_a_name_stays_a_day_longer_than_the_oldest_that_was_counted(path: Path, oldest: str) -> None:
    start = (TODAY - 7) * DAY
    write_lookups(path, [(start if oldest == "shelves" else NOW, 1)])
    for table, size in (("minutes", 1), ("hours", HOUR), ("days", DAY)):
        write(path, table, [((start if oldest == table else TODAY * DAY) // size, 1, 1)])
    edge = (start - DAY) * 60_000
    write(path, "streams", [(n, n, 1, 0, 0, edge + n - 2) for n in (1, 2, 3)])
    write(path, "names", [(n, f"n{n}.example", "unknown") for n in (1, 2, 3, 4, 5)])
    write(path, "exchanges", [(NOW // HOUR, 1, 4, 1, 1, 1)])
    counts = unused(path)
    assert column(path, "SELECT id FROM streams") == [2, 3]
    assert column(path, "SELECT id FROM names ORDER BY id") == [2, 3, 4], "bytes that were counted of it hold it, too"
    assert counts[-1] == 3, "the last time that ids are said to be gone, all of them are"
    assert len(counts) == 3


def test_a_journal_of_words_only_keeps_what_may_just_have_been_learned(path: Path) -> None:
    write(path, "facts", [(1, b"1", 1, 0, "", "", "", "", "", 0)])
    write(path, "streams", [(1, 1, 1, 0, 0, 0)])
    write(path, "names", [(1, "n1.example", "unknown"), (2, "n2.example", "unknown")])
    unused(path)
    counts = [one(path, f"SELECT count(*) FROM {table}") for table in ("facts", "streams", "names")]
    assert counts == [1, 1, 1]


@pytest.mark.parametrize(("last", "first_ones"), [(24, [15, None]), (25, [15, 25, None])])
def test_words_are_looked_through_a_part_at_a_time(
    path: Path, monkeypatch: pytest.MonkeyPatch, last: int, first_ones: list[int | None]
) -> None:
    monkeypatch.setattr(module, "_IDS_A_SLICE", 10)
    write(path, "names", [(n, f"n{n}.example", "unknown") for n in range(5, last + 1)])
    left = []
    with journal(path) as connection:
        for _ in sweep(connection, KEEP_ALL, Reach(NOON.timestamp()), forget=lambda: None, thorough=True):
            left.append(one(path, "SELECT min(id) FROM names"))
    assert left == first_ones


def test_no_word_is_looked_for_while_the_journal_is_small_enough(path: Path) -> None:
    write(path, "names", [(1, "unused.example", "unknown")])
    forgotten: list[int] = []
    run(path, KEEP_ALL, forget=lambda: forgotten.append(1))
    assert column(path, "SELECT id FROM names") == [1]
    assert forgotten == []
