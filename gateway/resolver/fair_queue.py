"""What waits to be worked off, of many holders: who has asked for least lately comes first, and where there is no more
room, who has asked for most loses (least attained service: Nuyens and Wierman, Performance Evaluation 65, 2008).

A holder is a device, where it is known, and else an address. A television that wakes up asks for dozens of names; one
that floods asks for thousands, and waits behind everybody else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

# What was asked counts half after so many seconds.
_HALF_LIFE = 0.5
_MOST_HOLDERS = 4_096
_LEVELS = 16
# Periods after which nothing is left of whatever was asked.
_FADED = 64


class FairQueue(Generic[T]):
    """At most `limit` pieces; `dropped` counts those that lost their place."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # Who asked for 1, 2-3, 4-7, 8-15, ... names stands one level further back each time.
        self._levels: tuple[deque[T], ...] = tuple(deque() for _ in range(_LEVELS))
        self._asked: dict[Hashable, tuple[int, int]] = {}
        self._count = 0
        self.dropped = 0

    def __len__(self) -> int:
        return self._count

    def put(self, holder: Hashable, piece: T, now: float) -> None:
        """Queues one more of this holder's; `now` is monotonic seconds."""
        self.add(self.weigh(holder, now), piece)

    def weigh(self, holder: Hashable, now: float) -> int:
        """Counts one more of this holder's: how many it asked for lately, in binary digits."""
        period = int(now / _HALF_LIFE)
        asked, then = self._asked.get(holder) or (0, period)
        if period > then:
            asked >>= min(period - then, _FADED)
        asked += 1
        if asked == 1 and len(self._asked) >= _MOST_HOLDERS:
            self._forget(period)
        self._asked[holder] = (asked, period)
        return asked.bit_length()

    def add(self, weight: int, piece: T) -> None:
        """Queues a piece that was weighed."""
        if self._count >= self._limit:
            self._drop()
        self._levels[weight - 1 if weight < _LEVELS else -1].append(piece)
        self._count += 1

    def pop(self) -> T:
        """The next one. Raises IndexError when there is none."""
        for level in self._levels:
            if level:
                self._count -= 1
                return level.popleft()
        raise IndexError("Nothing waits.")

    def clear(self) -> None:
        for level in self._levels:
            level.clear()
        self._count = 0

    def _drop(self) -> None:
        # The oldest: whoever asked has the least patience left for it.
        next(level for level in reversed(self._levels) if level).popleft()
        self._count -= 1
        self.dropped += 1

    def _forget(self, period: int) -> None:
        """Whoever was quiet for so long that nothing is left of it; all of them where that does not help."""
        for holder in [
            each for each, (asked, then) in self._asked.items() if not asked >> min(max(period - then, 0), _FADED)
        ]:
            del self._asked[holder]
        if len(self._asked) >= _MOST_HOLDERS:
            self._asked.clear()
