"""The names' part: what the devices of the home are called in DNS, by what people call them and by what DHCP knows."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Final

from gateway.application.core import Core
from gateway.application.registry import Registry
from gateway.model.address import Address
from gateway.model.device import Device
from gateway.model.device_names import DeviceNames
from gateway.model.name import Name

HOME_DOMAIN: Final = "lan"
"""Where the names of devices stand in a network that somebody else made."""
NOT_NAMES: Final = frozenset({"wpad", "isatap", "localhost"})
"""Names that machines ask for and believe: no device may take them (RFC 6761; isatap and wpad are old traps)."""
_SETTLES = 0.5
_MAX_LABEL = 63
_NO_LABEL = re.compile(r"[^a-z0-9]+", re.ASCII)


def register(core: Core, registry: Registry) -> None:
    """Brings the names of devices, and keeps them as devices come, go and are renamed."""
    naming = _Naming(core)
    core.events.leases_named.listen(naming.take_leases)
    core.events.device_seen.listen(naming.take_device)
    registry.add_start(naming.begin)


class _Naming:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._domain, self._complete = HOME_DOMAIN, False
        self._leases: Mapping[str, tuple[Address, ...]] = {}
        self._known: dict[str, tuple[str, str, tuple[str, ...]]] = {}
        self._named = DeviceNames()
        self._due: asyncio.TimerHandle | None = None

    async def begin(self) -> None:
        self._name()

    def take_leases(self, domain: str, names: Mapping[str, tuple[Address, ...]]) -> None:
        """The network is ours, and so is its domain."""
        self._domain, self._complete, self._leases = domain, True, names
        self._name()

    def take_device(self, device: Device) -> None:
        known = (device.name, device.host, device.addresses)
        if self._known.get(device.id) == known:
            return
        self._known[device.id] = known
        if self._due is None:
            # Many may be seen for the first time at once.
            self._due = asyncio.get_running_loop().call_later(_SETTLES, self._name)

    def _name(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        devices = self._core.inventory.all()
        self._known = {device.id: (device.name, device.host, device.addresses) for device in devices}
        named = device_names(self._domain, self._leases, devices, complete=self._complete)
        if named != self._named:
            self._named = named
            self._core.events.devices_named(named)


def device_names(
    domain: str, leases: Mapping[str, tuple[Address, ...]], devices: Iterable[Device], *, complete: bool = False
) -> DeviceNames:
    """The names of leases, and of devices that a person or the device itself gave a name. Of two devices with one name
    the later gets the end of its id behind it. A name leads to what the device used last; each of its addresses leads
    back to the name that a person gave, else to the lease's.
    """
    names = dict(leases)
    owners = {address: name for name, held in leases.items() for address in held}
    for device in sorted(devices, key=lambda device: (device.first_seen, device.id)):
        label = host_label(device.name) or host_label(device.host)
        addresses = [ip_address(each) for each in device.addresses]
        if not label or not addresses:
            continue
        name = f"{label}.{domain}"
        if name in names and not set(names[name]) & set(addresses):
            name = f"{label[:58].rstrip('-')}-{_NO_LABEL.sub('', device.id)[-4:]}.{domain}"
            if name in names:
                continue
        names[name] = tuple(dict.fromkeys((*names.get(name, ()), *_newest(addresses))))
        for address in addresses:
            if device.name or address not in owners:
                owners[address] = name
    return DeviceNames(domain, names, owners, complete)


def host_label(text: str) -> str:
    """A label for what a person calls a device: "Küche, TV" becomes "kuche-tv". "" when nothing is left, and for a name
    that no device may have.
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    label = _NO_LABEL.sub("-", "".join(char for char in plain if not unicodedata.combining(char))).strip("-")
    if not label:
        try:
            label = Name.parse("-".join(text.casefold().split())).text
        except ValueError:
            return ""
    label = label[:_MAX_LABEL].strip("-")
    return "" if label in NOT_NAMES or "." in label or "\\" in label else label


def _newest(addresses: Iterable[Address]) -> list[Address]:
    """The first of each version, as the inventory has the newest first; one that is only good on its link is none."""
    found: dict[int, Address] = {}
    for address in addresses:
        if not address.is_link_local:
            found.setdefault(address.version, address)
    return list(found.values())
