"""A table of the kernel as a whole, by rtnetlink (RFC 3549, rtnetlink(7)).

No process is started and no privilege is needed: reading these tables is open to everybody.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from gateway.linux import netlink

_BUFFER = 1 << 16
_MAX_DATAGRAMS = 1024
_TIMEOUT = 1.0
# RTM_GETLINK and RTM_NEWLINK, RTM_GETADDR and RTM_NEWADDR, ...: an answer's type is always two less.
_GET_TO_NEW = 2


@dataclass(frozen=True, slots=True)
class RowsDatagram:
    """One datagram of an answer: the rows in it; `done` when nothing follows; `error` is an errno or 0."""

    rows: list[bytes]
    done: bool
    error: int = 0


def dump(kind: int, header: bytes) -> list[bytes]:
    """The body of every row; `kind` is RTM_GETADDR or its like, `header` what that message wants. Raises OSError."""
    rows: list[bytes] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, netlink.ROUTE) as channel:
        channel.settimeout(_TIMEOUT)
        channel.bind((0, 0))
        channel.sendto(netlink.request(kind, netlink.DUMP, 1, header), (0, 0))
        for _ in range(_MAX_DATAGRAMS):
            data, (sender, _groups) = channel.recvfrom(_BUFFER)
            if sender != 0:
                continue
            part = read_part(data, kind)
            if part.error:
                raise OSError(part.error, os.strerror(part.error))
            rows += part.rows
            if part.done:
                break
    return rows


def read_part(data: bytes, kind: int) -> RowsDatagram:
    """Reads one datagram of the answer to `kind`. Never raises: what is cut short or of another type is left out."""
    rows: list[bytes] = []
    for found, body in netlink.messages(data):
        if found == netlink.DONE:
            return RowsDatagram(rows, done=True)
        if found == netlink.ERROR:
            return RowsDatagram(rows, done=True, error=netlink.error_of(body))
        if found == kind - _GET_TO_NEW:
            rows.append(body)
    return RowsDatagram(rows, done=False)
