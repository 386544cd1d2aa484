"""An event loop whose time passes only when nobody has anything to do: hours of a story in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SimulatedTimeLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0 and jumps to the next timer; a story that waits for nothing at all fails."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._now

    def pass_time(self, seconds: float) -> None:
        self._now += seconds


class _Selector(selectors.SelectSelector):
    def __init__(self, loop: SimulatedTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits and nothing will ever happen")
        self._loop.pass_time(timeout)
        return super().select(0)


def simulated_now() -> float:
    """The clock to hand to code that is tested inside `run_simulated`."""
    return asyncio.get_running_loop().time()


def run_simulated(story: Coroutine[Any, Any, T]) -> T:
    """Runs a story without sockets and threads in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        return runner.run(story)
