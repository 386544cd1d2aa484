"""Which MAC address stands behind an IP address: the kernel's neighbour table (RTM_GETNEIGH, rtnetlink(7))."""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address

from gateway.linux import netlink, rtnetlink
from gateway.model.mac import Mac

_RTM_GETNEIGH = 30
_NDA_DST, _NDA_LLADDR = 1, 2
_NUD_INCOMPLETE, _NUD_FAILED, _NUD_NOARP = 0x01, 0x20, 0x40
_USELESS = _NUD_INCOMPLETE | _NUD_FAILED | _NUD_NOARP
_NDMSG = struct.Struct("=BBHiHBB")
_ADDRESS_BYTES = {socket.AF_INET: 4, socket.AF_INET6: 16}


def read_neighbours() -> dict[str, Mac]:
    """IP -> MAC of every neighbour that answered, IPv4 and IPv6. Raises OSError."""
    rows = rtnetlink.dump(_RTM_GETNEIGH, _NDMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0))
    return dict(pair for row in rows if (pair := parse_neighbour(row)) is not None)


def parse_neighbour(row: bytes) -> tuple[str, Mac] | None:
    """IP and MAC in one row. Never raises: None for whoever never answered, and for what is cut short or strange."""
    if len(row) < _NDMSG.size:
        return None
    family, _pad, _pad2, _interface, state, _flags, _type = _NDMSG.unpack_from(row)
    size = _ADDRESS_BYTES.get(family)
    if size is None or state & _USELESS:
        return None
    address: str | None = None
    mac: Mac | None = None
    for kind, value in netlink.attributes(row[_NDMSG.size :]):
        if kind == _NDA_DST and len(value) == size:
            address = str(ip_address(value))
        elif kind == _NDA_LLADDR:
            mac = Mac.unpack(value) or mac
    return (address, mac) if address and mac else None
