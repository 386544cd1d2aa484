"""An upstream over TCP: one connection that is kept and shared (RFC 7766 section 6.2.1)."""

from __future__ import annotations

import asyncio

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.resolver.upstream.check import Match, Noise, match
from gateway.wire.question import Question, build_query

TIMEOUT = 2.0
_IDLE = 8.0
_PLAIN_FOR = 600.0
_MAX_OPEN = 512
_MAX_UNREAD = 4 * 65_537


class StreamUpstream:
    """Answers may come in any order; a connection that was closed under a query is opened once more."""

    def __init__(self, host: str, port: int = 53, *, timeout: float = TIMEOUT) -> None:
        self.address = (host, port)
        self.url = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
        self._timeout = timeout
        self._plain_until = 0.0
        self._noise = Noise()
        self._tasks: set[asyncio.Task[bytes]] = set()
        self._opening: asyncio.Task[_Connection] | None = None

    def ask(self, question: Question) -> asyncio.Future[bytes]:
        task = asyncio.get_running_loop().create_task(self._ask(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        tasks = list(self._tasks)
        if self._opening is not None:
            if self._opening.done() and not self._opening.cancelled() and self._opening.exception() is None:
                self._opening.result().close()
            self._opening.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, question: Question) -> bytes:
        if len(self._tasks) > _MAX_OPEN:
            raise UpstreamError(f"{self.url} has too many questions open.")
        try:
            async with asyncio.timeout(self._timeout):
                loop = asyncio.get_running_loop()
                kind, reply = await self._exchange(question, loop.time() >= self._plain_until)
                if kind is Match.NO_EDNS:
                    _, reply = await self._exchange(question, False)
                    if reply[3] & 0x0F not in (1, 4):
                        self._plain_until = loop.time() + _PLAIN_FOR
                return reply
        except TimeoutError:
            raise UpstreamTimeout(f"{self.url} did not answer within {self._timeout:g} s.") from None
        except OSError as error:
            raise UpstreamError(f"{self.url} cannot be reached: {error.strerror or error}.") from error

    async def _exchange(self, question: Question, edns: bool) -> tuple[Match, bytes]:
        for attempt in range(2):
            connection, fresh = await self._connect()
            message_id = connection.free_id(self._noise)
            try:
                reply = await connection.exchange(message_id, build_query(message_id, question, edns=edns))
            except ConnectionError:
                # A server may close an idle connection just as we use it; then a new one must do.
                if fresh or attempt:
                    raise
                continue
            kind = match(reply, message_id, question.name + question.tail, edns=edns)
            if kind in (Match.NO, Match.TRUNCATED):
                connection.close()
                raise UpstreamError(f"{self.url} answered with something else than the question.")
            return kind, reply
        raise UpstreamError(f"{self.url} closes every connection.")

    async def _connect(self) -> tuple[_Connection, bool]:
        opening = self._opening
        if opening is not None and opening.done():
            usable = not opening.cancelled() and opening.exception() is None and opening.result().usable
            if usable:
                return opening.result(), False
            opening = None
        if opening is None:
            opening = self._opening = asyncio.get_running_loop().create_task(self._open())
            opening.add_done_callback(_read_exception)
        return await asyncio.shield(opening), True

    async def _open(self) -> _Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._timeout):
            _, connection = await loop.create_connection(lambda: _Connection(loop), *self.address)
        return connection


class _Connection(asyncio.Protocol):
    """One connection; replies find their query by id."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._last = loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self.usable = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.usable = True
        self._close_when_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the connection was closed"))
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        unread = self._unread
        unread += data
        while len(unread) >= 2:
            length = unread[0] << 8 | unread[1]
            if len(unread) < length + 2:
                break
            message = bytes(unread[2 : length + 2])
            del unread[: length + 2]
            future = self._waiting.pop(message[0] << 8 | message[1], None) if length >= 2 else None
            if future is not None and not future.done():
                future.set_result(message)
        if len(unread) > _MAX_UNREAD:
            self.close()

    def free_id(self, noise: Noise) -> int:
        """An id that no open query on this connection has; there are never more than 512 of those."""
        while (message_id := noise.number()) in self._waiting:
            pass
        return message_id

    async def exchange(self, message_id: int, query: bytes) -> bytes:
        if self._transport is None or not self.usable:
            raise ConnectionResetError("the connection was closed")
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting[message_id] = future
        self._last = self._loop.time()
        self._transport.write(len(query).to_bytes(2) + query)
        try:
            return await future
        finally:
            self._waiting.pop(message_id, None)

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def _close_when_idle(self) -> None:
        if not self.usable:
            return
        if not self._waiting and self._loop.time() - self._last >= _IDLE:
            self.close()
            return
        self._timer = self._loop.call_later(_IDLE / 2, self._close_when_idle)


def _read_exception(task: asyncio.Task[_Connection]) -> None:
    if not task.cancelled():
        task.exception()
