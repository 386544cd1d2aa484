from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.journal import sweep as module
from gateway.journal.engine import open_engine
from gateway.journal.horizon import Reach
from gateway.journal.reader import Reader
from gateway.journal.retention import Retention
from gateway.journal.sweep import sweep
from tests.unit.journal.home import NOON, record, row

DAY = 86_400.0
KEEP_ALL = Retention(*[timedelta(days=100_000)] * 4, size=1 << 40)


@contextmanager
def journal(path: Path) -> Iterator[Connection]:
    engine = open_engine(path)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def run(path: Path, retention: Retention, *, thorough: bool = True) -> int:
    """Sweeps at noon, and returns in how many steps."""
    with journal(path) as connection:
        steps = list(sweep(connection, retention, Reach(NOON.timestamp()), forget=lambda: None, thorough=thorough))
    return len(steps)


def ask(path: Path, question: str) -> list[tuple[Any, ...]]:
    raw = sqlite3.connect(path)
    try:
        return raw.execute(question).fetchall()
    finally:
        raw.close()


def one(path: Path, question: str) -> Any:
    return ask(path, question)[0][0]


@pytest.fixture(autouse=True)
def _small_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SPARE", 1 << 16)


@pytest.fixture
def month(tmp_path: Path) -> Path:
    """Two lookups an hour for forty days up to noon, added up."""
    path = tmp_path / "journal.sqlite"
    rows = [row(f"name{n % 7}.example", (n - 1919) * 1800.0) for n in range(1920)]
    record(path, rows, fold_at=60.0)
    return path


def test_an_empty_journal_is_swept_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [])
    run(path, Retention())
    run(path, Retention(size=1))
    assert one(path, "SELECT count(*) FROM lookups") == 0


@pytest.mark.slow
def test_old_lookups_go_and_the_totals_stay(month: Path) -> None:
    run(month, Retention(lookups=timedelta(days=10)))
    oldest = one(month, "SELECT min(time) FROM lookups")
    assert NOON.timestamp() - 10 * DAY - 60 <= oldest / 1000 <= NOON.timestamp() - 10 * DAY + 1800
    assert one(month, "SELECT count(*) FROM lookups") == pytest.approx(480, abs=2)
    reader = Reader(month)
    assert reader.totals(None, None).lookups == 1920
    reader.close()


def test_a_sweep_with_nothing_to_do_changes_nothing(month: Path) -> None:
    before = ask(month, "SELECT * FROM lookups"), ask(month, "SELECT * FROM minutes"), ask(month, "SELECT * FROM names")
    run(month, KEEP_ALL)
    after = ask(month, "SELECT * FROM lookups"), ask(month, "SELECT * FROM minutes"), ask(month, "SELECT * FROM names")
    assert before == after


@pytest.mark.slow
def test_fine_rollups_go_first_and_totals_are_widened_to_what_is_kept(month: Path) -> None:
    run(month, Retention(minutes=timedelta(days=2), hours=timedelta(days=5), rollups=timedelta(days=20)))
    assert one(month, "SELECT count(DISTINCT bucket) FROM days") in (20, 21)
    reader = Reader(month)
    assert reader.totals(NOON - timedelta(days=1), NOON).lookups == 48
    assert reader.totals(NOON - timedelta(days=3), NOON - timedelta(days=3) + timedelta(minutes=1)).lookups == 2
    assert reader.totals(NOON - timedelta(days=9), NOON - timedelta(days=9) + timedelta(minutes=1)).lookups == 48
    assert reader.totals(NOON - timedelta(days=90), NOON - timedelta(days=60)).lookups == 0
    reader.close()


@pytest.mark.slow
def test_lookups_are_found_where_the_fine_rollups_are_gone(month: Path) -> None:
    from gateway.journal.reader import LookupFilter

    run(month, Retention(lookups=timedelta(days=30), minutes=timedelta(days=1), hours=timedelta(days=2)))
    kept = one(month, "SELECT count(*) FROM lookups JOIN streams ON streams.id = stream WHERE streams.name = 3")
    name = one(month, "SELECT name FROM names WHERE id = 3")
    reader = Reader(month)
    assert len(reader.lookups(LookupFilter(name=name), limit=1000).lookups) == kept > 100
    reader.close()


def test_a_clock_that_stood_in_the_past_does_not_take_good_lookups_with_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", -3600)])
    record(path, [row("ads.example", -55 * 365 * DAY)])
    record(path, [row("ads.example", 0)])
    run(path, Retention())
    assert ask(path, "SELECT id FROM lookups") == [(1,), (3,)]


def test_the_newest_shelf_stays_although_it_is_old(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", -90 * DAY), row("ads.example", -89 * DAY)])
    run(path, Retention())
    assert ask(path, "SELECT id FROM lookups") == [(2,)]
    record(path, [row("ads.example", -89 * DAY + 1)])
    reader = Reader(path)
    assert len(reader.lookups().lookups) == 2
    reader.close()


def test_large_shelves_are_emptied_in_small_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLICE", 100)
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", -90 * DAY + n / 100) for n in range(1000)] + [row("ads.example")])
    with journal(path) as connection:
        steps = sweep(connection, Retention(), Reach(NOON.timestamp()), forget=lambda: None)
        next(steps)
        assert one(path, "SELECT count(*) FROM lookups") == 901
        assert one(path, "SELECT min(id) FROM shelves") == 101
        list(steps)
    assert ask(path, "SELECT id FROM lookups") == [(1001,)]


def test_words_that_nothing_uses_any_more_go(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("old.example", -900 * DAY, client="192.0.2.1")], fold_at=-899 * DAY)
    raw = sqlite3.connect(path)
    raw.execute("UPDATE facts SET used = used - 900")
    raw.execute("UPDATE clients SET used = used - 900")
    raw.commit()
    raw.close()
    record(path, [row("new.example", 0, blocked=True)], fold_at=120)
    run(path, Retention())
    assert ask(path, "SELECT name FROM names") == [("new.example",)]
    assert one(path, "SELECT count(*) FROM streams") == 1
    assert one(path, "SELECT count(*) FROM clients") == 1
    assert ask(path, "SELECT reason FROM facts") == [("block list",)]
    reader = Reader(path)
    assert [lookup.reason for lookup in reader.lookups().lookups] == ["block list"]
    reader.close()


@pytest.mark.slow
def test_the_disk_gets_its_space_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    rng = random.Random(1)
    for day in range(20):
        rows = [row(f"name{rng.randrange(500)}.example", (day - 20) * DAY + n * 17) for n in range(5000)]
        record(path, rows, fold_at=(day - 19) * DAY)
    before = path.stat().st_size
    run(path, Retention(lookups=timedelta(days=5)))
    after = path.stat().st_size
    assert before > 3_000_000
    assert after < before * 0.45
    assert one(path, "PRAGMA integrity_check") == "ok"


@pytest.mark.slow
def test_over_its_size_the_oldest_lookups_go_first(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for part in range(10):
        record(path, [row(f"name{n % 50}.example", part * 3600 + n / 10) for n in range(20_000)])
    record(path, [], fold_at=40_000.0)
    size = path.stat().st_size // 2
    run(path, Retention(size=size), thorough=False)
    assert path.stat().st_size <= size + 2 * module._SPARE
    assert one(path, "SELECT max(id) FROM lookups") == 200_000
    assert 50_000 < one(path, "SELECT min(id) FROM lookups") < 150_000
    reader = Reader(path)
    assert reader.totals(None, None).lookups == 200_000
    reader.close()


@pytest.mark.slow
def test_a_flood_of_new_names_cannot_outgrow_the_size(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for part in range(10):
        record(path, [row(f"x{part}-{n}.flood.example", (part - 9) * DAY + n / 100) for n in range(5000)])
        record(path, [], fold_at=(part - 8) * DAY)
    size = path.stat().st_size // 3
    run(path, Retention(size=size))
    assert path.stat().st_size <= size + 2 * module._SPARE
    assert one(path, "SELECT name FROM names ORDER BY id DESC LIMIT 1") == "x9-4999.flood.example"
    assert one(path, "PRAGMA integrity_check") == "ok"


@pytest.mark.slow
def test_a_flood_within_one_minute_cannot_outgrow_the_size_either(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", n / 10_000) for n in range(100_000)])
    size = path.stat().st_size // 2
    run(path, Retention(size=size))
    assert path.stat().st_size <= size + 2 * module._SPARE
    assert one(path, "SELECT max(id) FROM lookups") == 100_000


@pytest.mark.slow
def test_a_sweep_may_stop_between_any_two_steps(month: Path) -> None:
    retention = Retention(lookups=timedelta(days=3), minutes=timedelta(days=1), rollups=timedelta(days=9))
    steps = run(month.rename(month.with_name("copy.sqlite")), KEEP_ALL)
    copy = month.with_name("copy.sqlite")
    assert steps >= 1
    for stop_after in range(40):
        with journal(copy) as connection:
            some = sweep(connection, retention, Reach(NOON.timestamp()), forget=lambda: None, thorough=True)
            for _ in range(stop_after % 3 + 1):
                next(some, None)
            some.close()
        reader = Reader(copy)
        page = reader.lookups(limit=1000)
        assert all(lookup.name and lookup.device for lookup in page.lookups)
        reader.close()
    assert len(page.lookups) == pytest.approx(144, abs=3)
