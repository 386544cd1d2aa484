from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event

from gateway.journal import search
from gateway.journal.reader import LookupFilter, Reader
from tests.unit.journal.home import PHONE, record, row


def count_statements(reader: Reader) -> list[str]:
    said: list[str] = []
    event.listen(reader._engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    return said


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """A lookup a minute for a week; `rare.example` once a day."""
    path = tmp_path / "journal.sqlite"
    rows = [
        row("rare.example" if n % 1440 == 700 else f"name{n % 9}.example", (n - 10_079) * 60) for n in range(10_080)
    ]
    record(path, rows, fold_at=90.0)
    return path


def test_a_rare_name_is_found_by_looking_into_its_minutes_only(week: Path) -> None:
    reader = Reader(week)
    said = count_statements(reader)
    assert len(reader.lookups(LookupFilter(name="rare")).lookups) == 7
    assert len([statement for statement in said if "FROM lookups" in statement]) < 7 + 4
    assert len(said) < 60
    reader.close()


def test_a_name_that_was_never_asked_for_costs_no_look_at_the_lookups(week: Path) -> None:
    reader = Reader(week)
    said = count_statements(reader)
    assert reader.lookups(LookupFilter(name="never")).lookups == ()
    assert len(said) < 5
    reader.close()


def test_a_long_search_gives_what_it_has_and_says_where_to_go_on(week: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_PATIENCE", -1.0)
    monkeypatch.setattr(search, "_SHELVES_AT_ONCE", 100)
    reader = Reader(week)
    found, pages, before = 0, 0, None
    while True:
        page = reader.lookups(LookupFilter(name="rare"), before=before)
        found += len(page.lookups)
        pages += 1
        if page.next is None:
            break
        before = page.next
    assert found == 7
    assert pages > 7
    reader.close()


def test_many_streams_are_searched_like_few(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row(f"x{n}.many.example", n, client=PHONE) for n in range(900)] + [row("one.example", 901)])
    reader = Reader(path)
    page = reader.lookups(LookupFilter(name="many"), limit=1000)
    assert [lookup.name for lookup in page.lookups] == [f"x{n}.many.example" for n in range(899, -1, -1)]
    reader.close()
