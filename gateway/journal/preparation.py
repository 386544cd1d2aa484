"""Makes sure that a healthy journal with today's tables stands where it should."""

from __future__ import annotations

import logging
import os
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.sql import column, table

from gateway.catalogue.sentences import Notice
from gateway.errors import JournalError
from gateway.files import move_aside
from gateway.journal.engine import is_healthy, open_engine
from gateway.journal.salvage import salvage
from gateway.journal.schema import metadata

HEAD = "0003"
_MIGRATIONS = Path(__file__).with_name("migrations")
_READ_WHOLE_BELOW = 64 * 1024 * 1024
_KEEP_BROKEN = 2
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}


class _Damaged(Exception):
    """Found by looking, not by failing."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """`quarantined` is where a damaged journal was moved to, None when all was well; `news` is for people."""

    path: Path
    quarantined: Path | None = None
    news: Notice | None = None


def prepare(path: Path, *, now: datetime | None = None) -> Prepared:
    """Creates or migrates the journal at `path`; a damaged one is set aside and a new one begun with its devices.

    Raises JournalError where that cannot be done: no right to write, no space, made by a newer version, in use.
    """
    try:
        _prepare(path)
        return Prepared(path)
    except (_Damaged, SQLAlchemyError, sqlite3.Error, OSError) as error:
        if not is_damage(error):
            if _is_read_only(path.parent):
                raise JournalError("history.disk-read-only", folder=path.parent) from error
            raise JournalError("history.journal-cannot-opened", path=path, first_line=f"{first_line(error)}") from error
        return begin_anew(path, error, now=now)


def begin_anew(path: Path, damage: Exception, *, now: datetime | None = None) -> Prepared:
    """Sets a damaged journal aside and begins another. Raises JournalError where that cannot be done."""
    aside = quarantine(path, now or datetime.now(UTC))
    try:
        _prepare(path)
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise JournalError("history.new-journal-cannot", path=path, first_line=f"{first_line(error)}") from error
    salvage(aside, path)
    return Prepared(path, aside, Notice("history.was-damaged", first_line=first_line(damage), aside=aside.name))


def _is_read_only(folder: Path) -> bool:
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def is_damage(error: BaseException) -> bool:
    """True when the file itself is no longer a database, so that trying again cannot help."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, _Damaged):
        return True
    code = getattr(cause, "sqlite_errorcode", None)
    # A log that is shorter than its index says stays so as long as somebody reads.
    return code is not None and (code & 0xFF in _DAMAGED or code == sqlite3.SQLITE_IOERR_SHORT_READ)


def first_line(error: BaseException) -> str:
    """What the driver said, without the layers around it."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).splitlines() or [type(cause).__name__])[0].rstrip(".")


def quarantine(path: Path, now: datetime) -> Path:
    """Moves a damaged journal and its log aside as journal.broken-TIME.sqlite; keeps the newest two of such."""
    aside = path.with_name(f"{path.stem}.broken-{now:%Y%m%dT%H%M%S}Z{path.suffix}")
    count = 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{path.stem}.broken-{now:%Y%m%dT%H%M%S}Z-{count}{path.suffix}")
    try:
        os.replace(path, aside)
        if Path(f"{path}-wal").exists():
            os.replace(f"{path}-wal", f"{aside}-wal")
        # The log's index is made anew by whoever reads it, and may be what is damaged.
        Path(f"{path}-shm").unlink(missing_ok=True)
        found = (each for each in path.parent.glob(f"{path.stem}.broken-*{path.suffix}") if each.is_file())
        older = sorted(found, key=lambda p: p.stat().st_mtime)
        for old in older[:-_KEEP_BROKEN]:
            for each in (old, Path(f"{old}-wal"), Path(f"{old}-shm")):
                each.unlink(missing_ok=True)
    except OSError as error:
        raise JournalError("history.damaged-journal-cannot", path=path, first_line=f"{first_line(error)}") from error
    return aside


def _prepare(path: Path) -> None:
    if path.is_dir():
        raise _Damaged("there is a folder in its place")
    logs = (Path(f"{path}-wal"), Path(f"{path}-shm"))
    for log in logs:
        if log.is_symlink() or log.is_dir():
            move_aside(log)
    if not path.exists() or path.stat().st_size == 0:
        # Of a journal that is gone; a new one beside them could not be opened.
        for log in logs:
            log.unlink(missing_ok=True)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # The dashboard's group reads it, nobody else does.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640))
    engine = open_engine(path)
    try:
        # Logging of a revision is Alembic's own affair; its tables are made in one transaction or not at all.
        with engine.begin() as connection:
            if not is_healthy(connection, thorough=path.stat().st_size < _READ_WHOLE_BELOW):
                raise _Damaged("a check found damage inside")
            found = _revision(connection)
            if found is None and inspect(connection).get_table_names():
                raise _Damaged("it is some other database")
            if found is None:
                _begin(connection)
            elif found != HEAD:
                _migrate(connection, path)
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    versions = table("alembic_version", column("version_num"))
    return connection.execute(select(versions.c.version_num)).scalar()


def _begin(connection: Connection) -> None:
    """Today's tables at once. What Alembic makes is the same, as a test says, and would stay in memory for good."""
    metadata.create_all(connection)
    versions = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
    versions.create(connection)
    connection.execute(insert(versions).values(version_num=HEAD))


def _migrate(connection: Connection, path: Path) -> None:
    # Alembic costs 10 MB and a tenth of a second, and is needed once a version.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise JournalError("history.journal-written-newer", path=path) from error
