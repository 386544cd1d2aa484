"""Who has how many TCP connections to us: a fair share each, so that nobody keeps the others out.

A holder is a device, where it is known, and else an address: one device may have many addresses.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol


class OpenConnection(Protocol):
    """A client's connection; `last_used` is a monotonic time, `is_idle` that nothing it asked is still unanswered, and
    `is_fresh` that it came only now, so that its first question may be on its way.
    """

    last_used: float

    @property
    def is_idle(self) -> bool: ...

    @property
    def is_fresh(self) -> bool: ...

    def close(self) -> None: ...


class Connections:
    """At most `limit` altogether and `per_holder` for one. `turned_away` counts those that found no room, `displaced`
    those that were closed for another one.
    """

    def __init__(self, *, limit: int, per_holder: int) -> None:
        self._limit = limit
        self._per_holder = per_holder
        self._held: defaultdict[str, set[OpenConnection]] = defaultdict(set)
        self._count = 0
        self.turned_away = 0
        self.displaced = 0

    def __len__(self) -> int:
        return self._count

    def admit(self, connection: OpenConnection, holder: str) -> bool:
        """False when there is no room. Where all is taken, whoever has most makes room for whoever has less: its idle
        connections are closed first, the one that was unused for longest before the others.
        """
        victim = None
        if len(self._held.get(holder, ())) >= self._per_holder:
            victim = self._idlest([holder])
        elif self._count < self._limit:
            self._take(connection, holder)
            return True
        else:
            victim = self._of_the_greediest(holder)
        if victim is None:
            self.turned_away += 1
            return False
        self.displaced += 1
        self.leave(*victim)
        victim[0].close()
        self._take(connection, holder)
        return True

    def leave(self, connection: OpenConnection, holder: str) -> None:
        """Forgets a connection; one that is not known is none."""
        held = self._held.get(holder)
        if held is None or connection not in held:
            return
        held.discard(connection)
        self._count -= 1
        if not held:
            del self._held[holder]

    def _take(self, connection: OpenConnection, holder: str) -> None:
        self._held[holder].add(connection)
        self._count += 1

    def _of_the_greediest(self, newcomer: str) -> tuple[OpenConnection, str] | None:
        most = max(map(len, self._held.values()), default=0)
        mine = len(self._held.get(newcomer, ()))
        if mine >= most:
            return self._idlest([newcomer])
        greediest = [holder for holder, held in self._held.items() if len(held) == most]
        # Who has one more than the newcomer would have keeps what it is using, unless the newcomer has nothing.
        anything = mine == 0 or most > mine + 1
        return self._idlest(greediest, fresh=False) or (self._unused(greediest) if anything else None)

    def _idlest(self, holders: list[str], *, fresh: bool = True) -> tuple[OpenConnection, str] | None:
        found = [
            (each, holder)
            for holder in holders
            for each in self._held[holder]
            if each.is_idle and (fresh or not each.is_fresh)
        ]
        return min(found, key=_last_used, default=None)

    def _unused(self, holders: list[str]) -> tuple[OpenConnection, str]:
        """The connection of these that was used longest ago, whatever it waits for."""
        return min(((each, holder) for holder in holders for each in self._held[holder]), key=_last_used)


def _last_used(pair: tuple[OpenConnection, str]) -> float:
    return pair[0].last_used
