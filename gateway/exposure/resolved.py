"""Which names explain an address: what our answers gave each device."""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

_DEVICES = 512
_ADDRESSES = 4_096
_NAMES = 8
_CHANGES = 64
_REMEMBERED = 60.0


@dataclass(slots=True)
class _Known:
    """Of one address: when each name was given out last, the newest last; and which name was latest from when on."""

    names: dict[str, float] = field(default_factory=dict)
    changes: list[tuple[float, str]] = field(default_factory=list)

    def note_change(self, name: str, when: float) -> None:
        """Names that share an address replace each other; the same one again changes nothing. Connections are counted
        within seconds, so changes of more than a minute ago explain nothing new.
        """
        if not self.changes or when < self.changes[-1][0]:
            insort(self.changes, (when, name))
        elif self.changes[-1][1] != name:
            self.changes.append((when, name))
        while len(self.changes) > _CHANGES or (len(self.changes) > 1 and self.changes[1][0] < when - _REMEMBERED):
            del self.changes[0]


class ResolvedNames:
    """For each device the addresses that answers gave it, with the names it had asked for and when.

    Bounded: the addresses that were given out longest ago go first, and of one address the names. Times are seconds
    since the epoch. Safe to use from several threads.
    """

    def __init__(self, *, devices: int = _DEVICES, addresses: int = _ADDRESSES, names: int = _NAMES) -> None:
        self._most_devices, self._most_addresses, self._most_names = devices, addresses, names
        self._devices: OrderedDict[str, OrderedDict[bytes, _Known]] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, device: str, name: str, addresses: Iterable[bytes], when: float) -> None:
        """An answer about `name` gave the device these packed addresses."""
        with self._lock:
            known = self._devices.get(device)
            if known is None:
                known = self._devices[device] = OrderedDict()
                if len(self._devices) > self._most_devices:
                    self._devices.popitem(last=False)
            else:
                self._devices.move_to_end(device)
            for address in addresses:
                place = known.get(address)
                if place is None:
                    place = known[address] = _Known()
                known.move_to_end(address)
                place.note_change(name, when)
                names = place.names
                # Newest last: of several names the one that was asked for last explains a connection best.
                names.pop(name, None)
                names[name] = when
                if len(names) > self._most_names:
                    del names[next(iter(names))]
            while len(known) > self._most_addresses:
                known.popitem(last=False)

    def explain(self, device: str, address: bytes, when: float) -> str | None:
        """The name that explains a connection of the device which began at `when`: the one that was given out last
        before it, else the first one after it, for rows come late; None when no answer explains it.
        """
        with self._lock:
            place = self._of(device).get(address)
            if place is None:
                return None
            before = bisect_right(place.changes, when, key=lambda change: change[0])
            return place.changes[max(0, before - 1)][1]

    def names_of(self, device: str, address: bytes) -> tuple[str, ...]:
        """Every name that explains the address, the newest last."""
        with self._lock:
            place = self._of(device).get(address)
            return tuple(place.names) if place is not None else ()

    def addresses(self, device: str) -> tuple[bytes, ...]:
        """Every address that the device was given, the latest last."""
        with self._lock:
            return tuple(self._of(device))

    def devices(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._devices)

    def move(self, old: str, new: str) -> None:
        """A device that was known by its address has become the one with a network card."""
        with self._lock:
            gone = self._devices.pop(old, None)
            if gone:
                # Of an address that both were given, the device itself knows best.
                gone.update(self._devices.get(new, {}))
                self._devices[new] = gone

    def only(self, device: str, since: float, is_blocked: Callable[[str], bool]) -> frozenset[bytes]:
        """The addresses given since then of which every name is blocked: who blocks these takes nothing else away."""
        with self._lock:
            recent = [
                (address, tuple(place.names))
                for address, place in self._of(device).items()
                if max(place.names.values()) >= since
            ]
        judged: dict[str, bool] = {}
        found = set()
        for address, names in recent:
            for name in names:
                if name not in judged:
                    judged[name] = is_blocked(name)
            if all(judged[name] for name in names):
                found.add(address)
        return frozenset(found)

    def _of(self, device: str) -> Mapping[bytes, _Known]:
        return self._devices.get(device) or {}
