"""How SQLite is opened: the only place that speaks PRAGMA."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

_BUSY_MS = 5000
_WRITE_PRAGMAS = (
    "auto_vacuum=INCREMENTAL",  # before the first table, or it comes too late
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "journal_size_limit=8388608",
    "cache_size=-2048",
    "temp_store=MEMORY",
    "secure_delete=FAST",
    "cell_size_check=ON",
    "trusted_schema=OFF",
)
_READ_PRAGMAS = ("query_only=ON", "cache_size=-2048", "temp_store=MEMORY", "cell_size_check=ON", "trusted_schema=OFF")
_STEPS_BETWEEN_LOOKS = 4000


class _ReadOnly(sqlite3.Connection):
    """Knows which file it opened, so that a replaced one is noticed, and whether it may be used again."""

    inode: int = 0
    immutable: bool = False
    spent: bool = False


def open_engine(path: Path, *, read_only: bool = False) -> Engine:
    """An engine on the journal at `path`.

    For writing: WAL, every transaction BEGIN IMMEDIATE. Read only: several threads at once, each statement its own
    snapshot, never a lock on the writer. Nothing is opened yet; a failure comes as sqlalchemy's DBAPIError.
    """
    return _reading_engine(path) if read_only else _writing_engine(path)


def _writing_engine(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _WRITE_PRAGMAS:
                raw.execute(f"PRAGMA {pragma}").fetchall()
        except sqlite3.Error:
            raw.close()
            raise
        return raw

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=1, max_overflow=1)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _reading_engine(path: Path) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: _open_read_only(path),
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=56,
        pool_timeout=_BUSY_MS / 1000,
        isolation_level="AUTOCOMMIT",
    )

    @event.listens_for(engine, "checkout")
    def checkout(raw: Any, _record: object, _proxy: object) -> None:
        if raw.spent or raw.inode != _inode(path):
            raise DisconnectionError

    @event.listens_for(engine, "checkin")
    def checkin(raw: Any, _record: object) -> None:
        """What was opened as unchanging is good for one use: a writer may start at any time."""
        if raw is not None:
            raw.spent = raw.immutable

    @event.listens_for(engine, "connect")
    def connected(raw: Any, _record: object) -> None:
        for pragma in _READ_PRAGMAS:
            raw.execute(f"PRAGMA {pragma}").fetchall()

    return engine


def _open_read_only(path: Path) -> _ReadOnly:
    inode = _inode(path)
    try:
        raw = _connect_uri(path, "mode=ro")
    except sqlite3.OperationalError:
        # A journal that was closed cleanly has no -shm file, and who may not write the folder cannot make one. As long
        # as there is no log beside it, the file by itself is the whole truth.
        if not inode or Path(f"{path}-wal").exists():
            raise
        raw = _connect_uri(path, "mode=ro&immutable=1")
        raw.immutable = True
    raw.inode = inode
    return raw


def _connect_uri(path: Path, options: str) -> _ReadOnly:
    uri = f"file:{quote(str(path.absolute()))}?{options}"
    raw = sqlite3.connect(uri, uri=True, timeout=1.0, isolation_level=None, check_same_thread=False, factory=_ReadOnly)
    try:
        raw.execute("PRAGMA schema_version").fetchall()
        raw.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite3.Error:
        raw.close()
        raise
    return raw


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


@contextmanager
def time_limit(connection: Connection, seconds: float) -> Iterator[None]:
    """Statements inside are interrupted (sqlite3.OperationalError "interrupted") once `seconds` are over."""
    raw = raw_connection(connection)
    ends = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > ends, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def raw_connection(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, for `executemany` without a layer between."""
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


@contextmanager
def lasting(connection: Connection) -> Iterator[None]:
    """A transaction begun and committed inside lasts through a power cut, with everything that was committed before.

    Others wait for the next checkpoint, as SQLite's manual says of synchronous=NORMAL; not inside a transaction.
    """
    raw = raw_connection(connection)
    raw.execute("PRAGMA synchronous=FULL").fetchall()
    try:
        yield
    finally:
        raw.execute("PRAGMA synchronous=NORMAL").fetchall()


def is_healthy(connection: Connection, *, thorough: bool) -> bool:
    """False when SQLite finds damage. `thorough` reads the whole file."""
    answer = connection.exec_driver_sql("PRAGMA quick_check(1)" if thorough else "PRAGMA schema_version").scalar()
    return answer == "ok" if thorough else answer is not None


def used_and_free_bytes(connection: Connection) -> tuple[int, int]:
    """(bytes in use, bytes inside the file that wait to be used again or given back)."""
    size = int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    free = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one())
    return (pages - free) * size, free * size


def give_back(connection: Connection, amount: int) -> None:
    """Cuts up to `amount` free bytes off the file; the disk gets them with the next `checkpoint`."""
    # One step a page, each an empty row; CPython 3.11 takes no second step where rows have no columns.
    raw = raw_connection(connection)
    for _ in range(max(1, amount // 4096)):
        raw.execute("PRAGMA incremental_vacuum(1)").fetchall()


def checkpoint(connection: Connection) -> None:
    """Moves the log into the file, as far as readers let it at once; not inside a transaction."""
    raw_connection(connection).execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
