"""Who may be connected: a bounded number of connections for each address, and for all of them together."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol


class Guest(Protocol):
    """A connection. `key` is whose it is; `engaged` is true while we work for it, or while it is an open page."""

    @property
    def key(self) -> Hashable: ...

    @property
    def engaged(self) -> bool: ...


class Places:
    """Lets everybody in, and names who must go for it: nobody is kept out by those who came first.

    An address has `each` places at most. When all `total` are taken, the address that holds the most gives one up. Of
    several the one goes that came first, and none that is engaged as long as there is another.
    """

    def __init__(self, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._guests: dict[Hashable, list[Guest]] = {}
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def enter(self, guest: Guest) -> Guest | None:
        """The one that must be hung up on and is counted no more, perhaps `guest` itself; None when there is room."""
        going = self._seat(guest)
        if going is not None:
            # Its end takes a moment, in which others come: nobody is named twice.
            self.leave(going)
        return going

    def _seat(self, guest: Guest) -> Guest | None:
        own = self._guests.setdefault(guest.key, [])
        own.append(guest)
        self._number += 1
        if len(own) > self._each:
            return _first_idle(own) or guest
        if self._number <= self._total:
            return None
        for held in sorted(self._guests.values(), key=len, reverse=True):
            others = [one for one in held if one is not guest]
            if going := _first_idle(others):
                return going
        return guest

    def leave(self, guest: Guest) -> None:
        """Forgets a connection that is over; twice does no harm."""
        own = self._guests.get(guest.key, [])
        if guest in own:
            own.remove(guest)
            self._number -= 1
        if not own:
            self._guests.pop(guest.key, None)


def _first_idle(guests: list[Guest]) -> Guest | None:
    return next((one for one in guests if not one.engaged), None)
