from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.journal import statements as say
from gateway.journal.preparation import prepare

HOT = [name for name in say.STATEMENTS if "INSERT" in getattr(say, name)]


@pytest.mark.parametrize("name", [*HOT, "TOUCH_STREAM"])
def test_no_statement_of_the_writer_reads_a_whole_table(tmp_path: Path, name: str) -> None:
    path = tmp_path / "journal.sqlite"
    prepare(path)
    statement = getattr(say, name)
    raw = sqlite3.connect(path)
    plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", (1,) * statement.count("?")).fetchall()
    raw.close()
    assert not [step for *_, step in plan if step.startswith("SCAN")]


def test_values_are_never_part_of_the_text() -> None:
    assert len(HOT) >= 12
    assert all(getattr(say, name).count("?") >= 2 for name in HOT)


def test_a_statement_is_spelled_once_and_no_other_name_is_one() -> None:
    assert say.SET_MARK is say.SET_MARK
    with pytest.raises(AttributeError):
        _ = say.SET_NOTHING
