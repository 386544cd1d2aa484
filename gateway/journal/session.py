"""One stretch of writing: an open journal until something goes wrong."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.catalogue.sentences import Notice
from gateway.errors import JournalError
from gateway.journal import statements as say
from gateway.journal.dictionary import DeviceOf, TagOf
from gateway.journal.engine import lasting, open_engine, raw_connection
from gateway.journal.ledger import Ledger
from gateway.journal.preparation import first_line, is_damage, prepare

__all__ = ["WriterSession", "explain", "is_damage", "is_outage"]

_NOT_OUTAGES = {
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_MISUSE,
    sqlite3.SQLITE_RANGE,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_ERROR,
}
_CODES = {
    sqlite3.SQLITE_FULL: "history.disk-full",
    sqlite3.SQLITE_READONLY: "history.may-not-be-written",
    sqlite3.SQLITE_BUSY: "history.held-by-another",
    sqlite3.SQLITE_IOERR: "history.disk-reports-errors",
    sqlite3.SQLITE_CANTOPEN: "history.cannot-be-opened",
    sqlite3.SQLITE_CORRUPT: "history.set-aside",
    sqlite3.SQLITE_NOTADB: "history.set-aside",
}


class WriterSession:
    """Prepares and opens the journal for writing. After any error but a task's own it is closed and made anew."""

    def __init__(self, path: Path, *, tag: TagOf, device_of: DeviceOf) -> None:
        self._path = path
        self.prepared = prepare(path)
        self._engine = open_engine(path)
        try:
            self.connection = self._engine.connect()
            with self.connection.begin():
                self.ledger = Ledger(self.connection, tag=tag, device_of=device_of)
        except BaseException:
            self._engine.dispose()
            raise
        self._inode = path.stat().st_ino
        self._folded_at = 0

    @contextmanager
    def begin(self, *, lasts: bool = False) -> Iterator[None]:
        """A transaction. Once one that `lasts` is committed, it is on the medium with everything that was before it."""
        if not lasts:
            with self.connection.begin():
                yield
            return
        with lasting(self.connection), self.connection.begin():
            # SQLite forces a commit to the medium only when it changes a page.
            raw_connection(self.connection).execute(say.COUNT_MARK, ("lasting", 1))
            yield

    def has_moved(self) -> bool:
        """True when the file was deleted or replaced, so that we would write where nobody reads."""
        try:
            return os.stat(self._path).st_ino != self._inode
        except OSError:
            return True

    def try_to_write(self, now: float) -> None:
        """Opening proves little: a full disk shows itself with the first page."""
        with self.connection.begin():
            raw_connection(self.connection).execute(say.SET_MARK, ("opened", int(now)))

    def fold(self, now: float) -> None:
        """Once a minute, see `Ledger.fold`."""
        if int(now // 60) != self._folded_at:
            with self.connection.begin():
                self.ledger.fold(now)
            self._folded_at = int(now // 60)

    def close(self, *, properly: bool = False) -> None:
        """`properly` first writes down what is otherwise kept in memory; what fails now has failed before."""
        with _whatever_happens():
            if properly:
                with self.connection.begin():
                    self.ledger.close()
        with _whatever_happens():
            self.connection.invalidate() if not properly else self.connection.close()
        with _whatever_happens():
            self._engine.dispose()


def is_outage(error: Exception) -> bool:
    """True for what may be over later by itself (disk, rights, locks) or is cured by a new file (damage)."""
    if isinstance(error, JournalError | OSError):
        return True
    code = _code(error)
    return code is not None and code & 0xFF not in _NOT_OUTAGES


def explain(error: Exception) -> Notice:
    """What a person is to hear of it."""
    if isinstance(error, JournalError):
        return error.notice
    code = _code(error)
    known = _CODES.get(code & 0xFF) if code is not None else None
    return Notice(known) if known else Notice("history.cannot-be-written", first_line=first_line(error))


def _code(error: Exception) -> int | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorcode", None)


@contextmanager
def _whatever_happens() -> Iterator[None]:
    with contextlib.suppress(SQLAlchemyError, sqlite3.Error, OSError):
        yield
