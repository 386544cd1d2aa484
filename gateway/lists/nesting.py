"""Lists in which the entry nearest to a name decides, so that one entry can be a hole in another.

unbound takes the longest zone, dnsmasq the longest domain, and a response policy zone the closest owner; in adblock
lists an exception wins at any distance. What is a hole becomes an exception of the entry around it, which says the
same to whoever looks a name up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from gateway.lists.bounds import MAX_HOLES, TOO_MANY_HOLES
from gateway.lists.sayings import OutOfRoom
from gateway.model.listed import Extent


class Nesting:
    """What one list has in the way of holes, by key (see `gateway.lists.compiled.key_of`).

    What only passes ends the block around it, in the same list; what allows speaks for itself, but for what is blocked
    inside of it.
    """

    def __init__(self) -> None:
        self._room = MAX_HOLES
        self._around: defaultdict[str, list[str]] = defaultdict(list)
        self._inside: defaultdict[str, list[str]] = defaultdict(list)
        self._allows: dict[str, Extent] = {}

    def __bool__(self) -> bool:
        return bool(self._around or self._allows)

    def add_pass(self, key: str) -> None:
        """Raises OutOfRoom."""
        for outer in outside_of(key):
            self._take_room()
            self._around[outer].append(key)

    def add_allow(self, key: str, extent: Extent) -> None:
        """Raises OutOfRoom."""
        self._take_room()
        known = self._allows.setdefault(key, extent)
        if known is not extent:
            self._allows[key] = Extent.SUBTREE

    def see_block(self, key: str, extent: Extent) -> tuple[str, ...]:
        """The names that are holes in this block; and notes which ones it is a hole in.

        Raises OutOfRoom, and then nothing that this list allows or passes can be kept to.
        """
        for outer in outside_of(key):
            if self._allows.get(outer, Extent.EXACT) is not Extent.EXACT:
                self._take_room()
                self._inside[outer].append(key)
        if extent is Extent.EXACT:
            if self._allows.get(key) is Extent.SUBTREE:
                self._allows[key] = Extent.BELOW
            return ()
        return names_of(self._around.get(key, ()))

    def allows(self) -> Iterator[tuple[str, Extent, tuple[str, ...]]]:
        """What allows, with its holes, when every block has been seen."""
        for key, extent in self._allows.items():
            yield name_of(key), extent, names_of(self._inside.get(key, ()))

    def _take_room(self) -> None:
        if not self._room:
            raise OutOfRoom(TOO_MANY_HOLES)
        self._room -= 1


def outside_of(key: str) -> Iterator[str]:
    """The keys of the names above a name: "com." and "com.roku." for "com.roku.ads."."""
    dot = key.find(".")
    while 0 <= dot < len(key) - 1:
        yield key[: dot + 1]
        dot = key.find(".", dot + 1)


def name_of(key: str) -> str:
    """The name that a key without escapes stands for."""
    return ".".join(key[:-1].split(".")[::-1])


def names_of(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(map(name_of, keys))))
