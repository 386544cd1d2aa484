"""How a view that has no end says that there is something to send, without a thread that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

BELL = "telltale.bell"
"""The variable of the WSGI environment that holds a request's Bell."""


HEARTBEAT = 15.0
"""Seconds after which a view is asked without being rung for: a sign of life keeps the way open."""


class Bell:
    """Whoever takes it promises to yield b"" instead of waiting; the server asks again when it is rung."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()
        self.taken = False

    def take(self) -> Callable[[], None]:
        """What rings it, from any thread."""
        self.taken = True
        return self.ring

    async def wait(self, seconds: float) -> None:
        """Until it is rung, `seconds` at most. What rings from now on is heard the next time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()

    def ring(self) -> None:
        # The server may have ended meanwhile.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._rung.set)
