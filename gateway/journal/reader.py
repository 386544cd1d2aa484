"""Reads the journal, never writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, Subquery, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as Crowded

from gateway.errors import JournalError
from gateway.journal import cursor
from gateway.journal.coverage import DAY, HOUR, MINUTE
from gateway.journal.engine import open_engine, time_limit
from gateway.journal.exchanges import find_detours, find_exchanges
from gateway.journal.preparation import first_line
from gateway.journal.printing import SHOWN, label_of, lookup_of
from gateway.journal.recent_names import find_asked_names, find_recent_names
from gateway.journal.schema import devices, lookups, names, streams
from gateway.journal.scope import find_scope
from gateway.journal.search import Span, find_lookups
from gateway.journal.tally import blocked, by_stream, last_millis, tally, tracking
from gateway.journal.times import from_millis, from_minutes, to_micros
from gateway.journal.views import (
    Bar,
    CompanyRow,
    DetourRow,
    DeviceRow,
    ExchangeRow,
    LookupFilter,
    NameRow,
    Page,
    Totals,
)
from gateway.model.lookup import Lookup
from gateway.model.tag import Category

__all__ = [
    "Bar",
    "CompanyRow",
    "DetourRow",
    "DeviceRow",
    "ExchangeRow",
    "LookupFilter",
    "NameRow",
    "Page",
    "Reader",
    "Totals",
]

_MOST = 1000
_MOST_BARS = 5000
_PATIENCE = 5.0


class Reader:
    """Any number of threads may ask at once. Nothing is held between two calls, so the writer is never in the way.

    Every call raises JournalError, in one sentence, for a question without sense, one that takes longer than
    `patience` seconds, and a journal that cannot be read. Ranges are [since, until), None is without end; totals,
    charts and tables are to the minute, and of older days to the hour or day that is kept.
    """

    def __init__(self, path: Path, *, patience: float = _PATIENCE) -> None:
        self.path = path
        self._patience = patience
        self._engine = open_engine(path, read_only=True)

    def close(self) -> None:
        self._engine.dispose()

    def lookups(self, wanted: LookupFilter | None = None, *, limit: int = 100, before: str | None = None) -> Page:
        """One page, newest first; `limit` is 1 to 1000, `before` is the `next` of the page above."""
        wanted = wanted or LookupFilter()
        _check_limit(limit)
        place = None if before is None else cursor.decode(before)
        with self._asking() as connection:
            scope = find_scope(connection, wanted)
            ids, rest = find_lookups(connection, scope, _span_of(wanted), limit=limit, before=place)
            rows = connection.execute(SHOWN.where(lookups.c.id.in_(ids)).order_by(lookups.c.id.desc())).all()
        return Page(tuple(map(lookup_of, rows)), None if rest is None else cursor.encode(rest))

    def after(self, last: int, *, limit: int = 100) -> tuple[Lookup, ...]:
        """The oldest `limit` lookups with higher ids than `last`, oldest first: what a stream missed."""
        _check_limit(limit)
        if not 0 <= last <= cursor.MAX_ID:
            return ()
        with self._asking() as connection:
            return tuple(
                map(lookup_of, connection.execute(SHOWN.where(lookups.c.id > last).order_by(lookups.c.id).limit(limit)))
            )

    def lookup(self, number: int) -> Lookup | None:
        if not 0 < number <= cursor.MAX_ID:
            return None
        with self._asking() as connection:
            row = connection.execute(SHOWN.where(lookups.c.id == number)).first()
        return None if row is None else lookup_of(row)

    def totals(self, since: datetime | None, until: datetime | None, device: str | None = None) -> Totals:
        with self._asking() as connection:
            rows = tally(connection, since, until)
            if rows is None:
                return Totals()
            sums = by_stream(rows)
            count = sums.c.lookups
            query = select(
                func.coalesce(func.sum(count), 0),
                func.coalesce(func.sum(blocked(count)), 0),
                func.count(names.c.company.distinct()),
                func.count(names.c.id.distinct()),
                func.coalesce(func.sum(tracking(count)), 0),
                func.coalesce(func.sum(blocked(tracking(count))), 0),
            )
            row = connection.execute(_joined(query, sums, device=device)).one()
        return Totals(*row)

    def chart(
        self, since: datetime, until: datetime, step: int, device: str | None = None, company: str | None = None
    ) -> tuple[Bar, ...]:
        """Bars by time, then category. `step` is in seconds, whole minutes; bars begin at its multiples (UTC)."""
        if step < 60 or step % 60:
            raise JournalError("history.step-chart-whole")
        with self._asking() as connection:
            if (to_micros(until) - to_micros(since)) // 1_000_000 > step * _MOST_BARS:
                raise JournalError("history.chart-most-bars", most_bars=_MOST_BARS)
            coarsest = DAY if step % 86_400 == 0 else HOUR if step % 3600 == 0 else MINUTE
            rows = tally(connection, since, until, coarsest=coarsest)
            if rows is None:
                return ()
            start = (rows.c.minute // (step // 60) * (step // 60)).label("start")
            query = select(
                start, names.c.category, func.sum(rows.c.lookups), func.sum(blocked(rows.c.lookups))
            ).group_by(start, names.c.category)
            bars = connection.execute(
                _joined(query, rows, device=device, company=company).order_by(start, names.c.category)
            )
            return tuple(Bar(from_minutes(minute), *rest) for minute, *rest in bars)

    def companies(
        self, since: datetime | None, until: datetime | None, device: str | None = None, limit: int = 50
    ) -> tuple[CompanyRow, ...]:
        """Most lookups first; names without a known owner are left out."""
        _check_limit(limit)
        with self._asking() as connection:
            rows = tally(connection, since, until)
            if rows is None:
                return ()
            sums = by_stream(rows)
            count = func.sum(sums.c.lookups)
            query = select(
                names.c.company,
                count.label("lookups"),
                func.sum(blocked(sums.c.lookups)).label("blocked"),
                func.count(names.c.id.distinct()).label("names"),
                func.count(streams.c.device.distinct()).label("devices"),
                func.min(streams.c.first).label("first"),
                last_millis(sums),
            ).group_by(names.c.company)
            found = connection.execute(
                _joined(query, sums, device=device)
                .where(names.c.company.is_not(None))
                .order_by(count.desc(), names.c.company)
                .limit(limit)
            ).all()
            main = select(names.c.company, names.c.category).group_by(names.c.company, names.c.category)
            companies = [row[0] for row in found]
            ranked = _joined(main, sums, device=device).where(names.c.company.in_(companies))
            # Least first, so that the most frequent one stays.
            category = {row[0]: str(row[1]) for row in connection.execute(ranked.order_by(count, names.c.category))}
        return tuple(
            CompanyRow(
                company=row.company,
                category=category.get(row.company, Category.UNKNOWN.value),
                lookups=row.lookups,
                blocked=row.blocked,
                names=row.names,
                devices=row.devices,
                first_seen=from_millis(row.first),
                last_seen=from_millis(row.last),
            )
            for row in found
        )

    def names(
        self,
        since: datetime | None,
        until: datetime | None,
        device: str | None = None,
        company: str | None = None,
        category: str | None = None,
        limit: int = 200,
    ) -> tuple[NameRow, ...]:
        """Most lookups first."""
        _check_limit(limit)
        with self._asking() as connection:
            rows = tally(connection, since, until)
            if rows is None:
                return ()
            sums = by_stream(rows)
            query = _joined(_name_query(sums), sums, device=device, company=company, category=category)
            order = (func.sum(sums.c.lookups).desc(), names.c.name)
            return tuple(map(_name_row, connection.execute(query.order_by(*order).limit(limit))))

    def name(self, name: str) -> NameRow | None:
        """All that is known about a canonical name."""
        with self._asking() as connection:
            known = select(streams.c.id).join(names, names.c.id == streams.c.name).where(names.c.name == name)
            mine = connection.execute(known).scalars().all()
            rows = tally(connection, None, None, only=mine)
            if rows is None or not mine:
                return None
            sums = by_stream(rows)
            row = connection.execute(_joined(_name_query(sums), sums)).first()
        return None if row is None else _name_row(row)

    def devices(self, since: datetime | None, until: datetime | None) -> tuple[DeviceRow, ...]:
        """Most trackers first, then most lookups."""
        with self._asking() as connection:
            rows = tally(connection, since, until)
            if rows is None:
                return ()
            sums = by_stream(rows)
            count, tracked = func.sum(sums.c.lookups), func.sum(tracking(sums.c.lookups))
            labels = [devices.c[column].label(f"device_{column}") for column in ("id", "name", "host", "vendor")]
            query: Select[Any] = select(
                *labels,
                devices.c.addresses.label("device_addresses"),
                count.label("lookups"),
                func.sum(blocked(sums.c.lookups)).label("blocked"),
                func.count(names.c.company.distinct()).label("companies"),
                tracked.label("trackers"),
                last_millis(sums),
            ).group_by(devices.c.number)
            found = connection.execute(
                query.join_from(sums, streams, streams.c.id == sums.c.stream)
                .join(names, names.c.id == streams.c.name)
                .join(devices, devices.c.number == streams.c.device)
                .order_by(tracked.desc(), count.desc(), devices.c.id)
                .limit(_MOST)
            ).all()
        return tuple(
            DeviceRow(
                device=row.device_id,
                device_name=label_of(row),
                lookups=row.lookups,
                blocked=row.blocked,
                companies=row.companies,
                trackers=row.trackers,
                last_lookup=from_millis(row.last),
            )
            for row in found
        )

    def recent_names(self, since: datetime, companies: Collection[str]) -> tuple[tuple[str, str, datetime], ...]:
        """(device id, name, when last) of these companies' names that were allowed since then, in no order."""
        with self._asking() as connection:
            return tuple(find_recent_names(connection, since, companies))

    def asked_names(self, since: datetime, limit: int) -> tuple[tuple[str, str], ...]:
        """(device id, name) of what was asked for since then, the latest first."""
        with self._asking() as connection:
            return tuple(find_asked_names(connection, since, limit))

    def exchanges(
        self, since: datetime, until: datetime, device: str | None = None, limit: int = 200
    ) -> tuple[ExchangeRow, ...]:
        """What devices exchanged with whom, most bytes first; to the hour."""
        _check_limit(limit)
        with self._asking() as connection:
            return find_exchanges(connection, since, until, device, limit)

    def detours(
        self, since: datetime, until: datetime, device: str | None = None, limit: int = 200
    ) -> tuple[DetourRow, ...]:
        """How devices tried to go round the resolver, the latest first; to the day (UTC)."""
        _check_limit(limit)
        with self._asking() as connection:
            return find_detours(connection, since, until, device, limit)

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection, time_limit(connection, self._patience):
                yield connection
        except Crowded as error:
            raise JournalError("history.too-many-people") from error
        except UnicodeError as error:
            raise JournalError("history.journal-holds-no") from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._explained(error) from error
        except (ValueError, OverflowError) as error:
            raise JournalError("history.journal-cannot-answer", first_line=f"{first_line(error)}") from error

    def _explained(self, error: Exception) -> JournalError:
        says = first_line(error)
        if says == "interrupted":
            return JournalError("history.no-answer-within", patience=f"{self._patience:g}")
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return JournalError("history.is-missing", name=self.path.name)
        except OSError as obstacle:
            return JournalError("history.cannot-read", says=obstacle.strerror or says)
        if size == 0 or says.startswith("no such table"):
            return JournalError("history.is-empty", name=self.path.name)
        return JournalError("history.cannot-read", says=says)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= _MOST:
        raise JournalError("history.limit-number", most=_MOST)


def _span_of(wanted: LookupFilter) -> Span | None:
    if wanted.since is None and wanted.until is None:
        return None
    start = 0 if wanted.since is None else -(-to_micros(wanted.since) // 1000)
    end = 2**53 if wanted.until is None else -(-to_micros(wanted.until) // 1000)
    return Span(start, end)


def _joined(
    query: Select[Any],
    sums: Subquery,
    *,
    device: str | None = None,
    company: str | None = None,
    category: str | None = None,
) -> Select[Any]:
    """Streams and names to what was counted, and only those that are meant."""
    query = query.join_from(sums, streams, streams.c.id == sums.c.stream).join(names, names.c.id == streams.c.name)
    if device is not None:
        query = query.where(
            streams.c.device == select(devices.c.number).where(devices.c.id == device).scalar_subquery()
        )
    if company is not None:
        query = query.where(names.c.company == company)
    if category is not None:
        query = query.where(names.c.category == category)
    return query


def _name_query(sums: Subquery) -> Select[Any]:
    return select(
        names.c.name,
        names.c.company,
        names.c.category,
        func.sum(sums.c.lookups).label("lookups"),
        func.sum(blocked(sums.c.lookups)).label("blocked"),
        func.count(streams.c.device.distinct()).label("devices"),
        func.min(streams.c.first).label("first"),
        last_millis(sums),
    ).group_by(names.c.id)


def _name_row(row: Row[Any]) -> NameRow:
    return NameRow(
        name=row.name,
        company=row.company,
        category=row.category,
        lookups=row.lookups,
        blocked=row.blocked,
        devices=row.devices,
        first_seen=from_millis(row.first),
        last_seen=from_millis(row.last),
    )
