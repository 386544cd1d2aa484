"""Finds lookups, newest first, without an index on them: the rollups say which minutes are worth looking into."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Table, and_, func, select

from gateway.journal.coverage import DAY, HOUR
from gateway.journal.schema import days, hours, lookups, marks, minutes, shelves
from gateway.journal.scope import SearchScope

_SHELVES_AT_ONCE = 1000
_GAP = 3000
_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Span:
    """Milliseconds since the epoch, [start, end)."""

    start: int
    end: int

    def on_lookups(self) -> ColumnElement[bool]:
        return and_(lookups.c.time >= self.start, lookups.c.time < self.end)

    def on_shelves(self) -> ColumnElement[bool]:
        return and_(shelves.c.minute >= self.start // 60_000, shelves.c.minute <= (self.end - 1) // 60_000)


def find_lookups(
    connection: Connection, scope: SearchScope, span: Span | None, *, limit: int, before: int | None
) -> tuple[list[int], int | None]:
    """(up to `limit` ids, highest first; where to go on, None at the end).

    After a second of fruitless looking it returns what it has; each statement is a snapshot of its own.
    """
    newest = connection.execute(select(func.max(lookups.c.id))).scalar()
    if newest is None or scope.is_nothing:
        return [], None
    position = min(before, newest + 1) if before is not None else newest + 1
    if scope.is_everything and span is None:
        condition: ColumnElement[bool] = lookups.c.id < position
        found = _ids(connection, condition, limit + 1)
        return _cut(found, limit)
    hints = _Hints(connection, scope)
    inside = scope.on_lookups() if span is None else and_(span.on_lookups(), scope.on_lookups())
    found, gives_up = [], time.monotonic() + _PATIENCE
    while True:
        ranges, position = _next_ranges(connection, hints, span, position)
        for first, end in ranges:
            here = and_(lookups.c.id >= first, lookups.c.id < end, inside)
            found += _ids(connection, here, limit + 1 - len(found))
            if len(found) > limit:
                return _cut(found, limit)
            if time.monotonic() > gives_up:
                return found, first
        if position == 0:
            return found, None
        if time.monotonic() > gives_up:
            return found, position


def _cut(found: list[int], limit: int) -> tuple[list[int], int | None]:
    return (found[:limit], found[limit - 1]) if len(found) > limit else (found, None)


def _ids(connection: Connection, condition: ColumnElement[bool], limit: int) -> list[int]:
    newest_first = select(lookups.c.id).where(condition).order_by(lookups.c.id.desc()).limit(limit)
    return list(connection.execute(newest_first).scalars())


def _next_ranges(
    connection: Connection, hints: _Hints, span: Span | None, position: int
) -> tuple[list[tuple[int, int]], int]:
    """(ranges of ids below `position` that may hold what we look for, highest first; how far down that goes, 0: all).

    Ranges with little between them become one.
    """
    after = shelves.alias()
    end = select(func.min(after.c.id)).where(after.c.id > shelves.c.id).scalar_subquery()
    query = select(shelves.c.id, shelves.c.minute, end).where(shelves.c.id < position)
    if span is not None:
        query = query.where(span.on_shelves())
    rows = connection.execute(query.order_by(shelves.c.id.desc()).limit(_SHELVES_AT_ONCE)).all()
    ranges: list[tuple[int, int]] = []
    for first, minute, end_of_shelf in rows:
        if not hints.may_have(minute):
            continue
        upto = position if end_of_shelf is None else min(end_of_shelf, position)
        if ranges and ranges[-1][1] - first <= _GAP:
            ranges[-1] = (first, ranges[-1][1])
        else:
            ranges.append((first, upto))
    return ranges, rows[-1].id if len(rows) == _SHELVES_AT_ONCE else 0


@dataclass(slots=True)
class _Hints:
    """Which minutes have lookups of the scope: first by the day, then by the hour, then by the minute.

    A hint that is missing because it was swept away means that there may be some. Says True too often, never too
    rarely: of what is kept only the part is trusted that the next sweep cannot reach.
    """

    connection: Connection
    scope: SearchScope
    _from: dict[str, int] = field(init=False)
    _folded: int = field(init=False)
    _fresh: set[int] = field(init=False)
    _days: set[int] = field(init=False)
    _hours: dict[int, set[int]] = field(init=False, default_factory=dict)
    _minutes: dict[int, set[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.scope.is_everything:
            return
        stored = {row.name: int(row.value) for row in self.connection.execute(select(marks))}
        self._folded = stored.get("folded", 0)
        self._from = {table.name: stored.get(f"{table.name}_from", -DAY) + DAY for table in (minutes, hours, days)}
        self._fresh = self._buckets(minutes, self._folded + 1, None)
        self._days = self._buckets(days, 0, None)

    def may_have(self, minute: int) -> bool:
        if self.scope.is_everything or minute < self._from["days"] or minute in self._fresh:
            return True
        if minute > self._folded or minute // DAY not in self._days:
            return False
        if minute < self._from["hours"]:
            return True
        day, hour = minute // DAY, minute // HOUR
        if day not in self._hours:
            self._hours[day] = self._buckets(hours, day * 24, day * 24 + 24)
        if hour not in self._hours[day]:
            return False
        if minute < self._from["minutes"]:
            return True
        if hour not in self._minutes:
            self._minutes[hour] = self._buckets(minutes, hour * 60, hour * 60 + 60)
        return minute in self._minutes[hour]

    def _buckets(self, table: Table, start: int, end: int | None) -> set[int]:
        query = select(table.c.bucket).distinct().where(table.c.bucket >= start, self.scope.on(table.c.stream))
        if end is not None:
            query = query.where(table.c.bucket < end)
        return set(self.connection.execute(query).scalars())
