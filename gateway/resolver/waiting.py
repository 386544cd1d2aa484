"""What is under way over UDP: equal datagrams of one client share one way, and nobody takes it all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeAlias

# (the id as it stands on the wire, where the answer goes, when it was asked)
Waiter: TypeAlias = tuple[bytes, Callable[[bytes], None], float]
# (textual address of the client, the datagram behind its id)
Key: TypeAlias = tuple[str, bytes]

# A client that asks the same more often than this before it is answered has forgotten its first tries.
_MOST_WAITERS = 1_024
_MOST_ALTOGETHER = 16_384
# How many times the free room one holder may take: a single one gets four fifths of all, two three eighths each, and
# there is always room for one more (dynamic thresholds: Choudhury and Hahne, IEEE/ACM ToN 6(2), 1998).
_SHARE = 4


class Waiting:
    """At most `limit` ways at once; `turned_away` counts those that found no room."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way: dict[Key, deque[Waiter] | None] = {}
        self._open: dict[str, int] = {}
        self._waiting = 0
        self.joined = 0
        self.turned_away = 0

    def __len__(self) -> int:
        return len(self._under_way)

    def join(self, key: Key, waiter: Waiter) -> bool:
        """True when an equal datagram is under way: its answer is this one's, too, if there is room."""
        if key not in self._under_way:
            return False
        waiters = self._under_way[key]
        if waiters is None:
            waiters = self._under_way[key] = deque(maxlen=_MOST_WAITERS)
        if self._waiting >= _MOST_ALTOGETHER:
            self.turned_away += 1
            return True
        self._waiting += len(waiters) < _MOST_WAITERS
        waiters.append(waiter)
        self.joined += 1
        return True

    def admit(self, key: Key, holder: str) -> bool:
        """False when everything, or this holder's share of it, is taken. Who is admitted must `leave`."""
        mine = self._open.get(holder, 0)
        if mine >= (self._limit - len(self._under_way)) * _SHARE:
            self.turned_away += 1
            return False
        self._under_way[key] = None
        self._open[holder] = mine + 1
        return True

    def leave(self, key: Key, holder: str) -> Iterable[Waiter]:
        """Ends this way; those who joined it."""
        waiters = self._under_way.pop(key)
        mine = self._open[holder] - 1
        if mine:
            self._open[holder] = mine
        else:
            del self._open[holder]
        if waiters is None:
            return ()
        self._waiting -= len(waiters)
        return waiters
