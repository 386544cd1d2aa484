from __future__ import annotations

import sqlite3
import threading
from itertools import pairwise

import pytest

from gateway.journal import pacing
from gateway.journal.pacing import execute_many, paced


class Clock:
    """Time that passes only when somebody works or rests."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.rests.append(self.now)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pacing, "time", clock)
    return clock


def test_work_that_is_soon_done_has_no_rest(clock: Clock) -> None:
    assert list(paced(range(10_000))) == list(range(10_000))
    assert clock.rests == []


def test_of_much_work_none_is_lost_and_a_rest_comes_before_somebody_waits_for_long(clock: Clock) -> None:
    done = []
    for piece in paced(range(100)):
        done.append(piece)
        clock.now += 0.00002
    assert done == list(range(100))
    stretches = [later - earlier for earlier, later in zip([0.0, *clock.rests], clock.rests, strict=False)]
    assert len(stretches) > 10
    assert max(stretches) < 0.0003


def test_behind_the_last_piece_nobody_rests(clock: Clock) -> None:
    for _ in paced(["one", "two"]):
        clock.now += 1.0
    assert len(clock.rests) == 1


def test_what_a_thread_does_meanwhile_may_begin_spans_itself(clock: Clock) -> None:
    done: list[str] = []

    def count() -> None:
        for piece in paced(["a", "b"]):
            clock.now += 1.0
            done.append(piece)

    thread = threading.Thread(target=lambda: (pacing.meanwhile(count), slowly(clock, done)))
    thread.start()
    thread.join()
    assert done == ["one", "a", "b", "two", "a", "b", "three"]
    slowly(clock, done)
    assert done[7:] == ["one", "two", "three"], "another thread has nothing to do meanwhile"


def slowly(clock: Clock, done: list[str]) -> None:
    for piece in paced(["one", "two", "three"]):
        clock.now += 1.0
        done.append(piece)


def test_while_nobody_is_answered_at_once_rests_are_few(clock: Clock) -> None:
    answered: list[str] = []

    def work() -> None:
        pacing.attend(lambda: bool(answered))
        for _ in paced(range(1_000)):
            clock.now += 0.00002

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    seldom = list(clock.rests)
    answered.append("somebody")
    clock.rests.clear()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    stretches = [later - earlier for earlier, later in pairwise(seldom)]
    assert 0.0009 < min(stretches) <= max(stretches) < 0.0013
    assert len(clock.rests) > 5 * len(seldom)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 100])
def test_many_rows_are_the_same_rows_however_they_go_in(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    cursor = connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, name TEXT)")
    rows = [(n, n * n, f"name {n}") for n in range(count)]
    execute_many(cursor, "INSERT INTO t (id, n, name) VALUES (?, ?, ?)", rows)
    assert cursor.execute("SELECT * FROM t ORDER BY id").fetchall() == rows
    more = "INSERT INTO t (id, n, name) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n"
    execute_many(cursor, more, rows)
    execute_many(cursor, "UPDATE t SET name = ? WHERE id = ?", [("other", n) for n in range(count)])
    assert cursor.execute("SELECT * FROM t ORDER BY id").fetchall() == [(n, 2 * n * n, "other") for n in range(count)]
    connection.close()
