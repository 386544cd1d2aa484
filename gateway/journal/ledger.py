"""Writes lookups and counts them, on a connection with an open transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from operator import itemgetter
from typing import TypeAlias

from sqlalchemy import Connection, func, select

from gateway.journal import statements as say
from gateway.journal.dictionary import DeviceOf, Dictionary, KnownDevice, News, TagOf
from gateway.journal.engine import raw_connection
from gateway.journal.gathering import Counted
from gateway.journal.pacing import execute_many, handfuls
from gateway.journal.schema import lookups, marks, shelves
from gateway.journal.times import from_millis
from gateway.model.dns import rcode_name, type_name
from gateway.model.lookup import Lookup

_when = itemgetter(0)

# id, milliseconds, stream, fact, client, microseconds of latency, times
_Row: TypeAlias = tuple[int, int, int, int, int, int, int]
_AT_ONCE = 2_000
_MOST_HELD_BACK = 4_000


class Ledger:
    """The state of one connection: which id comes next, which minute is open, what is known already.

    After a rollback it is worth nothing: open the connection anew and make another.
    """

    def __init__(self, connection: Connection, *, tag: TagOf, device_of: DeviceOf) -> None:
        self._cursor: sqlite3.Cursor = raw_connection(connection).cursor()
        self.dictionary = Dictionary(self._cursor, tag=tag, device_of=device_of)
        stored = {row.name: int(row.value) for row in connection.execute(select(marks))}
        last = connection.execute(select(func.max(lookups.c.id))).scalar() or 0
        self._next = max(int(last), stored.get("last_lookup", 0)) + 1
        self._folded = stored.get("folded", 0)
        self._minute: int | None = connection.execute(
            select(shelves.c.minute).order_by(shelves.c.id.desc()).limit(1)
        ).scalar()
        self._last_seen: dict[int, int] = {}

    @property
    def last_id(self) -> int:
        """The id of the newest lookup that ever was."""
        return self._next - 1

    def record(self, batch: list[Counted]) -> int:
        """Writes the batch, sorted by time in place, and returns the id of its first lookup; the rest follow on."""
        batch.sort(key=_when)
        first = number = self._next
        dictionary = self.dictionary
        dictionary.make_room()
        askers: dict[str, tuple[int, KnownDevice]] = {}
        news: list[News] = []
        for some in handfuls(batch):
            for when, client, facts, _, _ in some:
                found = askers.get(client)
                if found is None:
                    found = askers[client] = dictionary.asker(client, when)
                if facts not in found[1].known:
                    news.append((found[1], facts, int(when * 1000)))
        dictionary.fresh = {}
        if news:
            dictionary.learn(news)
        fresh = dictionary.fresh
        minutes: dict[int, tuple[int, dict[int, int]]] = {}
        # Not all at once: the largest list that ever was stays in this process's memory for good.
        for start in range(0, len(batch), _AT_ONCE):
            rows: list[_Row] = []
            add = rows.append
            for some in handfuls(batch[start : start + _AT_ONCE]):
                for when, client, facts, latency, times in some:
                    client_id, asker = askers[client]
                    known = asker.known[facts]
                    add((number, int(when * 1000), known[0], known[1], client_id, int(latency * 1e6), times))
                    number += 1
            execute_many(self._cursor, say.ADD_LOOKUP, rows)
            # A new stream was added with the time of its first lookups.
            self._last_seen.update((row[2], row[1]) for row in rows if row[1] > fresh.get(row[2], -1))
            for run in _minutes_apart(rows):
                _, sums = minutes.setdefault(run[0][1] // 60_000, (run[0][0], {}))
                for piece in handfuls(run):
                    for _, _, stream, _, _, _, often in piece:
                        sums[stream] = sums.get(stream, 0) + often
        for minute, (number_then, sums) in minutes.items():
            self._count(minute, number_then, sums)
        self._next = number
        if len(self._last_seen) > _MOST_HELD_BACK:
            self._note_last_seen()
        return first

    def fold(self, now: float) -> None:
        """Adds the minutes that are over to their hours and days. `now` is in seconds since the epoch."""
        until = int(now // 60) - 1
        if until > self._folded:
            self._cursor.execute(say.FOLD_HOURS, (self._folded, until))
            self._cursor.execute(say.FOLD_DAYS, (self._folded, until))
            self._cursor.execute(say.SET_MARK, ("folded", until))
            self._folded = until
        # Also when the clock went back, for years maybe: the minute is over all the same.
        self._cursor.execute(say.SET_MARK, ("last_lookup", self.last_id))
        self._note_last_seen()

    def close(self) -> None:
        """Writes what is otherwise held back for a minute."""
        self._note_last_seen()

    def forget(self) -> None:
        """Rows may have been deleted: ids are looked up anew, and the newest that ever was is kept in mind."""
        self.dictionary.forget()
        self._cursor.execute(say.SET_MARK, ("last_lookup", self.last_id))

    def show(self, first: int, batch: Sequence[Counted]) -> tuple[Lookup, ...]:
        """Rows that `record` has just written, as people see them; before the commit, since it may learn."""
        shown: list[Lookup] = []
        for number, (when, client, facts, latency, times) in enumerate(batch, first):
            _, asker = self.dictionary.asker(client, when)
            if facts not in asker.known:
                self.dictionary.learn([(asker, facts, int(when * 1000))])
            known = asker.known[facts]
            verdict, tag, device = facts.verdict, known.tag, asker.device
            shown.append(
                Lookup(
                    id=number,
                    time=from_millis(int(when * 1000)),
                    name=facts.name,
                    type=type_name(facts.qtype),
                    device=device.id,
                    device_name=device.label,
                    client=client,
                    verdict=verdict.action.value,
                    reason=verdict.reason.value,
                    company=tag.company,
                    category=tag.category.value,
                    party=tag.party.value,
                    source=facts.source.value,
                    rcode=rcode_name(facts.rcode),
                    latency_ms=int(latency * 1e6) / 1000,
                    matched=verdict.matched,
                    rule=verdict.rule,
                    lists=verdict.lists,
                    via=verdict.via,
                    targets=facts.targets,
                    times=times,
                )
            )
        return tuple(shown)

    def _note_last_seen(self) -> None:
        seen = [(millis, stream) for stream, millis in sorted(self._last_seen.items())]
        self._last_seen.clear()
        execute_many(self._cursor, say.TOUCH_STREAM, seen)

    def _count(self, minute: int, first: int, sums: dict[int, int]) -> None:
        """`first` is the id of the minute's first lookup, `sums` how many there are of each stream."""
        if minute != self._minute:
            self._cursor.execute(say.ADD_SHELF, (first, minute))
            self._minute = minute
        # In key order, so that each page is touched once.
        counts = sorted(sums.items())
        execute_many(self._cursor, say.COUNT_MINUTE, [(minute, stream, count) for stream, count in counts])
        if minute <= self._folded:
            # The clock went back, or a row came late: its hour has been added up without it.
            self._cursor.executemany(say.COUNT_HOUR, [(minute // 60, stream, count) for stream, count in counts])
            self._cursor.executemany(say.COUNT_DAY, [(minute // 1440, stream, count) for stream, count in counts])


def _minutes_apart(rows: list[_Row]) -> list[list[_Row]]:
    """The rows, which are sorted by time, cut where a minute ends."""
    runs: list[list[_Row]] = []
    start = 0
    while start < len(rows):
        minute = rows[start][1] // 60_000
        end = len(rows)
        if rows[-1][1] // 60_000 != minute:
            end = next(i for i in range(start, len(rows)) if rows[i][1] // 60_000 != minute)
        runs.append(rows[start:end] if (start, end) != (0, len(rows)) else rows)
        start = end
    return runs
