"""Deletes what is too old or too much, in steps small enough to go between two batches, and shrinks the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, delete, exists, func, select, update
from sqlalchemy.dialects.sqlite import insert

from gateway.journal.engine import checkpoint, give_back, used_and_free_bytes
from gateway.journal.horizon import Reach
from gateway.journal.retention import Retention
from gateway.journal.schema import (
    clients,
    days,
    detours,
    exchanges,
    facts,
    hours,
    lookups,
    marks,
    minutes,
    names,
    shelves,
    streams,
)

_SLICE = 5_000
_SHELVES_A_SLICE = 100
_IDS_A_SLICE = 20_000
_SPARE = 1 << 20
_BYTES_A_LOOKUP = 30
_ROUNDS = 60
_DAY = 1440
_MINUTES_A_BUCKET = {minutes: 1, hours: 60, days: _DAY}
_MINUTES_A_UNIT = {
    shelves.c.minute: 1,
    minutes.c.bucket: 1,
    hours.c.bucket: 60,
    days.c.bucket: _DAY,
    exchanges.c.hour: 60,
    detours.c.day: _DAY,
}
_BUCKETS_A_SLICE = {minutes: 30, hours: 6, days: 1}


def sweep(
    connection: Connection, retention: Retention, reach: Reach, *, forget: Callable[[], None], thorough: bool = False
) -> Iterator[None]:
    """One sweep, a committed step at a time; stop between any two and nothing is wrong.

    `forget` is called whenever ids may have gone. `thorough` looks for unused dictionary rows also when the journal is
    small enough.
    """
    minute, most = int(reach.now // 60), None if reach.most is None else int(reach.most // 60)

    def before(column: Column[int], span: timedelta) -> int:
        return _not_at_once(connection, column, minute - _minutes(span), most)

    yield from _drop_old_lookups(connection, before(shelves.c.minute, retention.lookups))
    yield from _drop_old_rollups(connection, minutes, before(minutes.c.bucket, retention.minutes))
    yield from _drop_old_rollups(connection, hours, before(hours.c.bucket, retention.hours))
    yield from _drop_old_rollups(connection, days, before(days.c.bucket, retention.rollups))
    yield from _drop_old_accounts(
        connection, before(exchanges.c.hour, retention.hours), before(detours.c.day, retention.rollups)
    )
    if thorough:
        yield from _drop_unused(connection, forget)
    yield from _shrink_to(connection, retention.size, forget)
    yield from _give_back(connection)


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _not_at_once(connection: Connection, column: Column[int], before_minute: int, most: int | None) -> int:
    """This minute, or the one up to which only so many minutes go, of whole days as far as there are any."""
    if most is None:
        return before_minute
    with connection.begin():
        lowest = connection.execute(select(func.min(column))).scalar()
    if lowest is None:
        return before_minute
    oldest = lowest * _MINUTES_A_UNIT[column] // _DAY * _DAY
    return min(before_minute, oldest + max(most, _DAY))


def _drop_old_lookups(connection: Connection, before_minute: int) -> Iterator[None]:
    """All lookups of minutes before this one. The newest shelf stays, since rows are being put on it."""
    old = shelves.c.minute < before_minute
    while _drop_shelves(connection, select(shelves.c.id).where(old), _SLICE):
        yield


def _drop_shelves(connection: Connection, which: Select[tuple[int]], most: int) -> int:
    """Takes lookups off the first of these shelves until `most` are gone; returns how many ids that were."""
    with connection.begin():
        newest = connection.execute(select(func.max(shelves.c.id))).scalar()
        if newest is None:
            return 0
        after = shelves.alias()
        end = select(func.min(after.c.id)).where(after.c.id > shelves.c.id).scalar_subquery()
        rows = connection.execute(
            which.add_columns(end).where(shelves.c.id < newest).order_by(shelves.c.id).limit(_SHELVES_A_SLICE)
        ).all()
        dropped = 0
        for first, last in rows:
            upto = min(last, first + most - dropped)
            connection.execute(delete(lookups).where(lookups.c.id >= first, lookups.c.id < upto))
            if upto < last:
                connection.execute(update(shelves).where(shelves.c.id == first).values(id=upto))
            else:
                connection.execute(delete(shelves).where(shelves.c.id == first))
            dropped += upto - first
            if dropped >= most:
                break
    return dropped


def _drop_old_rollups(connection: Connection, table: Table, before_minute: int) -> Iterator[None]:
    """Whole days only, and never a minute that its hour does not know yet."""
    with connection.begin():
        folded = connection.execute(select(marks.c.value).where(marks.c.name == "folded")).scalar() or 0
        before = min(before_minute, folded) // _DAY * _DAY
        _raise_mark(connection, f"{table.name}_from", before)
    size = _MINUTES_A_BUCKET[table]
    while True:
        with connection.begin():
            lowest = connection.execute(select(func.min(table.c.bucket))).scalar()
            if lowest is None or lowest * size >= before:
                return
            end = min(lowest + _BUCKETS_A_SLICE[table], before // size)
            connection.execute(delete(table).where(table.c.bucket < end))
        yield


def _drop_old_accounts(connection: Connection, exchanges_from: int, detours_from: int) -> Iterator[None]:
    """Exchanges and detours of minutes before these, as far as whole hours and days go."""
    for column, before in ((exchanges.c.hour, exchanges_from // 60), (detours.c.day, detours_from // _DAY)):
        while True:
            with connection.begin():
                lowest = connection.execute(select(func.min(column))).scalar()
                if lowest is None or lowest >= before:
                    break
                connection.execute(delete(column.table).where(column == lowest))
            yield


def _raise_mark(connection: Connection, name: str, value: int) -> None:
    statement = insert(marks).values(name=name, value=value)
    upsert = statement.on_conflict_do_update(
        index_elements=["name"], set_={"value": statement.excluded.value}, where=marks.c.value < value
    )
    connection.execute(upsert)


def _shrink_to(connection: Connection, size: int, forget: Callable[[], None]) -> Iterator[None]:
    if _used(connection) <= size:
        return
    goal = size - size // 20
    for _ in range(_ROUNDS):
        with connection.begin():
            first, last = connection.execute(select(func.min(lookups.c.id), func.max(lookups.c.id))).one()
        count = last - first + 1 if last is not None else 0
        if count * _BYTES_A_LOOKUP > _used(connection) // 3:
            yield from _drop_oldest_lookups(connection, max(count // 10, _SLICE))
        else:
            yield from _drop_oldest_tenth(connection)
            yield from _drop_oldest_lookups(connection, max(count // 10, _SLICE))
        yield from _drop_unused(connection, forget)
        if _used(connection) <= goal:
            return


def _drop_oldest_lookups(connection: Connection, count: int) -> Iterator[None]:
    while count > 0:
        dropped = _drop_shelves(connection, select(shelves.c.id), min(count, _SLICE))
        if not dropped:
            # A flood filled the journal within one minute: its shelf loses its oldest part.
            dropped = _drop_from_newest_shelf(connection, min(count, _SLICE))
        if not dropped:
            return
        count -= dropped
        yield


def _drop_from_newest_shelf(connection: Connection, most: int) -> int:
    with connection.begin():
        first = connection.execute(select(func.max(shelves.c.id))).scalar()
        last = connection.execute(select(func.max(lookups.c.id))).scalar()
        if first is None or last is None or last - first < 2 * most:
            return 0
        connection.execute(delete(lookups).where(lookups.c.id >= first, lookups.c.id < first + most))
        connection.execute(update(shelves).where(shelves.c.id == first).values(id=first + most))
    return most


def _drop_oldest_tenth(connection: Connection) -> Iterator[None]:
    """The oldest tenth of the days that each rollup knows, at least one: days, not time, for a clock that stood in the
    future may have left a day there.
    """
    for table in _MINUTES_A_BUCKET:
        yield from _drop_old_rollups(connection, table, _end_of_oldest_tenth(connection, table.c.bucket))
    accounts = [_end_of_oldest_tenth(connection, column) for column in (exchanges.c.hour, detours.c.day)]
    yield from _drop_old_accounts(connection, *accounts)


def _end_of_oldest_tenth(connection: Connection, column: Column[int]) -> int:
    """The minute in which it ends; 0 when there is nothing."""
    size = _MINUTES_A_UNIT[column]
    known: list[int] = []
    with connection.begin():
        after = 0
        while (found := connection.execute(select(func.min(column)).where(column >= after)).scalar()) is not None:
            known.append(found * size // _DAY)
            after = (known[-1] + 1) * _DAY // size
    return (known[max(len(known) // 10, 1) - 1] + 1) * _DAY if known else 0


def _drop_unused(connection: Connection, forget: Callable[[], None]) -> Iterator[None]:
    """Dictionary rows that no lookup and no rollup needs, with a day to spare for clocks and crashes."""
    with connection.begin():
        oldest = [connection.execute(select(func.min(shelves.c.minute))).scalar()]
        oldest += [
            None if low is None else low * size
            for table, size in _MINUTES_A_BUCKET.items()
            for low in [connection.execute(select(func.min(table.c.bucket))).scalar()]
        ]
    if oldest[0] is not None:
        day = oldest[0] // _DAY - 1
        yield from _drop_where(connection, facts, facts.c.used < day)
        yield from _drop_where(connection, clients, clients.c.used < day)
        forget()
    known = [low for low in oldest if low is not None]
    if known:
        yield from _drop_where(connection, streams, streams.c.last < (min(known) - _DAY) * 60_000)
        forget()
    used = exists().where(streams.c.name == names.c.id) | exists().where(exchanges.c.name == names.c.id)
    yield from _drop_where(connection, names, ~used)
    forget()


def _drop_where(connection: Connection, table: Table, condition: ColumnElement[bool]) -> Iterator[None]:
    with connection.begin():
        low, high = connection.execute(select(func.min(table.c.id), func.max(table.c.id))).one()
    if low is None:
        return
    for start in range(low, high + 1, _IDS_A_SLICE):
        with connection.begin():
            within = (table.c.id >= start) & (table.c.id < start + _IDS_A_SLICE)
            connection.execute(delete(table).where(within, condition))
        yield


def _used(connection: Connection) -> int:
    with connection.begin():
        return used_and_free_bytes(connection)[0]


def _give_back(connection: Connection) -> Iterator[None]:
    """Cuts the free pages off, but for a little that the next hour needs anyway."""
    cut = False
    while True:
        with connection.begin():
            used, free = used_and_free_bytes(connection)
            surplus = free - max(_SPARE, used // 50)
            if surplus <= 0 or (not cut and surplus < _SPARE):
                break
            give_back(connection, min(surplus, _SPARE))
            cut = True
        yield
    if cut:
        checkpoint(connection)
        yield
