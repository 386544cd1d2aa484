from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from gateway.errors import JournalError
from gateway.journal.session import WriterSession, explain, is_damage, is_outage
from tests.unit.journal.home import NOON, device_of, tag_of


def failure(code: int) -> OperationalError:
    cause = sqlite3.OperationalError("what the driver says")
    cause.sqlite_errorcode = code
    return OperationalError("INSERT", {}, cause)


@pytest.mark.parametrize(
    ("error", "outage", "damage"),
    [
        (failure(sqlite3.SQLITE_FULL), True, False),
        (failure(sqlite3.SQLITE_IOERR_WRITE), True, False),
        (failure(sqlite3.SQLITE_READONLY_DBMOVED), True, False),
        (failure(sqlite3.SQLITE_BUSY), True, False),
        (failure(sqlite3.SQLITE_CORRUPT_INDEX), True, True),
        (failure(sqlite3.SQLITE_NOTADB), True, True),
        (failure(sqlite3.SQLITE_CONSTRAINT_UNIQUE), False, False),
        (failure(sqlite3.SQLITE_ERROR), False, False),
        (JournalError("No."), True, False),
        (OSError("No."), True, False),
        (ValueError("No."), False, False),
        (UnicodeEncodeError("utf-8", "x", 0, 1, "No."), False, False),
    ],
)
def test_what_passes_is_distinguished_from_what_would_fail_for_ever(
    error: Exception, outage: bool, damage: bool
) -> None:
    assert (is_outage(error), is_damage(error)) == (outage, damage)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (failure(sqlite3.SQLITE_FULL), "disk is full"),
        (failure(sqlite3.SQLITE_READONLY_DIRECTORY), "may not be written"),
        (failure(sqlite3.SQLITE_NOMEM), "what the driver says"),
        (JournalError.saying("As it was said."), "As it was said."),
    ],
)
def test_trouble_is_explained_in_one_sentence(error: Exception, says: str) -> None:
    assert says in str(explain(error))
    assert str(explain(error)).endswith(".")


def test_a_session_notices_that_its_file_is_another(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    session = WriterSession(path, tag=tag_of, device_of=device_of)
    assert not session.has_moved()
    (tmp_path / "other.sqlite").touch()
    os.replace(tmp_path / "other.sqlite", path)
    assert session.has_moved()
    path.unlink()
    assert session.has_moved()
    session.close()


def test_a_session_that_ended_badly_is_closed_without_a_word(tmp_path: Path) -> None:
    session = WriterSession(tmp_path / "journal.sqlite", tag=tag_of, device_of=device_of)
    session.fold(NOON.timestamp())
    session.close()
    session.close(properly=True)
