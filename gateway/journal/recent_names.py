"""Which names of some companies each device asked for lately, and was not refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import Connection, func, select

from gateway.journal.schema import devices, names, streams
from gateway.journal.times import from_millis, to_micros

_MOST_NAMES = 20_000
_PORTION = 500


def find_asked_names(connection: Connection, since: datetime, limit: int) -> Iterator[tuple[str, str]]:
    """(device id, canonical name) of what was asked for since then, the latest first."""
    last = func.max(streams.c.last)
    found = (
        select(devices.c.id, names.c.name)
        .join_from(streams, devices, devices.c.number == streams.c.device)
        .join(names, names.c.id == streams.c.name)
        .where(streams.c.last >= to_micros(since) // 1000)
        .group_by(devices.c.id, names.c.id)
        .order_by(last.desc())
        .limit(limit)
    )
    for row in connection.execute(found):
        yield row[0], row[1]


def find_recent_names(
    connection: Connection, since: datetime, companies: Collection[str]
) -> Iterator[tuple[str, str, datetime]]:
    """(device id, canonical name, when last) of what was allowed since then, in no order; at most 20,000 names."""
    owned = select(names.c.id, names.c.name).where(names.c.company.in_(companies)).order_by(names.c.id.desc())
    known: dict[int, str] = {number: name for number, name in connection.execute(owned.limit(_MOST_NAMES))}  # noqa: C416 - rows are no pairs to a checker
    numbers = list(known)
    for start in range(0, len(numbers), _PORTION):
        found = (
            select(devices.c.id, streams.c.name, func.max(streams.c.last))
            .join_from(streams, devices, devices.c.number == streams.c.device)
            .where(streams.c.name.in_(numbers[start : start + _PORTION]), streams.c.blocked == 0)
            .where(streams.c.last >= to_micros(since) // 1000)
            .group_by(devices.c.id, streams.c.name)
        )
        for device, number, last in connection.execute(found):
            yield device, known[number], from_millis(last)
