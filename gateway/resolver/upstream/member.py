"""What we know of an upstream's health, and how it comes back."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from gateway.catalogue.sentences import Notice
from gateway.errors import UpstreamTimeout
from gateway.model.dns import Rcode
from gateway.model.event import HealthChanged
from gateway.resolver.pending import Future
from gateway.resolver.upstream import Upstream, is_encrypted
from gateway.wire.question import Question

_STRIKES = 3
# A probe each second, also while an earlier one is open, so that a recovery is seen before the next second is over.
# Whoever stays ill for minutes, or is there but cannot be trusted, is asked less often.
_PROBE = 1.0
_PROBE_LATER = 5.0
_PROBE_LAST = 30.0
_PATIENT = 300
_LIES = 8
_CHECK_EVERY = 10.0
_REFUSALS = frozenset({Rcode.FORMERR, Rcode.NOTIMP, Rcode.REFUSED})
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
    """One upstream of several. It falls ill after three failures in a row, is probed while it is, and is well again
    with the first answer, whoever asked.

    One that denies name after name is asked for the root, which exists: if it denies that too, it lies. `fallback`
    marks a plain upstream that is asked only when no encrypted one answers, `vouched` one of which the owner trusts the
    word, and the way it comes, that data is authentic, `partial` one that is asked about some zones and need not know
    the root.
    """

    def __init__(
        self,
        upstream: Upstream,
        on_health: Callable[[HealthChanged], None],
        *,
        fallback: bool = False,
        vouched: bool = False,
        partial: bool = False,
    ) -> None:
        self.upstream = upstream
        self.fallback = fallback
        self.vouched = vouched
        self._partial = partial
        self.healthy = True
        self.lies = False
        self.failures = 0
        self.latency: float | None = None
        self._on_health = on_health
        self._last_error: str | None = None
        # Seconds after which another upstream is asked as well. Encrypted ones get more for their first answer, to
        # shake hands.
        self.patience = 0.8 if is_encrypted(upstream.url) else 0.4
        self._refuses = False
        self._distrusted = False
        self._denials = 0
        self._checked = -inf
        self._probes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def state(self) -> UpstreamState:
        latency = None if self.latency is None else round(self.latency * 1000, 1)
        return UpstreamState(self.upstream.url, self.healthy, latency, self.failures, self._last_error)

    def answered(self, seconds: float, *, denied: bool = False) -> None:
        """It answered after so many seconds; `denied` when it said that the name does not exist."""
        self.latency = mean = seconds if self.latency is None else 0.8 * self.latency + 0.2 * seconds
        # Four mean round trips, within bounds.
        self.patience = 0.3 if mean < 0.075 else 0.8 if mean > 0.2 else 4 * mean
        self._denials = self._denials + 1 if denied else 0
        if denied and self.lies:
            return
        self.lies = False
        self.failures = 0
        if not self.healthy:
            self.healthy = True
            self._stop_probing()
            self._tell(Notice("upstream.upstream-answers-again", url=self.upstream.url))
        elif self._denials >= _LIES and not self._closed and not self._partial:
            self._check()

    def failed(self, error: BaseException, *, refused: bool = False) -> None:
        """It gave no answer, or `refused` to give one."""
        self.failures += 1
        self._last_error = str(error)
        self._refuses = refused
        self._distrusted = isinstance(error.__cause__, ssl.SSLError)
        if self.healthy and self.failures >= _STRIKES:
            url, reason = self.upstream.url, error
            silent = Notice("upstream.upstream-does-not", url=url, reason=reason)
            self._fall_ill(
                silent
                if isinstance(error, UpstreamTimeout)
                else Notice("upstream.upstream-fails", url=url, reason=reason)
            )

    async def close(self) -> None:
        self._closed = True
        self._stop_probing()
        await self.upstream.close()

    def _fall_ill(self, notice: Notice) -> None:
        self.healthy = False
        self._probes = 0
        self._probe_later()
        self._tell(notice)

    def _tell(self, notice: Notice) -> None:
        self._on_health(HealthChanged(f"upstream {self.upstream.url}", self.healthy, notice))

    def _stop_probing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _probe_later(self) -> None:
        if self._closed:
            return
        wait = _PROBE if self._probes < _PATIENT else _PROBE_LATER
        if self._distrusted:
            # Somebody is there, and a handshake costs them something each time.
            wait = min(_PROBE * 2 ** min(self._probes, 10), _PROBE_LAST)
        self._timer = asyncio.get_running_loop().call_later(wait, self._probe)

    def _probe(self) -> None:
        self._probes += 1
        self._probe_later()
        loop = asyncio.get_running_loop()
        started = loop.time()

        def land(reply: Future[bytes]) -> None:
            if reply.cancelled() or ((error := reply.exception()) is None and self._closed):
                return
            if error is not None:
                if not self.healthy:
                    self.failed(error, refused=self._refuses)
                return
            rcode = reply.result()[3] & 0x0F
            if not (self._refuses and rcode in _REFUSALS) and not (self.lies and rcode == Rcode.NXDOMAIN):
                self.answered(loop.time() - started, denied=rcode == Rcode.NXDOMAIN)

        self.upstream.ask(PROBE).add_done_callback(land)

    def _check(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._checked < _CHECK_EVERY:
            return
        self._checked = now

        def land(reply: Future[bytes]) -> None:
            if reply.cancelled() or reply.exception() is not None or self._closed or not self.healthy:
                return
            self._denials = 0
            if reply.result()[3] & 0x0F == Rcode.NXDOMAIN:
                self.lies = True
                self._last_error = f"{self.upstream.url} says that nothing exists, not even the root of all names."
                self._fall_ill(Notice("upstream.upstream-lies-says", url=self.upstream.url))

        self.upstream.ask(PROBE).add_done_callback(land)
