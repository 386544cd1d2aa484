"""The one table of networks that are no part of the public internet, and what each is for.

After the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), with multicast (RFC 5771, 4291) and the
deprecated site-local addresses (RFC 3879). The few anycast services inside of "protocol assignments" that are globally
reachable have no rows: nothing of ours speaks to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias, TypeVar

from gateway.model.address import Address

IPNetwork: TypeAlias = IPv4Network | IPv6Network
_Family = TypeVar("_Family", IPv4Network, IPv6Network)


class Purpose(Enum):
    """What the addresses of a block are for."""

    UNSPECIFIED = "this host on this network"
    LOOPBACK = "this machine"
    PRIVATE = "a private network"
    LINK_LOCAL = "one link"
    SHARED = "a provider's own network"
    MULTICAST = "groups"
    BROADCAST = "everybody on the link"
    DOCUMENTATION = "examples"
    TRANSLATED = "an IPv4 address inside"
    RESERVED = "nobody, or protocols themselves"


@dataclass(frozen=True, slots=True)
class Block:
    """One row; `source` is the RFC that sets it aside."""

    network: IPNetwork
    purpose: Purpose
    source: str


def _block(network: str, purpose: Purpose, source: str) -> Block:
    return Block(ip_network(network), purpose, source)


BLOCKS = (
    _block("0.0.0.0/8", Purpose.UNSPECIFIED, "RFC 791"),
    _block("10.0.0.0/8", Purpose.PRIVATE, "RFC 1918"),
    _block("100.64.0.0/10", Purpose.SHARED, "RFC 6598"),
    _block("127.0.0.0/8", Purpose.LOOPBACK, "RFC 1122"),
    _block("169.254.0.0/16", Purpose.LINK_LOCAL, "RFC 3927"),
    _block("172.16.0.0/12", Purpose.PRIVATE, "RFC 1918"),
    _block("192.0.0.0/24", Purpose.RESERVED, "RFC 6890"),
    _block("192.0.2.0/24", Purpose.DOCUMENTATION, "RFC 5737"),
    _block("192.88.99.0/24", Purpose.RESERVED, "RFC 7526"),
    _block("192.168.0.0/16", Purpose.PRIVATE, "RFC 1918"),
    _block("198.18.0.0/15", Purpose.RESERVED, "RFC 2544"),
    _block("198.51.100.0/24", Purpose.DOCUMENTATION, "RFC 5737"),
    _block("203.0.113.0/24", Purpose.DOCUMENTATION, "RFC 5737"),
    _block("224.0.0.0/4", Purpose.MULTICAST, "RFC 5771"),
    _block("255.255.255.255/32", Purpose.BROADCAST, "RFC 8190"),
    _block("240.0.0.0/4", Purpose.RESERVED, "RFC 1112"),
    _block("::/128", Purpose.UNSPECIFIED, "RFC 4291"),
    _block("::1/128", Purpose.LOOPBACK, "RFC 4291"),
    _block("::ffff:0:0/96", Purpose.TRANSLATED, "RFC 4291"),
    _block("64:ff9b::/96", Purpose.TRANSLATED, "RFC 6052"),
    _block("64:ff9b:1::/48", Purpose.RESERVED, "RFC 8215"),
    _block("100::/64", Purpose.RESERVED, "RFC 6666"),
    _block("100:0:0:1::/64", Purpose.RESERVED, "RFC 9780"),
    _block("2001::/23", Purpose.RESERVED, "RFC 2928, with Teredo (RFC 4380)"),
    _block("2001:db8::/32", Purpose.DOCUMENTATION, "RFC 3849"),
    _block("2002::/16", Purpose.RESERVED, "RFC 3056"),
    _block("3fff::/20", Purpose.DOCUMENTATION, "RFC 9637"),
    _block("5f00::/16", Purpose.RESERVED, "RFC 9602"),
    _block("fc00::/7", Purpose.PRIVATE, "RFC 4193"),
    _block("fe80::/10", Purpose.LINK_LOCAL, "RFC 4291"),
    _block("fec0::/10", Purpose.PRIVATE, "RFC 3879, deprecated"),
    _block("ff00::/8", Purpose.MULTICAST, "RFC 4291"),
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TRANSLATIONS = tuple(block.network for block in BLOCKS if block.purpose is Purpose.TRANSLATED)


def networks(*purposes: Purpose) -> tuple[IPNetwork, ...]:
    """The blocks for these purposes, in the table's order."""
    return tuple(block.network for block in BLOCKS if block.purpose in purposes)


def _first(purpose: Purpose, family: type[_Family]) -> _Family:
    return next(network for network in networks(purpose) if isinstance(network, family))


LINK_LOCAL_6 = _first(Purpose.LINK_LOCAL, IPv6Network)
MULTICAST_4 = _first(Purpose.MULTICAST, IPv4Network)
MULTICAST_6 = _first(Purpose.MULTICAST, IPv6Network)
HOME = networks(Purpose.LOOPBACK, Purpose.PRIVATE, Purpose.LINK_LOCAL)
"""Whoever can have such an address is in the home: no packet of the internet carries it as its sender's."""


def purpose_of(address: Address) -> Purpose | None:
    """What this address is for; None for one of the public internet. An IPv4 address inside an IPv6 one (mapped, NAT64)
    is judged itself.
    """
    address = translated(address)
    for block in BLOCKS:
        if address in block.network:
            return block.purpose
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return Purpose.RESERVED
    return None


def is_public(address: Address) -> bool:
    """True for a unicast address of the public internet."""
    return purpose_of(address) is None


def is_home(address: Address) -> bool:
    """True for an address that only a machine in the home can have, or this machine itself."""
    address = translated(address)
    return any(address in network for network in HOME)


def translated(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only dresses it up; any other as it is."""
    if isinstance(address, IPv6Address) and any(address in network for network in _TRANSLATIONS):
        return ip_address(address.packed[12:])
    return address
