from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select, true
from sqlalchemy.exc import DBAPIError

from gateway.journal.engine import give_back, is_healthy, open_engine, raw_connection, time_limit, used_and_free_bytes
from gateway.journal.preparation import prepare
from gateway.journal.schema import lookups, marks
from tests.unit.journal.home import record, row


def test_the_journal_keeps_a_log_and_gives_pages_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    prepare(path)
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert raw.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    raw.close()


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (4096 * 10, 10), (4096 * 10 + 4095, 10)])
def test_as_many_pages_are_given_back_as_were_asked_for(tmp_path: Path, asked: int, given: int) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", n / 10) for n in range(5_000)])
    engine = open_engine(path)
    with engine.connect() as connection:
        with connection.begin():
            connection.execute(lookups.delete())
        with connection.begin():
            used, free = used_and_free_bytes(connection)
            give_back(connection, asked)
            assert used_and_free_bytes(connection) == (used, free - given * 4096)
    engine.dispose()


def test_a_write_transaction_takes_the_lock_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    prepare(path)
    engine = open_engine(path)
    other = sqlite3.connect(path, timeout=0.01)
    with engine.begin(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("INSERT INTO marks VALUES ('x', 1)")
    other.close()
    engine.dispose()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    prepare(path)
    engine = open_engine(path, read_only=True)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="readonly"):
        connection.execute(marks.insert().values(name="x", value=1))
    engine.dispose()


def test_a_reader_holds_no_snapshot_between_two_questions(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example")])
    engine = open_engine(path, read_only=True)
    count = select(func.count()).select_from(lookups)
    with engine.connect() as connection:
        assert connection.execute(count).scalar() == 1
        record(path, [row("ads.example", 1)])
        assert connection.execute(count).scalar() == 2
        assert not raw_connection(connection).in_transaction
    engine.dispose()


def test_a_reader_opens_a_replaced_journal_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "journal.sqlite", tmp_path / "other.sqlite"
    record(path, [row("ads.example")])
    record(other, [row("ads.example", n) for n in range(5)])
    engine = open_engine(path, read_only=True)
    count = select(func.count()).select_from(lookups)
    with engine.connect() as connection:
        assert connection.execute(count).scalar() == 1
    os.replace(other, path)
    with engine.connect() as connection:
        assert connection.execute(count).scalar() == 5
    engine.dispose()


def test_a_journal_that_never_was_cannot_be_read(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "nothing.sqlite", read_only=True)
    with pytest.raises(DBAPIError, match="unable to open"):
        engine.connect()
    assert list(tmp_path.iterdir()) == []
    engine.dispose()


def test_a_long_question_is_interrupted_and_the_next_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", n / 100) for n in range(2000)])
    engine = open_engine(path, read_only=True)
    second, third = lookups.alias(), lookups.alias()
    many = select(func.count()).select_from(lookups).join(second, true()).join(third, true())
    with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="interrupted"), time_limit(connection, 0.05):
            connection.execute(many)
        assert connection.execute(select(func.count()).select_from(lookups)).scalar() == 2000
    engine.dispose()


def test_thirty_two_threads_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", n / 100) for n in range(200)])
    engine = open_engine(path, read_only=True)
    counts: list[object] = []
    together = threading.Barrier(32)

    def read() -> None:
        with engine.connect() as connection:
            together.wait(20)
            counts.append(connection.execute(select(func.count()).select_from(lookups)).scalar())

    threads = [threading.Thread(target=read) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [200] * 32
    engine.dispose()


def test_size_and_health_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example", n / 100) for n in range(200)])
    engine = open_engine(path)
    with engine.begin() as connection:
        used, free = used_and_free_bytes(connection)
        assert used + free == path.stat().st_size
        assert is_healthy(connection, thorough=True)
        assert is_healthy(connection, thorough=False)
    engine.dispose()
