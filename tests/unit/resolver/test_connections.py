"""A fair share of TCP connections."""

from __future__ import annotations

from collections import Counter
from random import Random

from gateway.resolver.connections import Connections


class Line:
    """A connection that notes whether it was closed."""

    def __init__(self, used: float, *, idle: bool = True, fresh: bool = False) -> None:
        self.last_used = used
        self.is_idle = idle
        self.is_fresh = fresh
        self.closed = False

    def close(self) -> None:
        self.closed = True


def fill(table: Connections, holder: str, count: int, *, idle: bool = True, since: float = 0.0) -> list[Line]:
    lines = [Line(since + n, idle=idle) for n in range(count)]
    assert [table.admit(line, holder) for line in lines] == [True] * count
    return lines


def test_the_greediest_closes_what_was_idle_for_longest() -> None:
    table = Connections(limit=6, per_holder=10)
    mine, other = fill(table, "a", 4), fill(table, "b", 2)
    mine[0].last_used = 100.0
    assert table.admit(Line(9), "c")
    assert [line.closed for line in mine] == [False, True, False, False]
    assert not any(line.closed for line in other)
    assert (len(table), table.displaced, table.turned_away) == (6, 1, 0)


def test_what_is_in_use_is_closed_only_for_who_has_clearly_less() -> None:
    table = Connections(limit=4, per_holder=10)
    busy = fill(table, "a", 4, idle=False)
    assert table.admit(Line(9, idle=False), "b")
    assert table.admit(Line(9, idle=False), "b")
    assert sum(line.closed for line in busy) == 2
    assert not table.admit(Line(9), "b"), "two each is fair"
    assert table.admit(Line(9), "c")
    assert not table.admit(Line(9), "a")


def test_who_has_most_makes_room_for_itself_or_is_turned_away() -> None:
    table = Connections(limit=3, per_holder=10)
    lines = fill(table, "a", 3)
    lines[0].is_idle = lines[2].is_idle = False
    assert table.admit(Line(9, idle=False), "a")
    assert [line.closed for line in lines] == [False, True, False]
    assert not table.admit(Line(9), "a")
    assert table.turned_away == 1


def test_nobody_has_more_than_its_own_most() -> None:
    table = Connections(limit=100, per_holder=3)
    lines = fill(table, "a", 3)
    assert table.admit(Line(9), "a")
    assert [line.closed for line in lines] == [True, False, False]
    for line in lines:
        line.is_idle = False
    assert table.admit(Line(10, idle=False), "a")
    assert not table.admit(Line(11), "a"), "all of them are in use"


def test_of_a_thousand_addresses_with_one_each_the_idlest_goes() -> None:
    table = Connections(limit=150, per_holder=30)
    invented = [Line(n) for n in range(1_000)]
    assert all(table.admit(line, f"x{n}") for n, line in enumerate(invented))
    quiet = Line(2_000)
    assert table.admit(quiet, "quiet")
    assert [line.closed for line in invented] == [True] * 851 + [False] * 149


def test_among_equals_who_has_nothing_gets_one_of_those_that_wait_longest() -> None:
    """So many addresses, all waiting for answers that do not come: the newest are never the ones that go."""
    table = Connections(limit=150, per_holder=30)
    waiting = [Line(n, idle=False) for n in range(300)]
    assert all(table.admit(line, f"x{n}") for n, line in enumerate(waiting))
    quiet = Line(400, fresh=True)
    assert table.admit(quiet, "quiet")
    more = [Line(500 + n, idle=False) for n in range(140)]
    assert all(table.admit(line, f"y{n}") for n, line in enumerate(more))
    assert not quiet.closed


def test_a_connection_that_came_only_now_is_not_idle_yet() -> None:
    table = Connections(limit=2, per_holder=2)
    fresh, old = Line(5, fresh=True), Line(9)
    assert table.admit(fresh, "a")
    assert table.admit(old, "b")
    assert table.admit(Line(10), "c")
    assert (fresh.closed, old.closed) == (False, True)


def test_leaving_twice_counts_once() -> None:
    table = Connections(limit=2, per_holder=2)
    one, two = fill(table, "a", 2)
    for _ in range(2):
        table.leave(one, "a")
    assert len(table) == 1
    table.leave(two, "a")
    table.leave(Line(0), "nobody")
    assert len(table) == 0


def test_the_counts_hold_whatever_comes_and_goes() -> None:
    rng = Random(5)
    table = Connections(limit=20, per_holder=6)
    known: list[tuple[Line, str]] = []
    for step in range(3_000):
        if known and rng.random() < 0.4:
            table.leave(*known.pop(rng.randrange(len(known))))
            continue
        line, holder = Line(step, idle=rng.random() < 0.5), f"h{rng.randrange(8)}"
        if table.admit(line, holder):
            known.append((line, holder))
        known = [pair for pair in known if not pair[0].closed]
        assert len(table) == len(known) <= 20
        assert max(Counter(holder for _, holder in known).values()) <= 6
