"""The simulated televisions of a home, living together."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from gateway.demo.routine import Moment, lively_routine, moments
from gateway.demo.script import Script, load_script
from gateway.demo.stub import StubResolver
from gateway.demo.television import Ask, Sleep, Television
from gateway.errors import SettingsError

_FOLDER = Path(__file__).parent
_FILES = ("samsung.toml", "lg.toml", "roku.toml", "fire_tv.toml")
_MAX_PACE = 60.0
_BETWEEN_BOOTS = 4.0

TELEVISIONS: tuple[Script, ...] = tuple(load_script(_FOLDER / file) for file in _FILES)


class Fleet:
    """`resolver` is who they ask. At pace 1 the four of `TELEVISIONS` make about one lookup a second together,
    a dozen a second for moments after a boot, and a storm of at most 20 a second for 10 s when blocked names matter.

    `ask_from` is for tests: it makes what a television asks through, from its address. The same seed gives the same
    lives. Raises SettingsError for a pace outside 0.1 to 60.
    """

    def __init__(
        self,
        resolver: tuple[str, int],
        televisions: Sequence[Script] = TELEVISIONS,
        *,
        pace: float = 1.0,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        ask_from: Callable[[str], Ask] | None = None,
    ) -> None:
        if not 0.1 <= pace <= _MAX_PACE:
            raise SettingsError("demo.pace-demo-lies", max_pace=f"{_MAX_PACE:g}", pace=f"{pace:g}")
        self._seed = seed
        self._pace = pace
        self._sleep = sleep
        self._stubs = [StubResolver(script.address, resolver) for script in televisions] if ask_from is None else []
        asks = [ask_from(script.address) for script in televisions] if ask_from else [stub.ask for stub in self._stubs]
        self.televisions = tuple(
            Television(script, ask, rng=Random(f"{seed} {script.label}"), pace=pace, clock=clock, sleep=sleep)
            for script, ask in zip(televisions, asks, strict=True)
        )
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Lives until `stop`. Raises NetworkError when this machine lacks a television's address."""
        for stub in self._stubs:
            stub.check()
        self._running = asyncio.create_task(self._live())
        try:
            await asyncio.wait([self._running])
        finally:
            await self.stop()
        if not self._running.cancelled():
            self._running.result()

    async def stop(self) -> None:
        """Switches all of them off; `run` then returns."""
        if self._running is not None and not self._running.done():
            self._running.cancel()
            await asyncio.wait([self._running])

    def counts(self) -> dict[str, Counter[str]]:
        """What each television did so far, by label."""
        return {television.script.label: Counter(television.counts) for television in self.televisions}

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            for place, television in enumerate(self.televisions):
                group.create_task(self._begin(television, place * _BETWEEN_BOOTS / self._pace))

    async def _begin(self, television: Television, after: float) -> None:
        await self._sleep(after)
        await television.live(self.plan(television.script))

    def plan(self, script: Script) -> Iterator[Moment]:
        """The endless train of wishes that this seed gives a television."""
        rng = Random(f"{self._seed} plan {script.label}")
        return moments(lively_routine(script, rng), script, rng)
