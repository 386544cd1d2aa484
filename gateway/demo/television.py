"""One simulated television: wants names by its script, keeps answers for their TTL, minds being blocked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import Protocol

from gateway.demo.packet import TelevisionAnswer
from gateway.demo.routine import Moment
from gateway.demo.script import Script, Storm
from gateway.errors import UpstreamError
from gateway.model.dns import Rcode

Sleep = Callable[[float], Awaitable[None]]
_MAX_KEPT = 500
_MAX_TTL = 3_600.0
_MAX_AT_ONCE = 24
_SECOND_TRY = 5.0
_TOO_LATE = 5.0


class Ask(Protocol):
    """One question to the resolver; raises UpstreamError when no answer comes."""

    async def __call__(self, name: str, qtype: int, *, tcp: bool = False) -> TelevisionAnswer: ...


class Television:
    """`counts` says what it did: asked, kept (answered from its own memory), refused, unanswered, storms.

    `pace` makes its life pass faster; TTLs and storms stay in real seconds.
    """

    def __init__(
        self,
        script: Script,
        ask: Ask,
        *,
        rng: Random,
        pace: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.script = script
        self.counts: Counter[str] = Counter()
        self._ask = ask
        self._rng = rng
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._kept: dict[tuple[str, int], float] = {}
        self._underway: set[tuple[str, int]] = set()
        self._calm_until: dict[Storm, float] = {}
        self._places = asyncio.Semaphore(_MAX_AT_ONCE)

    async def live(self, moments: Iterable[Moment]) -> None:
        """Looks up every moment's names in time; returns when there are no more moments.

        What it missed, because the machine slept or the resolver was away, is not made up for.
        """
        began = self._clock()
        async with asyncio.TaskGroup() as group:
            for moment in moments:
                wait = began + moment.at / self._pace - self._clock()
                if wait > 0:
                    await self._sleep(wait)
                elif wait < -_TOO_LATE:
                    continue
                for qtype in moment.qtypes:
                    await self._places.acquire()
                    group.create_task(self._look_up_in_place(moment.name, qtype))

    async def look_up(self, name: str, qtype: int) -> None:
        """Asks unless the last answer still lasts or is on its way; blocked names may start a storm."""
        key = (name, qtype)
        if self._kept.get(key, 0.0) > self._clock():
            self.counts["kept"] += 1
            return
        if key in self._underway:
            return
        self._underway.add(key)
        try:
            answer = await self._put(name, qtype)
            if answer is None or answer.rcode == Rcode.SERVFAIL:
                await self._sleep(_SECOND_TRY)
                answer = await self._put(name, qtype)
            if answer is not None and answer.refuses:
                await self._mind(name, qtype)
        finally:
            self._underway.discard(key)

    async def _look_up_in_place(self, name: str, qtype: int) -> None:
        try:
            await self.look_up(name, qtype)
        finally:
            self._places.release()

    async def _put(self, name: str, qtype: int) -> TelevisionAnswer | None:
        self.counts["asked"] += 1
        tcp = self._rng.random() < self.script.tcp_share
        answer: TelevisionAnswer | None = None
        with contextlib.suppress(UpstreamError):
            answer = await self._ask(name, qtype, tcp=tcp)
        if answer is None:
            self.counts["unanswered"] += 1
            return None
        self.counts["refused"] += answer.refuses
        self._keep((name, qtype), answer)
        return answer

    async def _mind(self, name: str, qtype: int) -> None:
        storm = self.script.storm_of(name)
        if storm is None or self._calm_until.get(storm, 0.0) > self._clock():
            return
        self._calm_until[storm] = self._clock() + storm.seconds + storm.rest
        self.counts["storms"] += 1
        for _ in range(int(storm.rate * storm.seconds)):
            await self._sleep(1 / storm.rate)
            answer = await self._put(name, qtype)
            if answer is None or not answer.refuses:
                return

    def _keep(self, key: tuple[str, int], answer: TelevisionAnswer) -> None:
        now = self._clock()
        if len(self._kept) >= _MAX_KEPT:
            self._kept = {kept: until for kept, until in self._kept.items() if until > now}
            while len(self._kept) >= _MAX_KEPT:
                self._kept.pop(next(iter(self._kept)))
        self._kept[key] = now + min(answer.ttl, _MAX_TTL)
