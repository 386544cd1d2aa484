"""A person's filter as conditions on streams and lookups."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, select, true
from sqlalchemy.sql.elements import KeyedColumnElement

from gateway.errors import JournalError
from gateway.journal.schema import clients, devices, lookups, names, streams
from gateway.journal.views import LookupFilter
from gateway.model.a_label import to_a_label

_FEW = 400
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class SearchScope:
    """`streams` are the ids of the few streams that fit, None when there are many or all; `few` says which.

    `condition` is what a stream and its name have to fulfil, None for any; `clients` are ids, None for any.
    """

    condition: ColumnElement[bool] | None = None
    streams: tuple[int, ...] | None = None
    clients: tuple[int, ...] | None = None

    @property
    def is_everything(self) -> bool:
        return self.condition is None

    @property
    def is_nothing(self) -> bool:
        return self.streams == () or self.clients == ()

    def on(self, stream: KeyedColumnElement[int]) -> ColumnElement[bool]:
        """The condition on a column of stream ids; tested row by row, so that the order of the scan stays."""
        if self.condition is None:
            return true()
        if self.streams is not None:
            return stream.in_(self.streams)
        fits = and_(streams.c.id == stream, names.c.id == streams.c.name, self.condition)
        return exists(select(1).select_from(streams).join(names, names.c.id == streams.c.name).where(fits))

    def on_lookups(self) -> ColumnElement[bool]:
        here = self.on(lookups.c.stream)
        return here if self.clients is None else and_(here, lookups.c.client.in_(self.clients))


def find_scope(connection: Connection, wanted: LookupFilter) -> SearchScope:
    """Looks up which devices, clients and streams the filter means. Raises JournalError for one without sense."""
    conditions: list[ColumnElement[bool]] = []
    client_ids: tuple[int, ...] | None = None
    if wanted.client is not None:
        meant = select(clients.c.id, clients.c.device).where(clients.c.address == wanted.client).limit(_FEW)
        rows = connection.execute(meant).all()
        client_ids = tuple(row.id for row in rows)
        conditions.append(streams.c.device.in_({row.device for row in rows}))
    if wanted.device is not None:
        number = select(devices.c.number).where(devices.c.id == wanted.device).scalar_subquery()
        conditions.append(streams.c.device == number)
    if wanted.company is not None:
        conditions.append(names.c.company == wanted.company)
    if wanted.category is not None:
        conditions.append(names.c.category == wanted.category)
    if wanted.verdict is not None:
        if wanted.verdict not in ("allow", "block"):
            raise JournalError("history.verdict-allow-block")
        conditions.append(streams.c.blocked == int(wanted.verdict == "block"))
    if wanted.name is not None and wanted.name.strip():
        conditions.append(_named(wanted.name))
    if not conditions:
        return SearchScope()
    condition = and_(*conditions)
    found = select(streams.c.id).join(names, names.c.id == streams.c.name).where(condition).limit(_FEW + 1)
    ids: Sequence[int] = connection.execute(found).scalars().all()
    return SearchScope(condition, tuple(ids) if len(ids) <= _FEW else None, client_ids)


def _named(text: str) -> ColumnElement[bool]:
    """The whole name with gaps where there are stars, else any part of it; the user's own % and _ mean themselves."""
    text = text.strip().lower().removesuffix(".") if text.strip() != "." else "."
    if len(text) > _LONGEST:
        raise JournalError("history.name-most-characters")
    if not text.isprintable():
        raise JournalError("history.name-no-control")
    if not text.isascii():
        with suppress(ValueError):
            text = ".".join(map(to_a_label, text.split(".")))
    if "*" not in text:
        return names.c.name.contains(text, autoescape=True, escape="!")
    escaped = [part.replace("!", "!!").replace("%", "!%").replace("_", "!_") for part in text.split("*")]
    kept = [part for i, part in enumerate(escaped) if part or i in (0, len(escaped) - 1)]
    return names.c.name.like("%".join(kept), escape="!")
