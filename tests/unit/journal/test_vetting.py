"""A file from elsewhere is a journal of ours, or it is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import JournalError
from gateway.journal.preparation import prepare
from gateway.journal.vetting import vet


def test_a_journal_of_ours_is_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    prepare(path)
    vet(path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name], "it is only read"


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TRIGGER a AFTER INSERT ON devices BEGIN DELETE FROM devices; END",
        "CREATE VIEW a AS SELECT 1",
        "CREATE VIRTUAL TABLE a USING fts5(b)",
        "create  virtual table a using fts5(b)",
    ],
)
def test_one_that_does_more_than_hold_rows_is_refused(tmp_path: Path, script: str) -> None:
    path = tmp_path / "journal.sqlite"
    prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as journal:
        journal.execute("CREATE TABLE IF NOT EXISTS devices (id)")
        journal.execute(script)
    with pytest.raises(JournalError, match="not one of"):
        vet(path)


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0" + b"\xff" * 4096])
def test_what_is_no_database_is_damaged_or_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"damaged|not one of"):
        vet(path)
