"""What we know of an upstream's health, and how it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import UpstreamTimeout
from gateway.model.event import HealthChanged
from gateway.resolver.upstream import Upstream
from gateway.wire.question import Question

_STRIKES = 3
_PROBE_FIRST, _PROBE_LAST = 1.0, 30.0
# Everybody can answer who the root servers are, and it tells nobody anything.
PROBE = Question(b"\0", b"\0\2\0\1")


@dataclass(frozen=True, slots=True)
class UpstreamState:
    """`latency_ms` is a running mean, None before the first answer; `failures` counts those since the last answer."""

    url: str
    healthy: bool
    latency_ms: float | None
    failures: int
    last_error: str | None


class Member:
    """One upstream of several. It falls ill after three failures in a row, is probed ever less often, and is well
    again with the first answer, whoever asked.
    """

    def __init__(self, upstream: Upstream, on_health: Callable[[HealthChanged], None]) -> None:
        self.upstream = upstream
        self.healthy = True
        self.failures = 0
        self._on_health = on_health
        self._latency: float | None = None
        self._last_error: str | None = None
        self._wait = _PROBE_FIRST
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def patience(self) -> float:
        """Seconds after which another upstream is asked as well: four mean round trips, within bounds."""
        return 0.4 if self._latency is None else min(max(4 * self._latency, 0.3), 0.8)

    def state(self) -> UpstreamState:
        latency = None if self._latency is None else round(self._latency * 1000, 1)
        return UpstreamState(self.upstream.url, self.healthy, latency, self.failures, self._last_error)

    def answered(self, seconds: float) -> None:
        self._latency = seconds if self._latency is None else 0.8 * self._latency + 0.2 * seconds
        self.failures = 0
        if not self.healthy:
            self.healthy = True
            self._stop_probing()
            self._tell(f"The upstream {self.upstream.url} answers again.")

    def failed(self, error: BaseException) -> None:
        self.failures += 1
        self._last_error = str(error)
        if self.healthy and self.failures >= _STRIKES:
            self.healthy = False
            self._wait = _PROBE_FIRST
            self._probe_later()
            kind = "does not answer" if isinstance(error, UpstreamTimeout) else "fails"
            self._tell(f"The upstream {self.upstream.url} {kind}: {error}")

    async def close(self) -> None:
        self._closed = True
        self._stop_probing()
        await self.upstream.close()

    def _tell(self, says: str) -> None:
        self._on_health(HealthChanged(f"upstream {self.upstream.url}", self.healthy, says))

    def _stop_probing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _probe_later(self) -> None:
        if not self._closed:
            self._timer = asyncio.get_running_loop().call_later(self._wait, self._probe)
            self._wait = min(self._wait * 2, _PROBE_LAST)

    def _probe(self) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()

        def land(reply: asyncio.Future[bytes]) -> None:
            if reply.cancelled() or self._closed:
                return
            error = reply.exception()
            if error is None:
                self.answered(loop.time() - started)
            elif not self.healthy:
                self.failed(error)
                self._probe_later()

        self.upstream.ask(PROBE).add_done_callback(land)
