"""What time it is for a certificate, on a machine that may not know: a Raspberry Pi keeps no time without power."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gateway.catalogue.sentences import Notice
from gateway.errors import UpstreamError
from gateway.model.event import HealthChanged
from gateway.resolver.upstream.sntp import ask_time

# No clock that is right can show less than this: the day this release was made.
BUILT = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
# Addresses, because names cannot be looked up yet: time.cloudflare.com (two) and NIST's time-a-g and time-a-wwv.
TIME_SERVERS = ("162.159.200.1", "162.159.200.123", "129.6.15.28", "132.163.97.1")
_WORTH_SAYING = 86_400.0
_ASK_AGAIN = 60.0


class Clock:
    """Judges the dates of certificates only, and only while the machine's own clock cannot be right; it sets nothing.

    The time of a server is not authenticated. So it may only be later than what we know already: neither before this
    release nor before the machine's own clock, and an old certificate of a stolen key is not revived by it. But where
    that clock was set ahead while we ran, what we know is how long we have run: a server that says the same is right.
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
        self._began = wall() - clock()
        self._denied: tuple[float, float | None] = (float("-inf"), None)
        self._asking = asyncio.Lock()
        self._epoch: float | None = None
        self._said: Notice | None = None

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

    async def time_before_it_was_set(self) -> float | None:
        """Seconds since 1970, where this machine's clock was set more than a day ahead of what has passed since this
        began, and a time server says so too; None where nobody contradicts the clock.
        """
        async with self._asking:
            passed = self._began + self._clock()
            if self._wall() - passed <= _WORTH_SAYING:
                return None
            asked, right = self._denied
            if self._clock() - asked >= _ASK_AGAIN:
                self._denied = (self._clock(), right := await self._contradiction(passed))
            return None if right is None else right + self._clock()

    async def _contradiction(self, passed: float) -> float | None:
        """By how much a time server's time is more than the clock that nobody sets; None unless it is near `passed`."""
        try:
            at, source = await ask_time(self._servers, max(BUILT, passed - _WORTH_SAYING))
        except UpstreamError:
            return None
        if abs(at - passed) > _WORTH_SAYING:
            return None
        self._say(Notice("upstream.machine-s-clock-says", clock=_day(self._wall()), right=_day(at), source=source))
        return at - self._clock()

    def agrees(self) -> None:
        """A certificate was found good by the machine's own clock."""
        if self._said:
            self._said = None
            self._report(HealthChanged("clock", True, Notice("upstream.machine-s-clock-right")))

    async def _learn(self) -> None:
        shown = self._wall()
        try:
            at, source = await ask_time(self._servers, max(BUILT, shown))
        except UpstreamError:
            clock = _day(shown)
            notice = Notice("upstream.machine-s-clock", clock=clock)
            self._say(notice)
            raise UpstreamError(str(notice)) from None
        self._epoch = at - self._clock()
        if at - shown > _WORTH_SAYING:
            clock, right = _day(shown), _day(at)
            self._say(Notice("upstream.machine-s-clock-says", clock=clock, right=right, source=source))

    def _say(self, notice: Notice) -> None:
        if notice != self._said:
            self._said = notice
            self._report(HealthChanged("clock", False, notice))


def _day(at: float) -> str:
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%B %Y}"
