from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.journal import dictionary
from gateway.journal import ledger as ledger_module
from gateway.journal.schema import streams
from gateway.model.lookup import Facts
from gateway.model.response import Source
from tests.unit.journal.home import BLOCKED, NOON, PHONE, TELEVISION, open_ledger, record, row

MINUTE = int(NOON.timestamp() // 60)


def ask(path: Path, question: str) -> list[tuple[Any, ...]]:
    raw = sqlite3.connect(path)
    try:
        return raw.execute(question).fetchall()
    finally:
        raw.close()


def counted(path: Path, table: str) -> list[tuple[int, int]]:
    return ask(path, f"SELECT bucket, sum(lookups) FROM {table} GROUP BY bucket ORDER BY bucket")


def test_a_batch_is_stored_oldest_first_and_numbered_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", 3), row("log.tv.example", 1), row("ads.example", 2)])
    record(path, [row("ads.example", 4)])
    assert ask(path, "SELECT id, time - (SELECT min(time) FROM lookups) FROM lookups ORDER BY id") == [
        (1, 0),
        (2, 1000),
        (3, 2000),
        (4, 3000),
    ]


def test_a_text_is_stored_once_however_often_it_is_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", n, client=client) for n in range(50) for client in (TELEVISION, PHONE)])
    record(path, [row("ads.example", 60)])
    assert ask(path, "SELECT name, company, category FROM names") == [("ads.example", "Ads Inc", "advertising")]
    assert ask(path, "SELECT count(*) FROM facts") == [(1,)]
    assert ask(path, "SELECT count(*) FROM streams") == [(2,)]
    assert ask(path, "SELECT count(*) FROM clients") == [(2,)]


def test_when_many_names_were_seen_they_are_not_held_back_for_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "_MOST_HELD_BACK", 2)
    path = tmp_path / "journal.sqlite"
    with open_ledger(path) as (_, ledger):
        # What is new was added with its time.
        for second, held in ((0, 0), (30, 2)):
            ledger.record([(*row(name, second), 1) for name in ("a.example", "b.example")])
            assert len(ledger._last_seen) == held
        ledger.record([(*row("c.example", 31), 1)])
        assert len(ledger._last_seen) == 2
        ledger.record([(*row("c.example", 33), 1)])
        assert ledger._last_seen == {}
    assert ask(path, "SELECT last - first FROM streams ORDER BY id") == [(30_000,), (30_000,), (2_000,)]


def test_a_full_memory_of_facts_costs_no_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was known when a batch began is still known at its end, however many new names come along."""
    monkeypatch.setattr(dictionary, "_MAX_FACTS", 5)
    path = tmp_path / "journal.sqlite"
    with open_ledger(path) as (_, ledger):
        for minute in range(6):
            batch = [row("ads.example", minute), *(row(f"n{minute}-{n}.example", minute) for n in range(4))]
            ledger.record([(*each, 1) for each in batch])
    assert ask(path, "SELECT count(*) FROM lookups") == [(30,)]
    assert ask(path, "SELECT count(*) FROM names") == [(25,)]


def test_each_minute_is_counted_and_lies_on_its_own_shelf(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", seconds) for seconds in (0, 1, 59.9, 60, 200)])
    assert counted(path, "minutes") == [(MINUTE, 3), (MINUTE + 1, 1), (MINUTE + 3, 1)]
    assert ask(path, "SELECT id, minute FROM shelves ORDER BY id") == [(1, MINUTE), (4, MINUTE + 1), (5, MINUTE + 3)]


def test_a_minute_goes_on_in_the_next_batch_on_the_same_shelf(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", 0)])
    record(path, [row("ads.example", 1)])
    assert counted(path, "minutes") == [(MINUTE, 2)]
    assert ask(path, "SELECT id, minute FROM shelves") == [(1, MINUTE)]


def test_blocked_and_allowed_lookups_of_a_name_are_counted_apart(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", 0), row("ads.example", 1, blocked=True), row("ads.example", 2, blocked=True)])
    totals = "SELECT blocked, lookups FROM minutes JOIN streams ON streams.id = stream ORDER BY blocked"
    assert ask(path, totals) == [(0, 1), (1, 2)]


def test_hours_and_days_are_added_up_once_their_minutes_are_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", 0), row("ads.example", 61)], fold_at=70)
    assert counted(path, "hours") == [(MINUTE // 60, 1)]
    record(path, [row("ads.example", 62)], fold_at=130)
    assert counted(path, "hours") == [(MINUTE // 60, 3)]
    assert counted(path, "days") == [(MINUTE // 1440, 3)]
    record(path, [], fold_at=135)
    assert counted(path, "days") == [(MINUTE // 1440, 3)]


def test_a_lookup_that_comes_late_is_still_counted_in_its_hour(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", 0)], fold_at=7200)
    record(path, [row("ads.example", 30)], fold_at=7300)
    assert counted(path, "hours") == [(MINUTE // 60, 2)]
    assert counted(path, "days") == [(MINUTE // 1440, 2)]


def test_numbers_are_not_given_again_after_the_newest_lookups_were_deleted(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", 0), row("ads.example", 1)], fold_at=100)
    raw = sqlite3.connect(path)
    raw.execute("DELETE FROM lookups")
    raw.commit()
    raw.close()
    record(path, [row("ads.example", 200)])
    assert ask(path, "SELECT id FROM lookups") == [(3,)]


def test_when_a_stream_was_seen_last_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", 0), row("ads.example", 30)])
    noon = int(NOON.timestamp() * 1000)
    assert ask(path, "SELECT first, last FROM streams") == [(noon, noon + 30_000)]


def test_what_is_shown_is_what_was_recorded(tmp_path: Path) -> None:
    happened = Facts("ads.example", 28, 3, Source.POLICY, BLOCKED, ("edge.example",))
    batch = [(NOON.timestamp(), TELEVISION, happened, 0.0125, 7)]
    with open_ledger(tmp_path / "journal.sqlite") as (_, ledger):
        first = ledger.record(batch)
        (shown,) = ledger.show(first, batch)
    assert (shown.id, shown.time, shown.name, shown.type) == (1, NOON, "ads.example", "AAAA")
    assert (shown.device, shown.device_name, shown.client) == ("mac:02:00:00:00:00:02", "Living room", TELEVISION)
    assert (shown.verdict, shown.reason, shown.matched) == ("block", "block list", "||ads.example^")
    assert (shown.company, shown.category, shown.party) == ("Ads Inc", "advertising", "third")
    assert (shown.source, shown.rcode, shown.latency_ms) == ("policy", "NXDOMAIN", 12.5)
    assert (shown.lists, shown.targets) == (("Easy", "Strict"), ("edge.example",))
    assert shown.times == 7


def test_a_row_that_stands_for_many_counts_as_many(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with open_ledger(path) as (_, ledger):
        ledger.record([(*row("ads.example", 0), 40), (*row("ads.example", 1), 2)])
    assert ask(path, "SELECT times FROM lookups ORDER BY id") == [(40,), (2,)]
    assert ask(path, "SELECT sum(lookups) FROM minutes") == [(42,)]


def test_when_a_stream_was_seen_last_is_kept_by_the_minute_after_the_clock_went_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with open_ledger(path) as (connection, ledger):
        ledger.record([(*row("ads.example", 0), 1)])
        ledger.fold(NOON.timestamp() + 3_652 * 86_400)
        ledger.record([(*row("ads.example", 30), 1)])
        ledger.fold(NOON.timestamp() + 120)
        noon = int(NOON.timestamp() * 1000)
        assert connection.execute(select(streams.c.last)).scalar_one() == noon + 30_000
    assert counted(path, "hours") == [(MINUTE // 60, 2)]
