"""A whole copy of the journal, taken while it is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.errors import JournalError


def copy_journal(path: Path, to: Path) -> None:
    """Copies the journal as it is at one moment into a new file. Raises JournalError."""
    try:
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as source,
            closing(sqlite3.connect(to)) as target,
        ):
            source.backup(target, pages=1000)
    except sqlite3.Error as error:
        raise JournalError("history.history-cannot-copied", error=error) from error
