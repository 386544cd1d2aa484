"""Who stands on the television network, as its DHCP server and its access point tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.model.address import Address
from gateway.model.mac import Mac


@dataclass(frozen=True, slots=True)
class Lease:
    """An address that a device holds until `ends` (aware UTC; None is for ever).

    `host` is a single DNS label in lower case, made of what the device calls itself (option 12), or "". `vendor_class`
    is option 60 and `requested` the codes of option 55 in the device's order: together they tell devices apart.
    """

    mac: Mac
    address: Address
    host: str = ""
    vendor_class: str = ""
    requested: tuple[int, ...] = ()
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Station:
    """A device on our Wi-Fi, as the radio knows it. `signal` is in dBm, 0 when unknown; `seconds` since it joined;
    `received` and `sent` are bytes from and to the device.
    """

    mac: Mac
    signal: int = 0
    seconds: int = 0
    received: int = 0
    sent: int = 0
