"""What dnsmasq says of leases: its hook's messages and its file. Pure, bounded; hosts choose their names freely."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.model.address import Address
from gateway.model.lease import Lease
from gateway.model.mac import Mac

MAX_EVENT = 8192
_OTHER_HARDWARE = re.compile(r"[0-9a-fA-F]{2}-(?=[^-]+:)", re.ASCII)
_NO_LABEL = re.compile(r"[^a-z0-9-]+", re.ASCII)
_UNSHOWABLE = re.compile(r"[^\x20-\x7e]", re.ASCII)
_ACTIONS = ("add", "old", "del")
_MOST_OPTIONS = 64
_LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class LeaseEvent:
    """`ended` when the device gave it back or let it run out."""

    lease: Lease
    ended: bool


def parse_event(message: bytes) -> LeaseEvent | None:
    """One message of `lease_hook`; None for what is none, or has no MAC address to go by."""
    parts = message[:MAX_EVENT].decode("utf-8", "replace").split("\0")
    if len(parts) < 4 or parts[0] not in _ACTIONS:
        return None
    facts = dict(part.partition("=")[::2] for part in parts[4:])
    address = _address(parts[2])
    # For DHCPv6 the second argument is a DUID; the MAC address comes beside it where it is known.
    mac = _mac(facts.get("DNSMASQ_MAC", "")) or _mac("" if "DNSMASQ_IAID" in facts else parts[1])
    if address is None or mac is None:
        return None
    host = label_of(facts.get("DNSMASQ_SUPPLIED_HOSTNAME", "")) or label_of(parts[3])
    return LeaseEvent(
        Lease(
            mac,
            address,
            host,
            _UNSHOWABLE.sub("", facts.get("DNSMASQ_VENDOR_CLASS", ""))[:128].strip(),
            _options(facts.get("DNSMASQ_REQUESTED_OPTIONS", "")),
            _moment(facts.get("DNSMASQ_LEASE_EXPIRES", "")),
        ),
        parts[0] == "del",
    )


def parse_file(text: str) -> list[Lease]:
    """The IPv4 leases in dnsmasq's own file; lines that are none are passed over."""
    found = []
    for line in text.splitlines()[:65_536]:
        words = line.split(" ")
        if len(words) < 4:
            continue
        address, mac = _address(words[2]), _mac(words[1])
        if isinstance(address, IPv4Address) and mac is not None:
            found.append(Lease(mac, address, label_of(words[3]), ends=_moment(words[0])))
    return found


def label_of(host: str) -> str:
    """A DNS label (RFC 1123 section 2.1) out of what a device calls itself: "Wohnzimmer TV" is "wohnzimmer-tv"."""
    first = host[:255].lower().split(".")[0].replace("'", "")
    return _NO_LABEL.sub("-", first)[:63].strip("-")


def _mac(text: str) -> Mac | None:
    """dnsmasq puts the type of the hardware in front unless it is Ethernet: "06-02:00:00:aa:bb:cc"."""
    return Mac.read(_OTHER_HARDWARE.sub("", text, count=1))


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text[:64])
    except ValueError:
        return None
    return None if isinstance(address, IPv6Address) and address.scope_id else address


def _options(text: str) -> tuple[int, ...]:
    numbers = [
        int(each) for each in text.split(",")[:_MOST_OPTIONS] if each.isascii() and each.isdigit() and len(each) < 4
    ]
    return tuple(number for number in numbers if number < 256)


def _moment(text: str) -> datetime | None:
    """0 is a lease without an end."""
    if not (text.isascii() and text.isdigit() and len(text) < 12) or not 0 < int(text) < _LATEST:
        return None
    return datetime.fromtimestamp(int(text), UTC)
