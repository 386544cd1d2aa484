"""Bytes by the hour and detours by the day, read as sums."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from gateway.journal.schema import detours, devices, exchanges, names
from gateway.journal.times import from_millis, to_micros
from gateway.journal.views import DetourRow, ExchangeRow
from gateway.model.tag import Category

MICROS_AN_HOUR, MICROS_A_DAY = 3_600_000_000, 86_400_000_000


def find_exchanges(
    connection: Connection, since: datetime, until: datetime, device: str | None, limit: int
) -> tuple[ExchangeRow, ...]:
    """Most bytes first."""
    up, down = func.sum(exchanges.c.up), func.sum(exchanges.c.down)
    query = (
        select(names.c.name, names.c.company, names.c.category, up, down, func.sum(exchanges.c.connections))
        .join_from(exchanges, names, names.c.id == exchanges.c.name, isouter=True)
        .where(*_within(exchanges.c.hour, since, until, MICROS_AN_HOUR))
        .group_by(exchanges.c.name)
        .order_by((up + down).desc(), names.c.name)
        .limit(limit)
    )
    rows = connection.execute(_of_device(query, exchanges, device))
    return tuple(
        ExchangeRow(name, company, category or Category.UNKNOWN.value, *counts)
        for name, company, category, *counts in rows
    )


def find_detours(
    connection: Connection, since: datetime, until: datetime, device: str | None, limit: int
) -> tuple[DetourRow, ...]:
    """The latest first."""
    kind = (detours.c.detour, detours.c.server, detours.c.protocol, detours.c.port, detours.c.outcome)
    last = func.max(detours.c.last)
    query = (
        select(
            devices.c.id, *kind, func.sum(detours.c.count), func.sum(detours.c.bytes), func.min(detours.c.first), last
        )
        .join_from(detours, devices, devices.c.number == detours.c.device)
        .where(*_within(detours.c.day, since, until, MICROS_A_DAY))
        .group_by(detours.c.device, *kind)
        .order_by(last.desc(), *kind)
        .limit(limit)
    )
    rows: Sequence[Any] = connection.execute(_of_device(query, detours, device)).all()
    return tuple(
        DetourRow(device_id, way, server, protocol, port, outcome, count, size, from_millis(first), from_millis(latest))
        for device_id, way, server, protocol, port, outcome, count, size, first, latest in rows
    )


def _within(column: Any, since: datetime, until: datetime, size: int) -> tuple[Any, Any]:
    return column >= to_micros(since) // size, column < -(-to_micros(until) // size)


def _of_device(query: Select[Any], table: Table, device: str | None) -> Select[Any]:
    if device is None:
        return query
    return query.where(table.c.device == select(devices.c.number).where(devices.c.id == device).scalar_subquery())
