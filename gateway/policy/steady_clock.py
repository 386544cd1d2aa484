"""The time of day by which decisions end: it runs evenly, however the machine's clock is set meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.linux.process import since_boot

_A_STEP = 1.0


class TimeOfDay(Protocol):
    """Aware UTC when it is called; see SteadyClock."""

    def __call__(self) -> datetime: ...

    def step(self) -> timedelta: ...

    def follow(self) -> None: ...


class SteadyClock:
    """Shows what the machine's clock would show if nobody had set it since the last `follow`.

    `wall` is in seconds since the epoch; `steady` is in seconds that only ever pass.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = since_boot) -> None:
        self._wall, self._steady = wall, steady
        self._ahead = wall() - steady()

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self._ahead + self._steady(), UTC)

    def step(self) -> timedelta:
        """How far the machine's clock was set; nothing where it only runs a little fast or slow."""
        step = self._wall() - self._steady() - self._ahead
        return timedelta(seconds=step) if abs(step) >= _A_STEP else timedelta()

    def follow(self) -> None:
        """Shows from now on what the machine's clock shows."""
        self._ahead = self._wall() - self._steady()
