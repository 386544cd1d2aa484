"""Waiting without a task: called at once, awaitable like a future, and ended like one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.resolver.pending import Journey, Pending


def _notes() -> tuple[list[tuple[Any, Any]], Callable[[Any, Any, Any], None]]:
    noted: list[tuple[Any, Any]] = []
    return noted, lambda journey, result, error: noted.append((result, error))


def test_who_waits_is_called_before_set_result_returns() -> None:
    pending: Pending[str] = Pending()
    heard: list[str] = []
    pending.add_done_callback(lambda done: heard.append(done.result()))
    pending.set_result("answer")
    assert heard == ["answer"]
    assert pending.done()
    with pytest.raises(asyncio.InvalidStateError):
        pending.set_result("another")


def test_a_result_that_is_asked_for_too_early_is_a_mistake() -> None:
    pending: Pending[str] = Pending()
    for look in (pending.result, pending.exception):
        with pytest.raises(asyncio.InvalidStateError):
            look()


def test_a_removed_callback_is_not_called() -> None:
    pending: Pending[int] = Pending()
    heard: list[object] = []
    pending.add_done_callback(heard.append)
    assert pending.remove_done_callback(heard.append) == 1
    pending.set_result(1)
    assert heard == []


def test_tasks_await_it_like_a_future() -> None:
    async def story() -> None:
        pending: Pending[int] = Pending()
        failing: Pending[int] = Pending()
        waiting = [asyncio.create_task(_take(pending)) for _ in range(3)]
        doomed = asyncio.create_task(_take(failing))
        await asyncio.sleep(0)
        pending.set_result(7)
        failing.set_exception(ValueError("no"))
        assert await asyncio.gather(*waiting) == [7, 7, 7]
        with pytest.raises(ValueError, match="no"):
            await doomed
        assert await asyncio.wait_for(_take(pending), 1) == 7

    asyncio.run(story())


def test_a_task_that_is_cancelled_takes_its_pending_with_it() -> None:
    async def story() -> None:
        pending: Pending[int] = Pending()
        task = asyncio.create_task(_take(pending))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pending.cancelled()
        with pytest.raises(asyncio.CancelledError):
            pending.exception()

    asyncio.run(story())


def test_a_journey_goes_as_far_as_it_can_at_once() -> None:
    pending: Pending[str] = Pending()
    noted, arrived = _notes()

    async def way() -> str:
        return "I " + await pending

    Journey(way(), arrived).go()
    assert noted == []
    pending.set_result("arrive")
    assert noted == [("I arrive", None)]


def test_a_journey_tells_what_went_wrong() -> None:
    noted, arrived = _notes()

    async def way() -> str:
        raise ValueError("a hole in the road")

    Journey(way(), arrived).go()
    ((result, error),) = noted
    assert result is None
    assert isinstance(error, ValueError)


def test_a_journey_waits_for_what_the_loop_brings_as_well() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        arrival = loop.create_future()

        async def way() -> str:
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)
            task = asyncio.create_task(_take(asyncio.sleep(0, "from a task")))
            await asyncio.wait({task}, timeout=5)
            return str(task.result())

        Journey(way(), lambda journey, result, error: arrival.set_result((result, error))).go()
        assert await asyncio.wait_for(arrival, 5) == ("from a task", None)

    asyncio.run(story())


@pytest.mark.parametrize("kind", ["pending", "future"])
def test_a_cancelled_journey_ends(kind: str) -> None:
    async def story() -> None:
        waits_for: Any = Pending() if kind == "pending" else asyncio.get_running_loop().create_future()
        noted, arrived = _notes()
        journey = Journey(_take(waits_for), arrived)
        journey.go()
        journey.cancel()
        await asyncio.sleep(0)
        ((result, error),) = noted
        assert result is None
        assert isinstance(error, asyncio.CancelledError)

    asyncio.run(story())


async def _take(what: Any) -> Any:
    return await what
