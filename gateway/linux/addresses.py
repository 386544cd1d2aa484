"""The addresses of this machine's interfaces, as the kernel lists them (RTM_GETADDR, rtnetlink(7))."""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address

from gateway.linux import netlink, rtnetlink

_RTM_GETADDR = 22
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFADDRMSG = struct.Struct("=BBBBI")
_ADDRESS_BYTES: dict[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 16}


def read_addresses() -> frozenset[str]:
    """Every IPv4 and IPv6 address of every interface, textual, of this network namespace. Raises OSError."""
    rows = rtnetlink.dump(_RTM_GETADDR, _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
    return frozenset(address for row in rows if (address := parse_address(row)) is not None)


def parse_address(row: bytes) -> str | None:
    """The address in one row; None when there is none of a kind that we know.

    IFA_ADDRESS is the other end's where an interface leads to exactly one neighbour; ours is IFA_LOCAL then.
    """
    if len(row) < _IFADDRMSG.size:
        return None
    size = _ADDRESS_BYTES.get(row[0])
    found = {kind: value for kind, value in netlink.attributes(row[_IFADDRMSG.size :]) if len(value) == size}
    value = found.get(_IFA_LOCAL, found.get(_IFA_ADDRESS))
    return None if value is None else str(ip_address(value))
