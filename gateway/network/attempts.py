"""Who tried to walk round the resolver: from the firewall's memory to attempts. Pure but for its last readings.

The kernel counts in sets whose elements are device, address, protocol and port. An element's count only grows until it
is forgotten, an hour after its last packet; so what is new is the difference from the last reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from gateway.model.flow import Attempt, Detour, Outcome
from gateway.model.mac import Mac
from gateway.network.firewall import DOT_PORT, MEMORY_SECONDS

MEMORIES = ("turned4", "turned6", "refused4", "refused6")
_NUMBERS = {"6": "tcp", "17": "udp"}
_SERVICES = {"domain": 53, "domain-s": 853, "https": 443, "mdns": 5353, "ntp": 123}


@dataclass(frozen=True, slots=True)
class Key:
    """One element of the firewall's memory; `turned` when its packets were sent elsewhere instead of refused."""

    turned: bool
    mac: Mac
    server: str
    protocol: str
    port: int


@dataclass(frozen=True, slots=True)
class Reading:
    """How many packets an element has seen, and for how many seconds it will still be kept."""

    packets: int
    expires: float


def parse_memory(parts: Iterable[Mapping[str, Any]]) -> dict[Key, Reading]:
    """Elements of listed sets. What is not one of ours, or cannot be read, is left out: the kernel's keys are a
    television's bytes."""
    found: dict[Key, Reading] = {}
    for part in parts:
        body = part.get("set")
        if not isinstance(body, Mapping) or body.get("name") not in MEMORIES:
            continue
        elements = body.get("elem")
        for wrapped in elements if isinstance(elements, list) else ():
            element = wrapped.get("elem") if isinstance(wrapped, Mapping) else None
            if isinstance(element, Mapping) and (read := _parse_element(element, str(body["name"]))):
                found[read[0]] = read[1]
    return found


def _parse_element(element: Mapping[str, Any], memory: str) -> tuple[Key, Reading] | None:
    try:
        mac, server, protocol, port = element["val"]["concat"]
        named = _NUMBERS.get(str(protocol), str(protocol))
        number = _SERVICES[port] if port in _SERVICES else int(port)
        counted, kept = int(element["counter"]["packets"]), float(element.get("expires", MEMORY_SECONDS))
        key = Key(memory.startswith("turned"), Mac(mac), str(ip_address(server)), named, number)
    except (KeyError, TypeError, ValueError):
        return None
    return (key, Reading(counted, kept)) if counted > 0 and 0 < number < 65536 else None


@dataclass(slots=True)
class AttemptMeter:
    """Remembers the last readings. `since` is when it last looked."""

    since: datetime
    _seen: dict[Key, int] = field(default_factory=dict)

    def forget(self) -> None:
        """The sets were emptied: counts begin at nought."""
        self._seen.clear()

    def measure(self, memory: Mapping[Key, Reading], now: datetime, outcomes: Mapping[bool, Outcome]) -> list[Attempt]:
        """What is new since the last look. `outcomes` says what is done with turned (True) and others (False)."""
        attempts = []
        for key, reading in memory.items():
            before = self._seen.get(key, 0)
            new = reading.packets - before if reading.packets >= before else reading.packets
            if new <= 0:
                continue
            age = timedelta(seconds=max(0.0, MEMORY_SECONDS - reading.expires))
            last = min(now, max(self.since, now - age))
            detour = detour_of(key)
            outcome = outcomes[key.turned]
            if detour is Detour.TIME:
                outcome = Outcome.ANSWERED
            first = last if new == 1 else min(self.since, last)
            attempts.append(Attempt(key.mac, detour, key.server, key.protocol, key.port, outcome, new, first, last))
        self._seen = {key: reading.packets for key, reading in memory.items()}
        self.since = now
        return attempts


def detour_of(key: Key) -> Detour:
    """What a port says about the way round. A known resolver on an unusual port speaks plain DNS as far as we know."""
    if key.turned:
        return Detour.TIME if key.port == 123 else Detour.DNS
    if key.port == DOT_PORT:
        return Detour.DOQ if key.protocol == "udp" else Detour.DOT
    return Detour.DOH_ADDRESS if key.port == 443 else Detour.DNS
