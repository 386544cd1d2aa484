"""How many addresses one port, and one device at it, may ask for. Pure.

A device asks under its own name, so eight names from one frame address are a repeater or an attack.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gateway.model.mac import Mac

MOST_OF_STATION = 8
_MOST_STATIONS = 4096
_ETHERNET, _UDP, _BOOTP = 14, 8, 34


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """`station` sent the frame, `client` is whom the address is for; through a repeater these are two."""

    station: Mac
    client: Mac


@dataclass(frozen=True, slots=True)
class Excess:
    """`station` is None when it is the port as a whole that asks for more than `most`."""

    port: str
    most: int
    station: Mac | None = None


def parse_request(frame: bytes) -> LeaseRequest | None:
    """Who asks, from an Ethernet frame with a DHCP message; None for what is none."""
    if len(frame) < _ETHERNET + 20:
        return None
    message = _ETHERNET + (frame[_ETHERNET] & 15) * 4 + _UDP
    if len(frame) < message + _BOOTP or frame[message] != 1:
        return None
    station, client = Mac.unpack(frame[6:12]), Mac.unpack(frame[message + 28 : message + 34])
    return None if station is None or client is None else LeaseRequest(station, client)


class LeaseShares:
    """Remembers who asked where for as long as a lease lasts; `now` is monotonic. Bounded, whoever asks."""

    def __init__(self, most_at_port: int, seconds: float) -> None:
        self.most_at_port = most_at_port
        self._seconds = seconds
        self._at_port: dict[str, dict[Mac, float]] = {}
        self._of_station: OrderedDict[Mac, dict[Mac, float]] = OrderedDict()

    def saw(self, port: str, request: LeaseRequest, now: float) -> Excess | None:
        """What is too much, if it is; said each time it is seen."""
        of_station = self._of_station.setdefault(request.station, {})
        self._of_station.move_to_end(request.station)
        while len(self._of_station) > _MOST_STATIONS:
            self._of_station.popitem(last=False)
        if not self._has_room(of_station, request.client, MOST_OF_STATION, now):
            return Excess(port, MOST_OF_STATION, request.station)
        if not self._has_room(self._at_port.setdefault(port, {}), request.client, self.most_at_port, now):
            return Excess(port, self.most_at_port)
        return None

    def _has_room(self, known: dict[Mac, float], client: Mac, most: int, now: float) -> bool:
        if client not in known and len(known) >= most:
            for old in [each for each, seen in known.items() if now - seen > self._seconds]:
                del known[old]
            if len(known) >= most:
                return False
        known[client] = now
        return True
