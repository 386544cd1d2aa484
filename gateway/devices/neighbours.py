"""Which MAC address stands behind an IP address: the kernel's neighbour table, by rtnetlink (RFC 3549, rtnetlink(7)).

No process is started and no privilege is needed: reading the table is open to everybody.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

_NETLINK_ROUTE = 0
_NLM_F_REQUEST, _NLM_F_DUMP = 0x01, 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_RTM_NEWNEIGH, _RTM_GETNEIGH = 28, 30
_NDA_DST, _NDA_LLADDR = 1, 2
_NUD_INCOMPLETE, _NUD_FAILED, _NUD_NOARP = 0x01, 0x20, 0x40
_USELESS = _NUD_INCOMPLETE | _NUD_FAILED | _NUD_NOARP
_HEADER = struct.Struct("=IHHII")
_NDMSG = struct.Struct("=BBHiHBB")
_ATTRIBUTE = struct.Struct("=HH")
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
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_ROUTE) as netlink:
        netlink.settimeout(_TIMEOUT)
        netlink.bind((0, 0))
        netlink.sendto(_request(), (0, 0))
        for _ in range(_MAX_DATAGRAMS):
            data, (sender, _groups) = netlink.recvfrom(_BUFFER)
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
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, at)
        end = at + length
        if length < _HEADER.size or end > len(data):
            break
        body = at + _HEADER.size
        if kind == _NLMSG_DONE:
            return Neighbours(macs, done=True)
        if kind == _NLMSG_ERROR:
            code = struct.unpack_from("=i", data, body)[0] if body + 4 <= end else -1
            return Neighbours(macs, done=True, error=abs(code))
        if kind == _RTM_NEWNEIGH:
            macs.update(_neighbour(data, body, end))
        at += (length + 3) & ~3
    return Neighbours(macs, done=False)


def _request() -> bytes:
    length = _HEADER.size + _NDMSG.size
    header = _HEADER.pack(length, _RTM_GETNEIGH, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0)
    return header + _NDMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0)


def _neighbour(data: bytes, at: int, end: int) -> dict[str, str]:
    if at + _NDMSG.size > end:
        return {}
    family, _pad, _pad2, _interface, state, _flags, _type = _NDMSG.unpack_from(data, at)
    size = _ADDRESS_BYTES.get(family)
    if size is None or state & _USELESS:
        return {}
    address = mac = None
    for kind, value in _attributes(data, at + _NDMSG.size, end):
        if kind == _NDA_DST and len(value) == size:
            address = str(ip_address(value))
        elif kind == _NDA_LLADDR and len(value) == 6 and any(value) and not value[0] & 1:
            mac = value.hex(":")
    return {address: mac} if address and mac else {}


def _attributes(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    while at + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or at + length > end:
            return
        yield kind & 0x3FFF, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
