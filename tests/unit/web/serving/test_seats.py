"""Requests are worked on by address, in a ring."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from web.serving.seats import Seats


def play(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))


def test_an_address_has_some_of_the_seats_and_a_quiet_one_comes_next() -> None:
    async def story() -> None:
        seats, order, leave = Seats(total=2, each=2), [], asyncio.Event()

        async def sit(key: str, until: asyncio.Event) -> None:
            async with seats.seat(key, 10):
                order.append(key)
                await until.wait()

        first, done = asyncio.Event(), asyncio.Event()
        done.set()
        tasks = [asyncio.create_task(sit("greedy", first)) for _ in range(2)]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(sit("greedy", done)) for _ in range(50)]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(sit(key, done)) for key in ("quiet", "other")]
        await asyncio.sleep(0)
        assert order == ["greedy", "greedy"]
        first.set()
        await asyncio.gather(*tasks)
        assert {"quiet", "other"} <= set(order[2:7]), order[:9]
        assert (seats.taken, len(seats._waiting), leave.is_set()) == (0, 0, False)

    play(story)


def test_no_address_ever_has_all_seats() -> None:
    async def story() -> None:
        seats, most = Seats(total=4, each=2), [0]
        now = 0

        async def sit() -> None:
            nonlocal now
            async with seats.seat("greedy", 10):
                now += 1
                most[0] = max(most[0], now)
                await asyncio.sleep(0)
                now -= 1

        await asyncio.gather(*(sit() for _ in range(40)))
        assert most[0] == 2

    play(story)


def test_who_waits_too_long_is_reported_so_and_leaves_no_trace() -> None:
    async def story() -> None:
        seats = Seats(total=1, each=1)
        async with seats.seat("a", 10):
            for _ in range(5):
                with pytest.raises(TimeoutError):
                    async with seats.seat("b", 0.01):
                        raise AssertionError("no seat was free")
        async with seats.seat("b", 10):
            assert seats.taken == 1
        assert (seats.taken, len(seats._waiting)) == (0, 0)

    play(story)


def test_who_is_called_and_ended_in_the_same_moment_gives_the_seat_back() -> None:
    async def story() -> None:
        seats = Seats(total=1, each=1)

        async def sit(key: str) -> None:
            async with seats.seat(key, 10):
                await asyncio.sleep(0)

        holder = asyncio.create_task(sit("a"))
        await asyncio.sleep(0)
        late = asyncio.create_task(sit("b"))
        await asyncio.sleep(0)
        await holder
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late
        async with seats.seat("c", 1):
            assert seats.taken == 1

    play(story)
