"""Which MAC address stands behind an IP address: the kernel's neighbour table, by rtnetlink (RFC 3549, rtnetlink(7)).

No process is started and no privilege is needed: reading the table is open to everybody.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address

from gateway.linux import netlink

_RTM_NEWNEIGH, _RTM_GETNEIGH = 28, 30
_NDA_DST, _NDA_LLADDR = 1, 2
_NUD_INCOMPLETE, _NUD_FAILED, _NUD_NOARP = 0x01, 0x20, 0x40
_USELESS = _NUD_INCOMPLETE | _NUD_FAILED | _NUD_NOARP
_NDMSG = struct.Struct("=BBHiHBB")
_ADDRESS_BYTES = {socket.AF_INET: 4, socket.AF_INET6: 16}
_BUFFER = 1 << 16
_MAX_DATAGRAMS = 1024
_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A part of the kernel's answer: IP -> MAC, both textual; `done` when nothing follows; `error` is an errno or 0."""

    macs: dict[str, str]
    done: bool
    error: int = 0


def read_neighbours() -> dict[str, str]:
    """IP -> MAC ("aa:bb:cc:dd:ee:ff") of every neighbour that answered, IPv4 and IPv6. Raises OSError."""
    macs: dict[str, str] = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, netlink.ROUTE) as channel:
        channel.settimeout(_TIMEOUT)
        channel.bind((0, 0))
        channel.sendto(_request(), (0, 0))
        for _ in range(_MAX_DATAGRAMS):
            data, (sender, _groups) = channel.recvfrom(_BUFFER)
            if sender != 0:
                continue
            part = parse_neighbours(data)
            if part.error:
                raise OSError(part.error, os.strerror(part.error))
            macs.update(part.macs)
            if part.done:
                break
    return macs


def parse_neighbours(data: bytes) -> Neighbours:
    """Reads one datagram of an RTM_GETNEIGH dump. Never raises: what is cut short or strange is left out."""
    macs: dict[str, str] = {}
    for kind, body in netlink.messages(data):
        if kind == netlink.DONE:
            return Neighbours(macs, done=True)
        if kind == netlink.ERROR:
            return Neighbours(macs, done=True, error=netlink.error_of(body))
        if kind == _RTM_NEWNEIGH:
            macs.update(_neighbour(body))
    return Neighbours(macs, done=False)


def _request() -> bytes:
    return netlink.request(_RTM_GETNEIGH, netlink.DUMP, 1, _NDMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0))


def _neighbour(body: bytes) -> dict[str, str]:
    if len(body) < _NDMSG.size:
        return {}
    family, _pad, _pad2, _interface, state, _flags, _type = _NDMSG.unpack_from(body)
    size = _ADDRESS_BYTES.get(family)
    if size is None or state & _USELESS:
        return {}
    address = mac = None
    for kind, value in netlink.attributes(body[_NDMSG.size :]):
        if kind == _NDA_DST and len(value) == size:
            address = str(ip_address(value))
        elif kind == _NDA_LLADDR and len(value) == 6 and any(value) and not value[0] & 1:
            mac = value.hex(":")
    return {address: mac} if address and mac else {}
