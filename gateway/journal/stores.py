"""What people decided and which devices there are: stored whole, read whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Row, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import JournalError
from gateway.journal.device_rows import SAVE_DEVICE, device_of_row, device_row
from gateway.journal.engine import open_engine, raw_connection
from gateway.journal.preparation import first_line
from gateway.journal.schema import book as books
from gateway.journal.schema import devices, rules, subscriptions
from gateway.journal.times import from_micros, to_micros
from gateway.model.book import Book, Subscription
from gateway.model.device import Device
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action

T = TypeVar("T")
_PATIENCE = 10.0


class RunsWrites(Protocol):
    """The writer, as far as the stores need it."""

    path: Path

    def run(self, fn: Callable[[Connection], T], *, lasts: bool = False) -> Future[T]: ...


class BookStore:
    """The book in the journal. Both calls block; `save` needs a running writer and must not be called in its thread."""

    def __init__(self, writer: RunsWrites) -> None:
        self._writer = writer

    def load(self) -> Book | None:
        """The book as it was saved last, None when none was. Raises JournalError when it cannot be read."""
        with _reading(self._writer.path) as connection:
            head = connection.execute(select(books)).first()
            if head is None:
                return None
            rule_rows = connection.execute(select(rules).order_by(rules.c.position)).all()
            list_rows = connection.execute(select(subscriptions).order_by(subscriptions.c.position)).all()
        return Book(head.revision, head.next_id, tuple(map(_rule_of, rule_rows)), tuple(map(_list_of, list_rows)))

    def save(self, book: Book, *, lasts: bool = False) -> None:
        """Replaces the stored book; returns when it is committed, and with `lasts` when it is on the medium. Raises
        JournalError when that fails.
        """
        rule_rows = [_rule_row(position, rule) for position, rule in enumerate(book.rules)]
        list_rows = [_list_row(position, subscription) for position, subscription in enumerate(book.lists)]

        def replace(connection: Connection) -> None:
            for table in (books, rules, subscriptions):
                connection.execute(delete(table))
            connection.execute(insert(books).values(id=1, revision=book.revision, next_id=book.next_id))
            if rule_rows:
                connection.execute(insert(rules), rule_rows)
            if list_rows:
                connection.execute(insert(subscriptions), list_rows)

        _stored(self._writer.run(replace, lasts=lasts), _PATIENCE)


class DeviceStore:
    """The devices in the journal."""

    def __init__(self, writer: RunsWrites) -> None:
        self._writer = writer

    def load(self) -> list[Device]:
        """All devices, longest known first. Raises JournalError when they cannot be read."""
        return load_devices(self._writer.path)

    def save(self, device: Device) -> Future[None]:
        """Stores a device soon, whichever thread calls; the future is for who must know that it is done."""
        return self._writer.run(partial(_write_device, device_row(device)))

    def keep(self, device: Callable[[], Device | None], patience: float = _PATIENCE) -> bool:
        """Stores the device as it is by then; returns when a power cut takes it no more, false when there is none.

        `device` is called in the writer's thread. Blocking; raises JournalError when it is not stored, also when that
        has not begun within `patience` seconds.
        """

        def write(connection: Connection) -> bool:
            found = device()
            if found is not None:
                _write_device(device_row(found), connection)
            return found is not None

        return _stored(self._writer.run(write, lasts=True), patience)


def load_devices(path: Path) -> list[Device]:
    """All devices of a journal, longest known first, whether a box runs or not. Raises JournalError."""
    with _reading(path) as connection:
        return [device_of_row(row) for row in connection.execute(select(devices).order_by(devices.c.number))]


def _stored(future: Future[T], patience: float) -> T:
    """What the write answers. Raises JournalError; then nothing is stored, nor will it be."""
    try:
        try:
            return future.result(patience)
        except Late:
            if future.cancel():
                raise JournalError("history.journal-busy-did", seconds=f"{patience:g}") from None
            # It is being written: only its end says whether it is stored.
            return future.result()
    except (SQLAlchemyError, sqlite3.Error, UnicodeError, OverflowError) as error:
        raise JournalError("history.change-cannot-stored", first_line=f"{first_line(error)}") from error


def _write_device(row: tuple[Any, ...], connection: Connection) -> None:
    raw_connection(connection).execute(SAVE_DEVICE, row).fetchall()


@contextmanager
def _reading(path: Path) -> Iterator[Connection]:
    engine = open_engine(path, read_only=True)
    try:
        with engine.connect() as connection:
            yield connection
    except (SQLAlchemyError, sqlite3.Error, ValueError) as error:
        raise JournalError("history.journal-cannot-read", path=path, first_line=f"{first_line(error)}") from error
    finally:
        engine.dispose()


def _rule_row(position: int, rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "position": position,
        "action": rule.action.value,
        "kind": rule.scope.kind.value,
        "value": rule.scope.value,
        "made": to_micros(rule.made),
        "made_by": rule.made_by,
        "device": rule.device,
        "ends": None if rule.ends is None else to_micros(rule.ends),
        "comment": rule.comment,
    }


def _rule_of(row: Row[Any]) -> Rule:
    return Rule(
        action=Action(row.action),
        scope=Scope(ScopeKind(row.kind), row.value),
        made=from_micros(row.made),
        made_by=row.made_by,
        device=row.device,
        ends=None if row.ends is None else from_micros(row.ends),
        comment=row.comment,
        id=row.id,
    )


def _list_row(position: int, subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "position": position,
        "source": subscription.source,
        "title": subscription.title,
        "action": subscription.action.value,
        "added": to_micros(subscription.added),
        "enabled": subscription.enabled,
        "comment": subscription.comment,
    }


def _list_of(row: Row[Any]) -> Subscription:
    return Subscription(
        id=row.id,
        source=row.source,
        title=row.title,
        action=Action(row.action),
        added=from_micros(row.added),
        enabled=bool(row.enabled),
        comment=row.comment,
    )
