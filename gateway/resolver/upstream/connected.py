"""An upstream over connections: a few that are kept and shared, opened when needed (RFC 7766 section 6.2)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.resolver.upstream.channel import Channel
from gateway.resolver.upstream.check import Match, match
from gateway.resolver.upstream.padding import pad
from gateway.wire.question import Question, build_query

TIMEOUT = 2.0
_PLAIN_FOR = 600.0
_MAX_OPEN = 1_024
_MAX_CHANNELS = 4
# So many on one connection are no burden; beyond, a lost packet should not hold up everybody.
_CROWD = 64


class ConnectedUpstream:
    """Answers may come in any order; a question whose connection was closed under it is asked once more.

    `dial` opens a channel; it raises OSError, ssl errors included, or UpstreamError. `padded` hides the length of
    queries (RFC 8467).
    """

    def __init__(
        self,
        url: str,
        address: tuple[str, int],
        dial: Callable[[], Awaitable[Channel]],
        *,
        padded: bool = False,
        timeout: float = TIMEOUT,
    ) -> None:
        self.url = url
        self.address = address
        self._dial = dial
        self._padded = padded
        self._timeout = timeout
        self._plain_until = 0.0
        self._tasks: set[asyncio.Task[bytes]] = set()
        self._channels: list[Channel] = []
        self._opening: asyncio.Task[Channel] | None = None

    def ask(self, question: Question) -> asyncio.Future[bytes]:
        task = asyncio.get_running_loop().create_task(self._ask(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        tasks: list[asyncio.Task[bytes] | asyncio.Task[Channel]] = [*self._tasks]
        if self._opening is not None:
            tasks.append(self._opening)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for channel in self._channels:
            channel.close()
        self._channels.clear()

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
            raise UpstreamError(f"{self.url} cannot be reached: {explain(error)}.") from error

    async def _exchange(self, question: Question, edns: bool) -> tuple[Match, bytes]:
        query = build_query(0, question, edns=edns)
        if self._padded and edns:
            query = pad(query)
        for attempt in range(2):
            channel, fresh = await self._channel()
            try:
                reply = await channel.exchange(query)
            except ConnectionError:
                # A server may close an idle connection just as we use it; then a new one must do.
                if fresh or attempt:
                    raise
                continue
            kind = match(reply, 0, question.name + question.tail, edns=edns)
            if kind in (Match.NO, Match.TRUNCATED):
                channel.close()
                raise UpstreamError(f"{self.url} answered with something else than the question.")
            return kind, reply
        raise UpstreamError(f"{self.url} closes every connection.")

    async def _channel(self) -> tuple[Channel, bool]:
        """The best channel there is, and whether it was opened for this."""
        self._channels = [channel for channel in self._channels if channel.usable]
        fit = [channel for channel in self._channels if channel.load < channel.capacity]
        lively = min((channel for channel in fit if not channel.stalled()), key=_load, default=None)
        more = len(self._channels) < _MAX_CHANNELS
        if lively is not None:
            if more and lively.load >= _CROWD:
                self._open()
            return lively, False
        if more:
            return await asyncio.shield(self._open()), True
        if not fit:
            raise UpstreamError(f"{self.url} has too many questions open.")
        return min(fit, key=_load), False

    def _open(self) -> asyncio.Task[Channel]:
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._connect())
            self._opening.add_done_callback(self._opened)
        return self._opening

    async def _connect(self) -> Channel:
        async with asyncio.timeout(self._timeout):
            return await self._dial()

    def _opened(self, task: asyncio.Task[Channel]) -> None:
        self._opening = None
        if not task.cancelled() and task.exception() is None:
            self._channels.append(task.result())


def explain(error: BaseException) -> str:
    """What went wrong, without a full stop: of a certificate what is the matter with it, else what the system says."""
    reason = getattr(error, "verify_message", None)
    if reason:
        return f"its certificate is refused ({reason.rstrip('.')})"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"TLS fails ({error.reason.replace('_', ' ').lower()})"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


def _load(channel: Channel) -> int:
    return channel.load
