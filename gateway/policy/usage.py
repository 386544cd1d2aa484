"""Which services are used on which device: known from the journal, and from a service's first lookup on."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from typing import Final, TypeAlias

NOTHING: Final[frozenset[str]] = frozenset()
KEPT: Final = 28 * 86_400.0
_MOST_DEVICES = 512
_MOMENT = 300.0


Sign: TypeAlias = tuple[str, bool]
"""A service, and whether it is in use for that; else it is only for the moment."""


def _no_sign(name: str) -> Sign | None:
    return None


class Usage:
    """For one event loop. `sign_of` says which service's own name a canonical name is.

    What was not asked for in `kept` seconds is not in use any more. What a television also asks for with nobody in
    front of it opens what the app needs for five minutes: perhaps the app is being opened, and this is its first
    question. At most 512 devices are remembered: of more, those that began to use something first are forgotten.
    """

    def __init__(
        self,
        sign_of: Callable[[str], Sign | None] = _no_sign,
        clock: Callable[[], float] = time.monotonic,
        kept: float = KEPT,
    ) -> None:
        self._sign_of = sign_of
        self._clock = clock
        self._kept = kept
        self._last: dict[str, dict[str, float]] = {}
        self._used: dict[str, frozenset[str]] = {}
        self._states: dict[str, Hashable] = {}
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, changed: Callable[[str], None]) -> None:
        """`changed` is called with a device whose `state` is another one now."""
        self._listeners.append(changed)

    def of(self, device: str | None) -> frozenset[str]:
        """The services in use on this device, as far as this process knows."""
        return self._used.get(device, NOTHING) if device is not None else NOTHING

    def state(self, device: str | None) -> Hashable:
        """What devices share answers by: the same services are in use, and the same of them for the moment only. A name
        that makes a moment last is answered to no device of which that is not noted.
        """
        return self._states.get(device, NOTHING) if device is not None else NOTHING

    def note(self, device: str | None, name: str) -> bool:
        """A device asks for a name; true when it uses one service more from now on, or for longer than a moment."""
        sign = self._sign_of(name)
        if sign is None or device is None:
            return False
        service, lasts = sign
        is_new = service not in self._used.get(device, NOTHING)
        if not is_new and (not lasts or self._ends(device, service) > _MOMENT):
            return False
        self.take(device, [(service, lasts)])
        return True

    def _ends(self, device: str, service: str) -> float:
        """In how many seconds it is not in use any more, if nothing is asked for."""
        return self._last[device][service] + self._kept - self._clock()

    def refresh(self, device: str | None) -> bool:
        """Asks whoever may know more; true when there was more to know."""
        return False

    def add(self, device: str, services: Iterable[tuple[str, float]]) -> None:
        """Services in use on this device, and how many seconds ago each was."""
        now = self._clock()
        known = self._last.get(device)
        if known is None:
            if len(self._last) >= _MOST_DEVICES:
                self._forget(next(iter(self._last)))
            known = self._last[device] = {}
        for service, ago in services:
            known[service] = max(known.get(service, now - ago), now - ago)
        self._settle(device)

    def services(self, device: str) -> list[Sign]:
        """The services in use on this device, for the moment or for longer, by name."""
        used = sorted(self._used.get(device, NOTHING))
        return [(service, self._ends(device, service) > _MOMENT) for service in used]

    def take(self, device: str, signs: Iterable[Sign]) -> None:
        """These services are in use on this device from now on."""
        self.add(device, [(service, 0.0 if lasts else self._kept - _MOMENT) for service, lasts in signs])

    def join(self, old: str, new: str) -> None:
        """A device goes by another id from now on."""
        if (known := self._last.get(old)) is not None and old != new:
            now = self._clock()
            # First out, then in: where there is no more room, the old one would have to go to make some.
            self._forget(old)
            self.add(new, [(service, now - last) for service, last in known.items()])

    def sweep(self) -> None:
        """Ends what has not been used for so long."""
        ended = self._clock() - self._kept
        for device, known in list(self._last.items()):
            for service in [service for service, last in known.items() if last < ended]:
                del known[service]
            if known:
                self._settle(device)
            else:
                self._forget(device)

    def lasting(self, device: str) -> list[str]:
        """As `services`, but for those that are in use for the moment only."""
        return [service for service, lasts in self.services(device) if lasts]

    def table(self) -> dict[str, list[str]]:
        """Every device with its lasting services."""
        return {device: lasting for device in self._used if (lasting := self.lasting(device))}

    def _settle(self, device: str) -> None:
        self._used[device] = used = frozenset(self._last[device])
        passing = frozenset(service for service, lasts in self.services(device) if not lasts)
        state = (used, passing) if passing else used
        if state != self.state(device):
            self._states[device] = state
            self._report(device)

    def _forget(self, device: str) -> None:
        del self._last[device], self._used[device]
        if self._states.pop(device, NOTHING):
            self._report(device)

    def _report(self, device: str) -> None:
        for changed in self._listeners:
            changed(device)
