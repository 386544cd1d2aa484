"""Sums over the rollups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Case, Connection, Label, Select, Subquery, Table, case, func, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from gateway.journal.coverage import DAY, FOREVER, HOUR, MINUTE, Kept, cover
from gateway.journal.schema import days, hours, marks, minutes, names, streams
from gateway.journal.times import to_micros
from gateway.model.tag import Category

_TABLES: dict[int, Table] = {MINUTE: minutes, HOUR: hours, DAY: days}
_MICROS = 60_000_000
TRACKING = [category.value for category in Category if category.tracks]


def tally(
    connection: Connection,
    since: datetime | None,
    until: datetime | None,
    *,
    coarsest: int = DAY,
    only: Sequence[int] | None = None,
) -> Subquery | None:
    """Rows (stream, minute, lookups) that together count each lookup in [since, until) once; None when it is empty.

    The ends are widened to whole minutes, or to the whole hours or days that are all that is kept of them. What the
    hours do not include yet is added from the minutes, in the same statement, so that nothing is counted twice.
    `only` are the ids of the streams to count, None for all.
    """
    stored = {row.name: int(row.value) for row in connection.execute(select(marks))}
    kept = Kept(stored.get("minutes_from", 0), stored.get("hours_from", 0))
    start = 0 if since is None else max(to_micros(since) // _MICROS, 0)
    end = FOREVER if until is None else min(-(-to_micros(until) // _MICROS), FOREVER)
    folded = select(marks.c.value).where(marks.c.name == "folded").scalar_subquery()
    parts = []
    for stretch in cover(start, end, kept, coarsest=coarsest):
        table, size = _TABLES[stretch.size], stretch.size
        inside = [table.c.bucket >= stretch.start // size, table.c.bucket < stretch.end // size]
        parts.append(_rows(table, size, inside, only))
        if size != MINUTE:
            bucket = minutes.c.bucket
            fresh = [bucket >= stretch.start, bucket < stretch.end, bucket > func.coalesce(folded, 0)]
            parts.append(_rows(minutes, MINUTE, fresh, only))
    return union_all(*parts).subquery("tally") if parts else None


def _rows(
    table: Table, size: int, inside: list[ColumnElement[bool]], only: Sequence[int] | None
) -> Select[tuple[int, int, int]]:
    rows = select(table.c.stream, (table.c.bucket * size).label("minute"), table.c.lookups).where(*inside)
    return rows if only is None else rows.where(table.c.stream.in_(only))


def by_stream(rows: Subquery) -> Subquery:
    """(stream, lookups, last: the last minute that one was seen in)."""
    sums = select(
        rows.c.stream, func.sum(rows.c.lookups).label("lookups"), func.max(rows.c.minute).label("last")
    ).group_by(rows.c.stream)
    return sums.subquery("sums")


def blocked(counted: ColumnElement[int]) -> Case[int]:
    """What of a stream's count was blocked."""
    return case((streams.c.blocked == 1, counted), else_=0)


def tracking(counted: ColumnElement[int]) -> Case[int]:
    """What of a stream's count went to names that track."""
    return case((names.c.category.in_(TRACKING), counted), else_=0)


def last_millis(sums: Subquery) -> Label[int]:
    """When a group of streams was seen last: exact, but for the running minute, whose beginning stands for it."""
    minute = sums.c.last * 60_000
    return func.max(case((streams.c.last > minute, streams.c.last), else_=minute)).label("last")
