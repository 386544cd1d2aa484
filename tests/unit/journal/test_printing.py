from __future__ import annotations

import sqlite3
from pathlib import Path

from gateway.journal.reader import Reader
from tests.unit.journal.home import record, row


def test_a_lookup_is_shown_although_its_words_are_lost(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", blocked=True)])
    raw = sqlite3.connect(path)
    for table in ("facts", "clients", "devices", "names"):
        raw.execute(f"DELETE FROM {table}")
    raw.commit()
    raw.close()
    reader = Reader(path)
    (shown,) = reader.lookups().lookups
    assert (shown.id, shown.name, shown.verdict, shown.category) == (1, "", "block", "unknown")
    assert (shown.device, shown.device_name, shown.client, shown.lists) == ("", "", "", ())
    reader.close()
