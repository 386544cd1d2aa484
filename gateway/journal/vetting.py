"""Whether a file that came from elsewhere is a journal, before it takes the place of one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.errors import JournalError

_MOST_OBJECTS = 200
_OBJECTS = """
    SELECT count(*), total(name = 'alembic_version'),
           total(type NOT IN ('table', 'index') OR coalesce(rootpage, 0) = 0 AND sql IS NOT NULL) FROM sqlite_schema
"""


def vet(path: Path) -> None:
    """Reads all of it. Raises JournalError for what is damaged, and for what would do more than hold rows: a trigger,
    a view or a virtual table, which has no page of its own, is a program of whoever wrote the file (SQLite, "Defense
    Against The Dark Arts").
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as journal:
            journal.execute("PRAGMA trusted_schema=OFF")
            journal.execute("PRAGMA cell_size_check=ON")
            number, ours, programs = journal.execute(_OBJECTS).fetchone()
            if number > _MOST_OBJECTS or not ours or programs:
                raise JournalError("history.history-not-telltale")
            if journal.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise JournalError("history.history-damaged")
    except (sqlite3.Error, UnicodeError) as error:
        raise JournalError("history.history-damaged") from error
