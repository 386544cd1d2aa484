"""A journal that is written by hand, row by row, and swept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from gateway.journal.engine import used_and_free_bytes
from gateway.journal.horizon import Reach
from gateway.journal.retention import Retention
from gateway.journal.sweep import sweep
from tests.unit.journal.home import NOON, record
from tests.unit.journal.test_sweep import ask, journal

DAY, HOUR = 1440, 60
NOW = int(NOON.timestamp()) // 60
TODAY = NOW // DAY
DAYS_KEPT = {"lookups": 10, "minutes": 2, "hours": 5, "rollups": 20}
KEPT = Retention(**{name: timedelta(days=days) for name, days in DAYS_KEPT.items()}, size=1 << 40)
COLUMNS = {
    "lookups": 'id, "time", stream, fact, client, latency, times',
    "shelves": "id, minute",
    "minutes": "bucket, stream, lookups",
    "hours": "bucket, stream, lookups",
    "days": "bucket, stream, lookups",
    "exchanges": "hour, device, name, up, down, connections",
    "detours": 'day, device, detour, server, protocol, port, outcome, "count", bytes, "first", "last"',
    "marks": "name, value",
    "names": "id, name, category",
    "streams": 'id, name, device, blocked, "first", "last"',
    "clients": "id, address, device, used",
    "facts": "id, digest, type, rcode, source, reason, party, lists, targets, used",
}


def write(path: Path, table: str, rows: Iterable[Sequence[Any]]) -> None:
    raw = sqlite3.connect(path)
    with raw:
        marks = ", ".join("?" for _ in COLUMNS[table].split(", "))
        raw.executemany(f"INSERT OR REPLACE INTO {table} ({COLUMNS[table]}) VALUES ({marks})", rows)
    raw.close()


def write_lookups(path: Path, shelves: Sequence[tuple[int, int]]) -> None:
    """(minute, how many) one after the other, each minute on its shelf."""
    starts = [1, *accumulate((count for _, count in shelves), initial=1)][1:]
    write(path, "shelves", [(start, minute) for start, (minute, _) in zip(starts, shelves, strict=False)])
    minutes = [minute for minute, count in shelves for _ in range(count)]
    write(path, "lookups", [(n, minute * 60_000, 1, 1, 1, 9, 1) for n, minute in enumerate(minutes, 1)])


def column(path: Path, question: str) -> list[Any]:
    return [value for (value,) in ask(path, question)]


def run(path: Path, retention: Retention = KEPT, *, forget: Callable[[], None] = lambda: None, now: float = 0.0) -> int:
    """Sweeps `now` seconds after noon, without looking for unused words; returns in how many steps."""
    with journal(path) as connection:
        return len(list(sweep(connection, retention, Reach(NOON.timestamp() + now), forget=forget)))


def size_of(path: Path) -> tuple[int, int]:
    with journal(path) as connection:
        return used_and_free_bytes(connection)


def empty_journal(folder: Path) -> Path:
    """Nothing is in it, and its minutes have all been added up."""
    path = folder / "journal.sqlite"
    record(path, [])
    write(path, "marks", [("folded", NOW)])
    return path
