"""The kernel's connection tracking over netlink (netlink(7), linux/netfilter/nfnetlink_conntrack.h): bytes to values.
Parsers are pure and bounded, whatever the bytes; only `ConntrackSocket` does I/O.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.errors import NetworkError
from gateway.linux import netlink
from gateway.linux.netlink import attribute, attributes

_SOL_NETLINK: Final = 270
_ADD_MEMBERSHIP: Final = 1
_BROADCAST_ERROR: Final = 4
_SO_RCVBUFFORCE: Final = 33
_GROUP_DESTROY: Final = 3
_NEW, _GET, _DELETE = 0x100, 0x101, 0x102
_FAMILY = struct.Struct(">BBH")
_PROTOCOL, _TCP_CLOSE = 4, 8
_ORIGINAL, _REPLY, _UP, _DOWN, _ID, _ZONE, _TIMES = 1, 2, 9, 10, 12, 18, 20
_ADDRESS_BYTES = {1: socket.AF_INET, 2: socket.AF_INET, 3: socket.AF_INET6, 4: socket.AF_INET6}
_BUFFER: Final = 1 << 18
_RECEIVE_SPACE: Final = 8 << 20
_MOST_DATAGRAMS: Final = 65536
_PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Tuple5:
    """One direction of a flow: textual addresses, the IP protocol's number, ports (0 where there are none)."""

    source: str
    target: str
    protocol: int
    source_port: int
    target_port: int


@dataclass(frozen=True, slots=True)
class Connection:
    """A tracked flow: as the one who began it sees it, as the answers look, bytes both ways, nanoseconds since 1970.

    `ended` when the kernel tells of its end; `handle` is what names it to the kernel again; `closed` when a TCP
    connection was reset.
    """

    original: Tuple5
    reply: Tuple5
    up: int
    down: int
    id: int
    started: int
    stopped: int
    ended: bool
    handle: bytes
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionsDatagram:
    """One datagram of the kernel; `error` is an errno or 0."""

    connections: tuple[Connection, ...]
    done: bool
    error: int


def parse_part(data: bytes) -> ConnectionsDatagram:
    """Every connection in one datagram. Never raises: what cannot be read is left out."""
    found: list[Connection] = []
    done, error = False, 0
    for kind, body in netlink.messages(data):
        if kind == netlink.DONE:
            done = True
        elif kind == netlink.ERROR:
            done, error = True, netlink.error_of(body)
        elif kind in (_NEW, _DELETE) and (connection := _parse_connection(body, ended=kind == _DELETE)):
            found.append(connection)
    return ConnectionsDatagram(tuple(found), done, error)


def _parse_connection(body: bytes, *, ended: bool) -> Connection | None:
    if len(body) < _FAMILY.size:
        return None
    parts = dict(attributes(body[_FAMILY.size :]))
    original, reply = _parse_tuple(parts.get(_ORIGINAL, b"")), _parse_tuple(parts.get(_REPLY, b""))
    if original is None or reply is None:
        return None
    times = dict(attributes(parts.get(_TIMES, b"")))
    handle = body[:1] + bytes(3) + attribute(_ORIGINAL | netlink.NESTED, parts[_ORIGINAL])
    for kind in (_ID, _ZONE):
        if kind in parts:
            handle += attribute(kind, parts[kind])
    return Connection(
        original,
        reply,
        _number(dict(attributes(parts.get(_UP, b""))).get(2, b"")),
        _number(dict(attributes(parts.get(_DOWN, b""))).get(2, b"")),
        _number(parts.get(_ID, b"")),
        _number(times.get(1, b"")),
        _number(times.get(2, b"")),
        ended,
        handle,
        _tcp_state(parts.get(_PROTOCOL, b"")) == _TCP_CLOSE,
    )


def _tcp_state(data: bytes) -> int:
    return _number(dict(attributes(dict(attributes(data)).get(1, b""))).get(1, b""))


def _parse_tuple(data: bytes) -> Tuple5 | None:
    parts = dict(attributes(data))
    addresses: dict[int, str] = {}
    for kind, value in attributes(parts.get(1, b"")):
        family = _ADDRESS_BYTES.get(kind)
        if family and len(value) == (4 if family == socket.AF_INET else 16):
            addresses[(kind - 1) % 2] = socket.inet_ntop(family, value)
    protocol = dict(attributes(parts.get(2, b"")))
    if len(addresses) != 2 or len(protocol.get(1, b"")) != 1:
        return None
    ports = [_number(protocol.get(kind, b"")) & 0xFFFF for kind in (2, 3)]
    return Tuple5(addresses[0], addresses[1], protocol[1][0], ports[0], ports[1])


def _number(data: bytes) -> int:
    return int.from_bytes(data[:8], "big")


class ConntrackSocket:
    """A conversation with connection tracking of this network namespace. Every verb raises NetworkError."""

    def __init__(self, *, hears_ends: bool = False) -> None:
        """With `hears_ends` the kernel tells of every flow that ends, and keeps those that we have no room for until
        we have read (NETLINK_BROADCAST_ERROR): none is lost."""
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, netlink.NETFILTER)
            self._socket.bind((0, 0))
            if hears_ends:
                with suppress(PermissionError):
                    self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_SPACE)
                self._socket.setsockopt(_SOL_NETLINK, _BROADCAST_ERROR, 1)
                self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_DESTROY)
        except OSError as error:
            raise NetworkError("network.kernel-does-not", strerror=error.strerror) from None
        self._sequence = 0

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def ends(self) -> tuple[list[Connection], bool]:
        """Flows that ended since the last call, without waiting; and whether the kernel had to hold some back."""
        found: list[Connection] = []
        held = False
        self._socket.setblocking(False)
        for _ in range(_MOST_DATAGRAMS):
            try:
                data, (sender, _groups) = self._socket.recvfrom(_BUFFER)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise NetworkError("network.kernel-s-counts", strerror=error.strerror) from None
                held = True
                continue
            if sender == 0:
                found += (connection for connection in parse_part(data).connections if connection.ended)
        return found, held

    def dump(self) -> list[Connection]:
        """Every flow that is going on. On a socket of its own kind: one that hears ends would mix them in."""
        found: list[Connection] = []
        for part in self._ask(_GET, netlink.DUMP, bytes(4)):
            found += part.connections
        return found

    def delete(self, connection: Connection) -> bool:
        """Makes the kernel forget a flow; False when it had already."""
        try:
            for _part in self._ask(_DELETE, netlink.ACK, connection.handle):
                pass
        except _KernelError as error:
            if error.number == errno.ENOENT:
                return False
            raise
        return True

    def _ask(self, kind: int, flags: int, body: bytes) -> Iterator[ConnectionsDatagram]:
        self._sequence += 1
        try:
            self._socket.settimeout(_PATIENCE)
            self._socket.sendto(netlink.request(kind, flags, self._sequence, body), (0, 0))
            for _ in range(_MOST_DATAGRAMS):
                data, (sender, _groups) = self._socket.recvfrom(_BUFFER)
                if sender != 0 or netlink.sequence_of(data) != self._sequence:
                    continue
                part = parse_part(data)
                if part.error:
                    raise _KernelError(part.error)
                yield part
                if part.done:
                    return
        except OSError as error:
            raise NetworkError("network.kernel-s-connection", strerror=f"{error.strerror or error}") from None


class _KernelError(NetworkError):
    def __init__(self, number: int) -> None:
        super().__init__(f"The kernel refuses to show its flows ({os.strerror(number)}).")
        self.number = number
