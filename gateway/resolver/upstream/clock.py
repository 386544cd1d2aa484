"""What time it is for a certificate, on a machine that may not know: a Raspberry Pi keeps no time without power."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gateway.errors import UpstreamError
from gateway.model.event import HealthChanged
from gateway.resolver.upstream.sntp import ask_time

# No clock that is right can show less than this: the day this release was made.
BUILT = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
# Addresses, because names cannot be looked up yet: time.cloudflare.com (two) and NIST's time-a-g and time-a-wwv.
TIME_SERVERS = ("162.159.200.1", "162.159.200.123", "129.6.15.28", "132.163.97.1")
_WORTH_SAYING = 86_400.0


class Clock:
    """Judges the dates of certificates only, and only while the machine's own clock cannot be right; it sets nothing.

    The time of a server is not authenticated. So it may only be later than what we know already: neither before this
    release nor before the machine's own clock, and an old certificate of a stolen key is not revived by it.
    """

    def __init__(
        self,
        servers: Sequence[tuple[str, int]],
        report: Callable[[HealthChanged], None],
        *,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._servers = servers
        self._report = report
        self._wall = wall
        self._clock = clock
        self._asking = asyncio.Lock()
        self._epoch: float | None = None
        self._said = ""

    @property
    def behind(self) -> bool:
        """This machine's clock shows a time before this release was made."""
        return self._wall() < BUILT

    async def true_time(self) -> float:
        """Seconds since 1970, asked of a time server once. Raises UpstreamError when none answers."""
        async with self._asking:
            if self._epoch is None:
                await self._learn()
        assert self._epoch is not None
        return max(self._epoch + self._clock(), self._wall())

    def agrees(self) -> None:
        """A certificate was found good by the machine's own clock."""
        if self._said:
            self._said = ""
            self._report(HealthChanged("clock", True, "This machine's clock is right again."))

    async def _learn(self) -> None:
        shown = self._wall()
        try:
            at, source = await ask_time(self._servers, max(BUILT, shown))
        except UpstreamError:
            says = (
                f"This machine's clock says {_day(shown)}, which cannot be, and no time server answers: encrypted "
                "upstreams cannot be checked until the clock is set."
            )
            self._say(says)
            raise UpstreamError(says) from None
        self._epoch = at - self._clock()
        if at - shown > _WORTH_SAYING:
            self._say(
                f"This machine's clock says {_day(shown)}, but it is {_day(at)} according to {source}: until the clock "
                "is set, the certificates of encrypted upstreams are judged by that."
            )

    def _say(self, says: str) -> None:
        if says != self._said:
            self._said = says
            self._report(HealthChanged("clock", False, says))


def _day(at: float) -> str:
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%B %Y}"
