"""The server itself: listening sockets, the loop, the threads that work, and a polite end."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeVar

from gateway.listening import close_server
from web.serving.call import Application
from web.serving.connection import ClientConnection
from web.serving.places import Places
from web.serving.seats import Seats

T = TypeVar("T")

log = logging.getLogger(__name__)

THREADS = 12
EACH = 64
"""Connections of one address: 32 open pages, what their browsers ask beside, and as much again."""
TOTAL = 256
_SPARE_FILES = 40
_SEATS = 6
"""Requests of one address that are worked on at once: half of the threads."""
_WAIT = 10.0
GRACE = 4.0


class Server:
    """Serves `application` on sockets that listen already, until `stop`.

    `on_start` is called when it answers, and `every_few_seconds` from then on, both from the loop. `on_stop` is called
    as soon as it is asked to stop: it ends the streams that would never end by themselves.
    """

    def __init__(
        self,
        application: Application,
        *,
        on_start: Callable[[], None] = lambda: None,
        on_stop: Callable[[], None] = lambda: None,
        every_few_seconds: Callable[[], None] = lambda: None,
    ) -> None:
        self.application = application
        self.stopping = False
        self._on_start = on_start
        self._on_stop = on_stop
        self._every_few_seconds = every_few_seconds
        self._threads = ThreadPoolExecutor(THREADS, "work")
        self._places = Places(_affordable(TOTAL), EACH)
        self._connections: set[ClientConnection] = set()
        self._seats = Seats(THREADS, _SEATS)
        self._working = 0
        self._stopping = asyncio.Event()
        self._empty = asyncio.Event()

    async def run(self, sockets: Iterable[socket.socket]) -> None:
        """Returns when everything that was being answered has been, or after a few seconds."""
        loop = asyncio.get_running_loop()
        listeners = [
            await loop.create_server(lambda: ClientConnection(self), sock=each, backlog=128) for each in sockets
        ]
        self._on_start()
        beating = loop.create_task(self._beat())
        await self._stopping.wait()
        self.stopping = True
        for listener in listeners:
            await close_server(listener)
        self._on_stop()
        await self._end_politely()
        beating.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """Has `run` come to its end: from the loop."""
        self._stopping.set()

    def enter(self, connection: ClientConnection) -> None:
        """Takes a new connection in; hangs up on the one that must go for it, on the new one when all is over."""
        self._connections.add(connection)
        if self.stopping:
            connection.hang_up()
            return
        going = self._places.enter(connection)
        if isinstance(going, ClientConnection):
            going.hang_up()

    def leave(self, connection: ClientConnection) -> None:
        self._connections.discard(connection)
        self._places.leave(connection)
        self._is_empty()

    def seat(self, key: str) -> AbstractAsyncContextManager[None]:
        """Waits until a request of this address may be worked on. Raises TimeoutError after ten seconds."""
        return self._seats.seat(key, _WAIT)

    async def work(self, step: Callable[[], T]) -> T:
        """Runs a step in a thread: one at a time for each connection, and so no more than there are places."""
        self._working += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, step)
        finally:
            self._working -= 1

    def let_go(self, close: Callable[[], None]) -> None:
        """Has an answer closed in a thread; nobody waits for that."""
        if not self.stopping:
            self._threads.submit(_close, close)
            return
        _close(close)

    async def _beat(self) -> None:
        while True:
            self._every_few_seconds()
            await asyncio.sleep(5)

    def _is_empty(self) -> None:
        if self.stopping and not self._connections:
            self._empty.set()

    async def _end_politely(self) -> None:
        self._is_empty()
        for connection in list(self._connections):
            connection.finish()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await self._empty.wait()
        answering = [task for connection in self._connections if (task := connection.hang_up())]
        if answering:
            # A step that has begun in a thread is let finish: what it holds is closed behind it.
            await asyncio.wait(answering, timeout=1.0)


def _close(close: Callable[[], None]) -> None:
    try:
        close()
    except Exception:
        log.exception("an answer could not be closed")


def _affordable(wanted: int) -> int:
    """As many connections as there are file descriptors, but for those that the rest of us needs."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return wanted
    return max(8, min(wanted, allowed - _SPARE_FILES))
