"""Who has asked for least lately comes first; where there is no more room, who has asked for most loses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolver.fair_queue import FairQueue


def emptied(queue: FairQueue[str]) -> list[str]:
    return [queue.pop() for _ in range(len(queue))]


def test_of_one_holder_the_first_comes_first() -> None:
    queue: FairQueue[str] = FairQueue(100)
    for n in range(50):
        queue.put("tv", f"{n:02}", 1.0)
    assert emptied(queue) == [f"{n:02}" for n in range(50)]
    with pytest.raises(IndexError):
        queue.pop()


def test_who_asks_now_and_then_does_not_wait_behind_a_flood() -> None:
    queue: FairQueue[str] = FairQueue(1_000)
    for n in range(500):
        queue.put("flood", f"flood {n}", 1.0)
    queue.put("quiet", "quiet", 1.0)
    left = emptied(queue)
    assert left.index("quiet") == 1, "behind the flood's own first name only"


def test_a_flood_from_many_addresses_waits_behind_a_burst_of_one_that_was_quiet() -> None:
    queue: FairQueue[str] = FairQueue(10_000)
    for n in range(9_000):
        queue.put(n % 100, "flood", 1.0 + n / 9_000)
    emptied(queue)
    for n in range(900):
        queue.put(n % 100, "flood", 2.1)
    for _ in range(40):
        queue.put("quiet", "quiet", 2.1)
    assert emptied(queue)[:31] == ["quiet"] * 31


def test_what_was_asked_long_ago_is_forgiven() -> None:
    queue: FairQueue[str] = FairQueue(1_000)
    for n in range(500):
        queue.put("once", str(n), 1.0)
    emptied(queue)
    for n in range(8):
        queue.put("busy", f"busy {n}", 9.0)
    queue.put("once", "once", 9.0)
    assert emptied(queue).index("once") == 1


def test_a_clock_that_stands_still_forgives_nothing() -> None:
    queue: FairQueue[str] = FairQueue(1_000)
    for _ in range(8):
        queue.put("busy", "busy", 9.0)
    emptied(queue)
    queue.put("busy", "busy", 9.0)
    queue.put("quiet", "quiet", 9.0)
    assert emptied(queue) == ["quiet", "busy"]


def test_where_there_is_no_room_the_busiest_loses_its_oldest() -> None:
    queue: FairQueue[str] = FairQueue(10)
    for n in range(10):
        queue.put("flood", f"flood {n}", 1.0)
    for n in range(3):
        queue.put("quiet", f"quiet {n}", 1.0)
    assert (len(queue), queue.dropped) == (10, 3)
    left = emptied(queue)
    assert [each for each in left if each.startswith("quiet")] == ["quiet 0", "quiet 1", "quiet 2"]
    assert {"flood 7", "flood 8", "flood 9"}.isdisjoint(left)


def test_what_is_cleared_is_gone() -> None:
    queue: FairQueue[str] = FairQueue(10)
    queue.put("tv", "a", 1.0)
    queue.clear()
    assert len(queue) == 0
    assert not queue


def test_forged_addresses_cost_no_memory() -> None:
    queue: FairQueue[int] = FairQueue(10)
    for n in range(50_000):
        queue.put(n, n, n / 1_000)
        assert len(queue._asked) <= 4_096
    for n in range(50_000):
        queue.put(-n, n, 60.0)
        assert len(queue._asked) <= 4_096


@given(
    st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 5), st.floats(0, 100))), max_size=200), st.integers(1, 20)
)
def test_nothing_is_lost_but_what_is_counted(steps: list[tuple[int, float] | None], limit: int) -> None:
    queue: FairQueue[int] = FairQueue(limit)
    put = got = 0
    for number, step in enumerate(steps):
        if step is not None:
            queue.put(step[0], number, step[1])
            put += 1
        elif queue:
            queue.pop()
            got += 1
        assert len(queue) <= limit
        assert put == got + len(queue) + queue.dropped
