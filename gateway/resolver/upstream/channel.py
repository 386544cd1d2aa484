"""A connection to an upstream that many questions share: what TCP, TLS and HTTP/2 have in common."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import dataclass

# Shorter than the forwarder waits before it asks again, so that the second attempt takes another connection.
_STALLED = 0.25
_DEAD = 1.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    sent: float
    reply: asyncio.Future[bytes]


class Channel(asyncio.Protocol):
    """Messages go out and come back with the id 0; whatever tells them apart on the wire is the subclass's own.

    `capacity` is how many questions may be open at once. An unused channel closes itself after `idle` seconds.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, idle: float) -> None:
        self.usable = False
        self.capacity = 512
        self._loop = loop
        self._idle = idle
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, _Waiting] = {}
        self._heard = self._used = loop.time()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def load(self) -> int:
        return len(self._waiting)

    def stalled(self) -> bool:
        """Somebody has been waiting for a while, and not a byte has come: the other side may be gone."""
        if not self._waiting:
            return False
        oldest = next(iter(self._waiting.values()))
        return self._loop.time() - max(oldest.sent, self._heard) > _STALLED

    async def exchange(self, query: bytes) -> bytes:
        """The reply to a query. Raises ConnectionError when the channel closes first, UpstreamError when it is refused.

        One who gives up on a channel that said nothing for a second closes it: half-open connections stay silent.
        """
        if self._transport is None or not self.usable:
            raise ConnectionResetError("the connection was closed")
        reply: asyncio.Future[bytes] = self._loop.create_future()
        now = self._used = self._loop.time()
        key = self._send(self._transport, query)
        self._waiting[key] = _Waiting(now, reply)
        try:
            return await reply
        except asyncio.CancelledError:
            if self._loop.time() - max(now, self._heard) > _DEAD:
                self.close()
            raise
        finally:
            if self._waiting.pop(key, None) is not None:
                self._forsake(key)

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.usable = True
        self._greet(transport)
        self._close_when_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._waiting.values():
            if not waiting.reply.done():
                waiting.reply.set_exception(ConnectionResetError("the connection was closed"))
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        self._receive(data)

    @abstractmethod
    def _send(self, transport: asyncio.Transport, query: bytes) -> int:
        """Writes the query and gives the key that its reply will have."""

    @abstractmethod
    def _receive(self, data: bytes) -> None:
        """Takes in what came, and answers or fails those who wait."""

    def _greet(self, transport: asyncio.Transport) -> None:
        """What is said before the first query."""

    def _forsake(self, key: int) -> None:
        """Nobody waits for this reply any more."""

    def _answer(self, key: int, reply: bytes) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is not None and not waiting.reply.done():
            waiting.reply.set_result(reply)

    def _refuse(self, key: int, error: Exception) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is not None and not waiting.reply.done():
            waiting.reply.set_exception(error)

    def _close_when_idle(self) -> None:
        if not self.usable:
            return
        if not self._waiting and self._loop.time() - self._used >= self._idle:
            self.close()
            return
        self._timer = self._loop.call_later(self._idle / 2, self._close_when_idle)
