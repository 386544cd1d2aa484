"""The answers that come most, read at once: addresses of the very name that was asked for, and nothing else."""

from __future__ import annotations

import struct

from gateway.wire.peek import ResponsePeek

_HEADER = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">6sI2s")
# A response to a plain query, whole, NOERROR: every bit but AA, RD, RA, AD and CD.
_UNUSUAL, _USUAL = 0xFA4F, 0x8000
_OPT = b"\0\0\x29"
_OPT_SIZE = 11
# What stands before each record's TTL and before its data, by QTYPE and QCLASS.
_ADDRESSES = {
    b"\0\1\0\1": (b"\xc0\x0c\0\1\0\1", b"\0\4", 4),
    b"\0\x1c\0\1": (b"\xc0\x0c\0\x1c\0\1", b"\0\x10", 16),
}
_MAX_RECORDS = 64
_TTL_MAX = 0x7FFFFFFF


def peek_plain(wire: bytes, question: bytes) -> ResponsePeek | None:
    """As `peek_response`, for an answer to `question` (the QNAME in lower case, QTYPE, QCLASS) of nothing but its own
    address records, and perhaps an empty OPT record; None for whatever else it is.
    """
    kind = _ADDRESSES.get(question[-4:])
    if kind is None or len(wire) < 12:
        return None
    message_id, flags, questions, count, authorities, additionals = _HEADER.unpack_from(wire)
    if flags & _UNUSUAL != _USUAL or questions != 1 or authorities or not 0 < count <= _MAX_RECORDS:
        return None
    head, length, size = kind
    start = 12 + len(question)
    end = at = start + count * (12 + size)
    if additionals:
        # Upper bits of the rcode and options say something more.
        at += _OPT_SIZE
        if additionals != 1 or len(wire) != at or wire[end : end + 3] != _OPT or wire[end + 5] or wire[-2:] != b"\0\0":
            return None
    # The letters of the name in any case; of the type and class, none is one.
    if len(wire) != at or wire[12:start].lower() != question:
        return None
    offsets: list[int] = []
    addresses: list[bytes] = []
    lowest = _TTL_MAX
    for record in range(start, end, 12 + size):
        owner, ttl, written = _RECORD.unpack_from(wire, record)
        if owner != head or written != length or ttl > _TTL_MAX:
            return None
        if ttl < lowest:
            lowest = ttl
        offsets.append(record + 6)
        addresses.append(wire[record + 12 : record + 12 + size])
    return ResponsePeek(
        message_id, flags, 0, wire[12:start], count, tuple(offsets), lowest, None, (), tuple(addresses), end, end,
        at, end if additionals else None, None,
    )  # fmt: skip
