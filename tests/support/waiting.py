"""The one way to wait: a hang ends with a clear sentence, and nothing else depends on how fast the machine is."""

from __future__ import annotations

import asyncio
import inspect
import textwrap
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds. Generous: it ends a hang, it is no judgement on speed."""
_LONGEST_PAUSE = 0.1


class _Watch:
    """What is awaited, until when, and what was seen of it last."""

    def __init__(self, never: str, patience: float, shows: Callable[[], object] | None, now: float) -> None:
        self._never = f"not within {patience:g} s: {never}"
        self._shows = shows
        self._ends = now + patience
        self._pause = 0.001

    def missed(self, now: float, last: str) -> float:
        """Seconds until the next look: few at first, more when it takes long, for whoever is awaited needs the
        processor. AssertionError when patience is over."""
        if now >= self._ends:
            shown = f"; {self._shows()}" if self._shows else ""
            raise AssertionError(f"{self._never}; {last}{shown}")
        self._pause = min(self._pause * 1.5, _LONGEST_PAUSE)
        return self._pause


def wait_until(
    seen: Callable[[], T],
    awaited: str = "",
    *,
    patience: float = PATIENCE,
    ignoring: tuple[type[Exception], ...] = (),
    shows: Callable[[], object] | None = None,
) -> T:
    """The first true value of `seen()`.

    When patience is over the test fails with what was `awaited` (by default the text of `seen` itself), the last value,
    and what `shows` returns. Exceptions in `ignoring` mean "not yet"; others pass through, so that `seen` may assert.
    """
    watch = _Watch(awaited or _source(seen), patience, shows, time.monotonic())
    while True:
        looked_at = time.monotonic()
        try:
            if value := seen():
                return value
            last = f"the last look gave {value!r}"
        except ignoring as error:
            last = f"the last look raised {error!r}"
        time.sleep(watch.missed(looked_at, last))


async def wait_until_async(
    seen: Callable[[], Any],
    awaited: str = "",
    *,
    patience: float = PATIENCE,
    ignoring: tuple[type[Exception], ...] = (),
    shows: Callable[[], object] | None = None,
) -> Any:
    """As `wait_until`, while the event loop runs; the clock is the loop's own, which may be a simulated one.

    `seen` may be a coroutine function.
    """
    clock = asyncio.get_running_loop().time
    watch = _Watch(awaited or _source(seen), patience, shows, clock())
    while True:
        looked_at = clock()
        try:
            value = seen()
            if isinstance(value, Awaitable):
                value = await value
            if value:
                return value
            last = f"the last look gave {value!r}"
        except ignoring as error:
            last = f"the last look raised {error!r}"
        await asyncio.sleep(watch.missed(looked_at, last))


def _source(function: Callable[..., Any]) -> str:
    name: str = getattr(function, "__name__", repr(function))
    if name != "<lambda>":
        return name
    try:
        return textwrap.dedent(inspect.getsource(function)).strip()
    except OSError:
        return name
