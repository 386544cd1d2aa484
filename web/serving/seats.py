"""Whose request is worked on next: addresses take their place in a ring, so that no number of requests of one, and no
number of addresses, keeps another waiting for more than one request of each.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Seats:
    """`total` seats, `each` of them at most for one address."""

    def __init__(self, total: int, each: int) -> None:
        self._free = total
        self._each = each
        self._taken: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def taken(self) -> int:
        return self._taken.total()

    @asynccontextmanager
    async def seat(self, key: str, patience: float) -> AsyncIterator[None]:
        """Holds a seat. Raises TimeoutError when none came within `patience` seconds."""
        await self._sit_down(key, patience)
        try:
            yield
        finally:
            self._stand_up(key)

    async def _sit_down(self, key: str, patience: float) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(called)
        self._call()
        try:
            async with asyncio.timeout(patience):
                await called
        except BaseException:
            if called.done() and not called.cancelled():
                self._stand_up(key)
            else:
                self._forget(key, called)
            raise

    def _stand_up(self, key: str) -> None:
        self._free += 1
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]
        self._call()

    def _call(self) -> None:
        """Gives free seats to who comes next in the ring and has fewer than there are for one address."""
        while self._free:
            key = next((each for each in self._waiting if self._taken[each] < self._each), None)
            if key is None:
                return
            called = self._waiting[key].popleft()
            self._waiting.move_to_end(key)
            if not self._waiting[key]:
                del self._waiting[key]
            if not called.done():
                self._free -= 1
                self._taken[key] += 1
                called.set_result(None)

    def _forget(self, key: str, called: asyncio.Future[None]) -> None:
        own = self._waiting.get(key, deque())
        if called in own:
            own.remove(called)
        if not own:
            self._waiting.pop(key, None)
