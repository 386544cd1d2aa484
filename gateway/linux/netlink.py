"""How netlink messages are framed (netlink(7), RFC 3549): headers and attributes; bytes to bytes, pure and bounded.

Own code instead of a netlink library: those cost 34 MB to import, of which only this would be used.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from typing import Final

ROUTE: Final = 0
NETFILTER: Final = 12
REQUEST, ACK, DUMP = 0x01, 0x04, 0x300
ERROR, DONE = 2, 3
NESTED: Final = 0x8000
HEADER = struct.Struct("=IHHII")
"""length, type, flags, sequence, port."""

_ATTRIBUTE = struct.Struct("=HH")
_ERRNO = struct.Struct("=i")
_TYPE_MASK: Final = 0x3FFF


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each message in one datagram; ends at the first that is cut short."""
    place = 0
    while place + HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = HEADER.unpack_from(data, place)
        if length < HEADER.size or place + length > len(data):
            return
        yield kind, data[place + HEADER.size : place + length]
        place += (length + 3) & ~3


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each attribute; ends at the first that is cut short."""
    place = 0
    while place + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, place)
        if length < _ATTRIBUTE.size or place + length > len(data):
            return
        yield kind & _TYPE_MASK, data[place + _ATTRIBUTE.size : place + length]
        place += (length + 3) & ~3


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return _ATTRIBUTE.pack(len(value) + _ATTRIBUTE.size, kind) + value + bytes(-len(value) % 4)


def request(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """One message to the kernel."""
    return HEADER.pack(HEADER.size + len(body), kind, flags | REQUEST, sequence, 0) + body


def sequence_of(data: bytes) -> int | None:
    """The sequence number of the first message; None when there is no whole header."""
    return int(HEADER.unpack_from(data)[3]) if len(data) >= HEADER.size else None


def error_of(body: bytes) -> int:
    """The errno in the body of an ERROR message; 0 is an acknowledgement."""
    return abs(_ERRNO.unpack_from(body)[0]) if len(body) >= _ERRNO.size else errno.EPROTO
