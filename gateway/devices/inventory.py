"""Every device that was seen, by its MAC address.

Two threads use it: the event loop asks who a client is, the writer asks which device a row belongs to. Looking a known
client up takes no lock; everything that changes something does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from heapq import nsmallest
from typing import Any

from gateway.devices.fingerprint import Fingerprint
from gateway.devices.labels import checked_label
from gateway.devices.sources import Sources
from gateway.errors import Refused
from gateway.model.device import Device
from gateway.model.lease import Lease
from gateway.model.mac import Mac

_SAVE_EVERY = 60.0
_LOOK_EVERY = 1.0
_MAX_DEVICES = 4096
_MAX_ADDRESSES = 16
_MAKE_ROOM_FOR = 64
_MAKE_ROOM_EVERY = 60.0
_DAY = 86_400.0
_OURS = "this machine"


class Inventory:
    """`save` stores a device, `neighbours` reads IP -> MAC, `vendor_of` names the maker of a network card,
    `maker_of` the maker whose televisions alone ask for a name, `on_seen` hears of every device that is new or of
    which something new is known. `on_joined` hears the old id and the new one when a device that was known by its
    address proves to be the one with a MAC address; whoever keeps ids of devices has to follow. `wanted` gives the
    ids that somebody keeps: these devices are never forgotten. `is_ours` says whether an address is this machine's.
    `now` gives seconds since the epoch, `steady` seconds that no clock moves.

    `save`, `on_seen`, `on_joined` and `wanted` are called from either thread while the inventory is locked: they hand
    over and return at once. `on_joined` may be called by the constructor, for devices that joined before a restart.
    """

    def __init__(
        self,
        *,
        devices: Iterable[Device] = (),
        save: Callable[[Device], None] = lambda _: None,
        sources: Sources = Sources(),  # noqa: B008 - frozen
        on_seen: Callable[[Device], None] = lambda _: None,
        on_joined: Callable[[str, str], None] = lambda old, new: None,
        wanted: Callable[[], Collection[str]] = tuple,
        now: Callable[[], float] = lambda: datetime.now(UTC).timestamp(),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._neighbours, self._vendor_of = sources.neighbours, sources.vendor_of
        self._maker_of, self._is_ours = sources.maker_of, sources.is_ours
        self._save, self._on_seen, self._now, self._steady = save, on_seen, now, steady
        self._on_joined, self._wanted = on_joined, wanted
        self._lock = threading.RLock()
        self._devices: dict[str, Device] = {}
        self._ids: dict[str, str] = {}
        self._seen: dict[str, float] = {}
        self._saved: dict[str, float] = {}
        self._fingerprints: dict[str, Fingerprint] = {}
        self._looked = self._made_room = float("-inf")
        self._take_over(devices)

    def identify(self, client: str) -> str:
        """The id of the device behind a client's address; a device that is new is noted down, but this machine only
        when it has looked something up: parts of it ask all the time whether others are alive.
        """
        found = self._ids.get(client)
        if found is None and self._is_ours(_plain(client)):
            return f"ip:{_plain(client)}"
        return found if found is not None else self._meet(client)

    def device_of(self, client: str, when: float) -> Device:
        """The device behind a client's address, which asked at `when` (seconds since the epoch)."""
        device_id = self._ids.get(client) or self._meet(client)
        device = self._devices.get(device_id)
        if device is None:
            return self._stranger(client, when)
        seen = self._seen.get(device_id, 0.0)
        # Rows come a little late; what was seen on a day to come was seen by a clock that was wrong.
        if when > seen or seen - when > _DAY:
            self._seen[device_id] = when
            if abs(when - self._saved.get(device_id, 0.0)) >= _SAVE_EVERY:
                return self._keep_seen(device_id) or self._stranger(client, when)
        return device

    def get(self, device_id: str) -> Device | None:
        """The device with this id, with the time it was last seen."""
        with self._lock:
            device = self._devices.get(device_id)
            return self._dated(device) if device else None

    def all(self) -> tuple[Device, ...]:
        """Every device, the one that asked last first."""
        with self._lock:
            return tuple(sorted(map(self._dated, self._devices.values()), key=lambda d: d.last_seen, reverse=True))

    def update(
        self,
        device_id: str,
        *,
        name: str | None = None,
        kind: str | None = None,
        maker: str | None = None,
        simulated: bool | None = None,
        first_seen: datetime | None = None,
    ) -> Device:
        """What a person says about a device, or a demo; None leaves a field as it is, "" empties it.

        Raises Refused when nobody knows the device or the text cannot be shown.
        """
        texts = {"name": name, "kind": kind, "maker": maker}
        changes: dict[str, Any] = {f: checked_label(text, f) for f, text in texts.items() if text is not None}
        if simulated is not None:
            changes["simulated"] = simulated
        if first_seen is not None:
            changes["first_seen"] = first_seen
        with self._lock:
            if device_id not in self._devices:
                raise Refused("devices.device-not-known", "id")
            return self._change(device_id, **changes)

    def take_lease(self, lease: Lease) -> Device | None:
        """Our own DHCP server gave this address to this device: no need to wait until the neighbour table says so."""
        address, device_id = str(lease.address), "mac:" + lease.mac
        with self._lock:
            known = self._ids.get(address)
            if known is None or known not in self._devices:
                self._note(address, lease.mac)
            elif known != device_id:
                self._move(address, known, lease.mac)
            if device_id not in self._devices:
                return None
            return self._change(device_id, host=lease.host) if lease.host else self._devices[device_id]

    def meet_card(self, mac: Mac) -> str:
        """The id of the device with this network card, which the firewall has met: it may never have asked us
        anything, nor have an address that we know.
        """
        device_id = f"mac:{mac}"
        with self._lock:
            if device_id not in self._devices:
                self._begin(device_id, mac, ())
        return device_id

    def refresh(self) -> None:
        """Reads the neighbour table: addresses move to the device that has them now; a device that was known by its
        address only becomes, or joins, the one with that MAC address.
        """
        table = self._look()
        with self._lock:
            for client, device_id in list(self._ids.items()):
                mac = table.get(client)
                if mac is not None and device_id != "mac:" + mac and device_id in self._devices:
                    self._move(client, device_id, mac)

    def learn(self, client: str, name: str) -> None:
        """One more canonical name that this client asked for: enough of one maker's own names say what it is."""
        device_id = self.identify(client)
        device = self._devices.get(device_id)
        if device is None or device.maker:
            return
        maker = self._maker_of(name)
        if maker is None:
            return
        with self._lock:
            device = self._devices.get(device_id)
            if device is None or device.maker:
                return
            fingerprint = self._fingerprints.setdefault(device_id, Fingerprint())
            fingerprint.add(maker, name)
            decided = fingerprint.maker()
            if decided is not None:
                del self._fingerprints[device_id]
                self._change(device_id, maker=decided, kind=device.kind or "television")

    def _take_over(self, devices: Iterable[Device]) -> None:
        """Stored devices, newest last, so that an address belongs to the one that had it last."""
        joined: dict[str, str] = {}
        for device in sorted(devices, key=lambda d: (d.mac is not None, d.last_seen)):
            self._devices[device.id] = device
            seen = device.last_seen.timestamp()
            self._seen[device.id] = self._saved[device.id] = seen
            for address in device.addresses:
                before = self._ids.get(address)
                if before is not None and self._devices[before].mac is None:
                    del self._devices[before]
                    if device.mac is not None:
                        joined[before] = address
                self._ids[address] = device.id
        for before, address in joined.items():
            self._on_joined(before, self._ids[address])

    def _meet(self, client: str) -> str:
        address = _plain(client)
        with self._lock:
            known = self._ids.get(address)
            if known is not None:
                return known
            mac = self._look().get(address) if self._may_look() else None
            return self._note(address, mac)

    def _note(self, address: str, mac: Mac | None) -> str:
        device_id = f"mac:{mac}" if mac else f"ip:{address}"
        if device_id in self._devices:
            before = self._devices[device_id].addresses
            after = (address, *(a for a in before if a != address))[:_MAX_ADDRESSES]
            for dropped in set(before) - set(after):
                if self._ids.get(dropped) == device_id:
                    del self._ids[dropped]
            self._change(device_id, addresses=after)
        elif not self._begin(device_id, mac, (address,)):
            return device_id
        self._ids[address] = device_id
        return device_id

    def _begin(self, device_id: str, mac: Mac | None, addresses: tuple[str, ...]) -> bool:
        """Notes a new device down; False when there is no room for it."""
        if len(self._devices) >= _MAX_DEVICES and not self._make_room("".join(addresses), hurry=mac is not None):
            return False
        when = self._now()
        moment = datetime.fromtimestamp(when, UTC)
        vendor = self._vendor_of(mac) if mac else ""
        host = _OURS if mac is None and any(map(self._is_ours, addresses)) else ""
        self._devices[device_id] = Device(device_id, mac, addresses, moment, moment, host=host, vendor=vendor)
        self._seen[device_id] = when
        self._store(device_id)
        return True

    def _make_room(self, address: str, *, hurry: bool) -> bool:
        """Forgets the longest unseen devices that have no more than an address: anybody can invent those.

        Many at once and once a minute, or a flood of invented addresses would keep us busy; a real network card does
        not wait. The device at `address` stays: it may be about to join another.
        """
        now = self._steady()
        if not hurry and now - self._made_room < _MAKE_ROOM_EVERY:
            return False
        self._made_room = now
        kept = {*self._wanted(), self._ids.get(address)}
        plain = (d.id for d in self._devices.values() if d.mac is None and not d.name and d.id not in kept)
        surplus = max(0, len(self._devices) - _MAX_DEVICES)
        for device_id in nsmallest(surplus + _MAKE_ROOM_FOR, plain, key=self._seen.__getitem__):
            for old in self._devices.pop(device_id).addresses:
                if self._ids.get(old) == device_id:
                    del self._ids[old]
            for table in (self._seen, self._saved, self._fingerprints):
                table.pop(device_id, None)
        return len(self._devices) < _MAX_DEVICES

    def _move(self, address: str, old: str, mac: Mac) -> None:
        before, new = self._devices[old], self._note(address, mac)
        if new not in self._devices:
            return
        rest = tuple(a for a in before.addresses if a != address)
        if before.mac is None and not rest:
            self._join(before, new)
        else:
            self._change(old, addresses=rest)

    def _join(self, before: Device, new: str) -> None:
        """What was known under the bare address goes over to the device with the MAC address."""
        device = self._devices[new]
        del self._devices[before.id]
        for table in (self._saved, self._fingerprints):
            table.pop(before.id, None)
        self._seen[new] = max(self._seen.get(new, 0.0), self._seen.pop(before.id, 0.0))
        self._change(
            new,
            first_seen=min(device.first_seen, before.first_seen),
            name=device.name or before.name,
            host=device.host or ("" if before.host == _OURS else before.host),
            maker=device.maker or before.maker,
            kind=device.kind or before.kind,
            simulated=device.simulated or before.simulated,
        )
        self._on_joined(before.id, new)

    def _change(self, device_id: str, **changes: Any) -> Device:
        device = self._devices[device_id]
        changed = replace(device, **changes)
        if changed != device:
            self._devices[device_id] = changed
            self._store(device_id)
        return self._dated(self._devices[device_id])

    def _store(self, device_id: str) -> None:
        device = self._devices[device_id] = self._dated(self._devices[device_id])
        self._saved[device_id] = self._seen[device_id]
        self._save(device)
        self._on_seen(device)

    def _keep_seen(self, device_id: str) -> Device | None:
        with self._lock:
            device = self._devices.get(device_id)
            if device is None:
                return None
            device = self._devices[device_id] = self._dated(device)
            self._saved[device_id] = self._seen[device_id]
            self._save(device)
            return device

    def _dated(self, device: Device) -> Device:
        seen = datetime.fromtimestamp(self._seen[device.id], UTC)
        return device if seen == device.last_seen else replace(device, last_seen=seen)

    def _may_look(self) -> bool:
        """At most once a second, or a stranger who invents addresses would keep us busy."""
        return self._steady() - self._looked >= _LOOK_EVERY

    def _look(self) -> Mapping[str, Mac]:
        self._looked = self._steady()
        try:
            return self._neighbours()
        except OSError:
            return {}

    def _stranger(self, client: str, when: float) -> Device:
        """A device beyond the bound on how many are kept."""
        moment = datetime.fromtimestamp(when, UTC)
        address = _plain(client)
        return Device(f"ip:{address}", None, (address,), moment, moment)


def _plain(client: str) -> str:
    """Without the interface behind a link-local address, and IPv4 as IPv4."""
    address = client.partition("%")[0]
    return address[7:] if address.startswith("::ffff:") and "." in address else address
