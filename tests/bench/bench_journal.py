"""What recording a lookup costs, against bare sqlite3, and how long a page takes over a million of them.

Run it by itself: `python -m tests.bench.bench_journal [--rows 100000] [--rounds 5] [--lookups 1000000]`. Both sides
write the same rows, 2,000 a transaction, one after the other within a round; compare ratios, not numbers.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.journal.engine import open_engine
from gateway.journal.ledger import Ledger
from gateway.journal.preparation import prepare
from gateway.journal.reader import LookupFilter, Reader
from gateway.model.device import Device
from gateway.model.lookup import Facts, LogRow
from gateway.model.response import Source
from gateway.model.tag import Category, Tag
from gateway.model.verdict import ALLOWED, Action, Reason, Verdict

_BATCH = 2000
_BLOCKED = Verdict(Action.BLOCK, Reason.BLOCK_LIST, matched="||x^", lists=("A list",))
_SEEN = datetime(2025, 1, 1, tzinfo=UTC)
_CLIENTS = [f"192.168.4.{n}" for n in range(2, 7)]
_CATEGORIES = list(Category)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lookups", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _compare_writers(Path(folder), asked.rows, asked.rounds)
        _time_pages(Path(folder), asked.lookups)


def _compare_writers(folder: Path, count: int, rounds: int) -> None:
    loads = {
        "1,000 hot names, one device": lambda: _hot(count, 1000, 1),
        "1,000 hot names, five devices": lambda: _hot(count, 1000, 5),
        "every name new (a tenth of the rows)": lambda: _new(count // 10),
    }
    print(f"{'load':<40}{'bare us':>9}{'ours us':>9}{'ratio':>7}   (median CPU a row, medians of per-round ratios)")
    for title, load in loads.items():
        bare: list[float] = []
        ours: list[float] = []
        writers = _Bare(folder / f"bare-{len(title)}.sqlite"), _Ours(folder / f"ours-{len(title)}.sqlite")
        for _ in range(rounds + 1):
            rows = load()
            bare.append(_cpu(writers[0].write, rows))
            ours.append(_cpu(writers[1].write, rows))
        for writer in writers:
            writer.close()
        # The first round teaches both their names.
        if "new" not in title:
            bare, ours = bare[1:], ours[1:]
        ratio = statistics.median(o / b for o, b in zip(ours, bare, strict=True))
        print(f"{title:<40}{statistics.median(bare):>9.2f}{statistics.median(ours):>9.2f}{ratio:>7.2f}")


def _cpu(write: Callable[[list[LogRow]], None], rows: list[LogRow]) -> float:
    before = time.thread_time()
    for start in range(0, len(rows), _BATCH):
        write(rows[start : start + _BATCH])
    return (time.thread_time() - before) / len(rows) * 1e6


class _Bare:
    """The least that keeps a lookup: text ids from a dict, one narrow table, no rollup, no index."""

    def __init__(self, path: Path) -> None:
        self._raw = sqlite3.connect(path, isolation_level=None)
        self._raw.execute("PRAGMA journal_mode=WAL")
        self._raw.execute("PRAGMA synchronous=NORMAL")
        self._raw.execute("CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        self._raw.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, time, name, client, fact, latency)")
        self._ids: dict[object, int] = {}

    def write(self, batch: list[LogRow]) -> None:
        ids, rows = self._ids, []
        self._raw.execute("BEGIN IMMEDIATE")
        for when, client, facts, latency in batch:
            name = ids.get(facts.name)
            if name is None:
                name = ids[facts.name] = len(ids) + 1
                self._raw.execute("INSERT INTO names VALUES (?, ?)", (name, facts.name))
            rows.append((int(when * 1000), name, ids.setdefault(client, len(ids) + 1), 1, int(latency * 1e6)))
        self._raw.executemany("INSERT INTO rows (time, name, client, fact, latency) VALUES (?, ?, ?, ?, ?)", rows)
        self._raw.execute("COMMIT")

    def close(self) -> None:
        self._raw.close()


class _Ours:
    def __init__(self, path: Path) -> None:
        prepare(path)
        self._engine = open_engine(path)
        self._connection = self._engine.connect()
        with self._connection.begin():
            self._ledger = Ledger(self._connection, tag=_tag, device_of=_device_of)

    def write(self, batch: list[LogRow]) -> None:
        with self._connection.begin():
            self._ledger.record([(*row, 1) for row in batch])

    def fold(self, now: float) -> None:
        with self._connection.begin():
            self._ledger.fold(now)

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


def _tag(name: str, _targets: tuple[str, ...], _device: Device) -> Tag:
    number = hash(name)
    return Tag(f"Company {number % 60}", _CATEGORIES[number % len(_CATEGORIES)])


def _device_of(client: str, _when: float) -> Device:
    return Device(f"ip:{client}", None, (client,), _SEEN, _SEEN)


_FACTS = {
    n: Facts(f"name{n}.example.com", 1, 0, Source.CACHE, _BLOCKED if n % 4 == 0 else ALLOWED) for n in range(5000)
}


def _hot(count: int, names: int, devices: int) -> list[LogRow]:
    now = time.time()
    return [
        (now + n / 10_000, random.choice(_CLIENTS[:devices]), _FACTS[random.randrange(names)], 0.0001)
        for n in range(count)
    ]


def _new(count: int) -> list[LogRow]:
    now = time.time()
    facts = (Facts(f"{random.random()}.example.com", 1, 0, Source.UPSTREAM, ALLOWED) for _ in range(count))
    return [(now + n / 10_000, _CLIENTS[0], each, 0.02) for n, each in enumerate(facts)]


def _month(count: int) -> Iterator[list[LogRow]]:
    """A month of a home: a few names make most lookups, `rare.example.net` twelve of them."""
    start = time.time() - 30 * 86_400
    rare = Facts("rare.example.net", 28, 0, Source.UPSTREAM, _BLOCKED)
    batch: list[LogRow] = []
    for n in range(count):
        facts = rare if n % (count // 12) == 7 else _FACTS[min(int(random.paretovariate(0.7)), 4999)]
        batch.append((start + n * 30 * 86_400 / count, random.choice(_CLIENTS), facts, 0.0002))
        if len(batch) == 10_000:
            yield batch
            batch = []
    if batch:
        yield batch


def _time_pages(folder: Path, count: int) -> None:
    path = folder / "month.sqlite"
    writer = _Ours(path)
    for batch in _month(count):
        writer.write(batch)
    writer.fold(time.time())
    writer.close()
    print(f"\n{count:,} lookups of 30 days in {path.stat().st_size / 1e6:.0f} MB; milliseconds, best and worst of 5")
    reader = Reader(path)
    now = datetime.now(UTC)
    old = now - timedelta(days=25)
    questions: dict[str, Callable[[], object]] = {
        "newest 100": reader.lookups,
        "a rare name": lambda: reader.lookups(LookupFilter(name="rare")),
        "no such name": lambda: reader.lookups(LookupFilter(name="nothing.like.it")),
        "a company": lambda: reader.lookups(LookupFilter(company="Company 7")),
        "a device, blocked": lambda: reader.lookups(LookupFilter(device="ip:192.168.4.3", verdict="block")),
        "a rare name on a device": lambda: reader.lookups(LookupFilter(device="ip:192.168.4.3", name="rare")),
        "a part of many names": lambda: reader.lookups(LookupFilter(name="name1")),
        "a client": lambda: reader.lookups(LookupFilter(client="192.168.4.4")),
        "newest 100 of 25 days ago": lambda: reader.lookups(LookupFilter(until=old)),
        "a rare name before 25 days ago": lambda: reader.lookups(LookupFilter(name="rare", until=old)),
        "totals of a day": lambda: reader.totals(now - timedelta(days=1), now),
        "totals of a month": lambda: reader.totals(now - timedelta(days=30), now),
        "chart of a day by the minute": lambda: reader.chart(now - timedelta(days=1), now, 60),
        "chart of a month by the hour": lambda: reader.chart(now - timedelta(days=30), now, 3600),
        "companies of a month": lambda: reader.companies(now - timedelta(days=30), now),
        "names of a month": lambda: reader.names(now - timedelta(days=30), now),
        "devices of a month": lambda: reader.devices(now - timedelta(days=30), now),
    }
    for title, ask in questions.items():
        took = []
        for _ in range(5):
            before = time.perf_counter()
            ask()
            took.append((time.perf_counter() - before) * 1000)
        print(f"{title:<40}{min(took):>9.1f}{max(took):>9.1f}")
    reader.close()


if __name__ == "__main__":
    main()
