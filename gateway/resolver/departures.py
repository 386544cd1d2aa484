"""How many questions are with the upstreams at once: as many as keep them busy, and no more.

What an upstream has been sent it answers in its own order, and what it has answered we work off in that order. So who
floods would fill both queues, and everybody else's questions would wait behind thousands. While more are asked than can
be answered, questions wait here instead, where who has asked for least comes first (see `FairQueue`).
"""

from __future__ import annotations

from collections.abc import Hashable
from math import inf
from typing import Generic, Protocol, TypeVar

from gateway.resolver.fair_queue import FairQueue


class Held(Protocol):
    """Something that may leave later. It is held until it leaves, or nobody waits for it any more; `level` is that of
    whoever of those who wait has asked for least.
    """

    level: int

    @property
    def is_held(self) -> bool: ...

    def depart(self) -> None: ...


T = TypeVar("T", bound=Held)

NOBODY_YET = 1 << 30
"""The level of what was never held."""
# More than we can ask ourselves in a second: the round trip of an upstream is filled, however long it is.
_A_SECOND = 10_000
_FEWEST, _MOST = 16, 1 << 16
# Who asked for fewer names lately (see `FairQueue`) goes at once, up to so many beyond all others.
_FEW, _SPARE = 5, 64
_WINDOW = 5.0
# After somebody had to wait longer than usual nobody is held back for a second: perhaps an upstream is gone.
_OPEN_FOR = 1.0


class Departures(Generic[T]):
    """For one event loop. `now` is its clock."""

    def __init__(self) -> None:
        self._held: FairQueue[T] = FairQueue(_MOST)
        self._room = _MOST
        self._quickest = self._quickest_before = inf
        self._next_window = 0.0
        self._open_until = 0.0
        self._releasing = False
        self.gone = 0

    @property
    def waiting(self) -> int:
        """How many wait for others to land."""
        return len(self._held)

    def ask(self, holder: Hashable, flight: T, now: float) -> bool:
        """True when it may leave now, which is counted; else it leaves later, or earlier than it would have when it is
        held already for somebody who has asked for more.
        """
        if self.gone < self._room:
            # Who floods is found out in a moment, once there is no room: nobody is weighed before that.
            self.gone += 1
            return True
        level = self._held.weigh(holder, now)
        if level <= _FEW and self.gone < self._room + _SPARE:
            self.gone += 1
            return True
        if level < flight.level:
            flight.level = level
            self._held.add(level, flight)
        return False

    def answered(self, seconds: float) -> None:
        """An upstream answered after so many seconds."""
        self._quickest = min(self._quickest, seconds)

    def landed(self) -> None:
        """One that left is over."""
        self.gone -= 1
        if self._held and not self._releasing:
            self._release()

    def late(self, now: float) -> None:
        """Somebody who left is not answered as soon as usual."""
        self._open_until = now + _OPEN_FOR

    def measure(self, now: float) -> None:
        """From time to time: how much room there is."""
        if now >= self._next_window:
            self._next_window = now + _WINDOW
            self._quickest_before, self._quickest = self._quickest, inf
        quickest = min(self._quickest, self._quickest_before)
        known = quickest < inf and now >= self._open_until
        self._room = min(_FEWEST + int(_A_SECOND * quickest), _MOST) if known else _MOST
        if self._held:
            self._release()

    def _release(self) -> None:
        # One that cannot be sent lands before it has left: it must not release the next from within.
        self._releasing = True
        try:
            while self._held and self.gone < self._room:
                flight = self._held.pop()
                if flight.is_held:
                    self.gone += 1
                    flight.depart()
        finally:
            self._releasing = False
