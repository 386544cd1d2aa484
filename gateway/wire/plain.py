"""The answers that come most, read at once: addresses of the very name that was asked for, and nothing else."""

from __future__ import annotations

import struct
from functools import lru_cache

from gateway.wire.lifetimes import LONGEST
from gateway.wire.peek import ResponsePeek

_HEADER = struct.Struct(">HHHHHH")
_TTL = struct.Struct(">I")
# A response to a plain query, whole, NOERROR: every bit but AA, RD, RA, AD and CD.
_UNUSUAL, _USUAL = 0xFA4F, 0x8000
_OPT = b"\0\0\x29"
_OPT_SIZE = 11
# What stands before each record's TTL, the whole record, and the length of its data, by QTYPE and QCLASS.
_ADDRESSES = {
    b"\0\1\0\1": (b"\xc0\x0c\0\1\0\1", struct.Struct(">6sIH4s"), 4),
    b"\0\x1c\0\1": (b"\xc0\x0c\0\x1c\0\1", struct.Struct(">6sIH16s"), 16),
}
_MAX_RECORDS = 64


@lru_cache(maxsize=1024)
def _ttl_offsets(start: int, count: int, size: int) -> tuple[int, ...]:
    # Thousands of kept answers share a few hundred of these.
    return tuple(range(start + 6, start + count * size, size))


def peek_plain(wire: bytes, question: bytes) -> ResponsePeek | None:
    """As `peek_response`, for an answer to `question` (the QNAME in lower case, QTYPE, QCLASS) of nothing but its own
    address records, each once, with one TTL that may be passed on as it is, and perhaps an empty OPT record; None for
    whatever else it is.
    """
    kind = _ADDRESSES.get(question[-4:])
    if kind is None or len(wire) < 12:
        return None
    message_id, flags, questions, count, authorities, additionals = _HEADER.unpack_from(wire)
    if flags & _UNUSUAL != _USUAL or questions != 1 or authorities or not 0 < count <= _MAX_RECORDS:
        return None
    head, record, size = kind
    start = 12 + len(question)
    end = at = start + count * record.size
    if additionals:
        # Upper bits of the rcode and options say something more.
        at += _OPT_SIZE
        if additionals != 1 or len(wire) != at or wire[end : end + 3] != _OPT or wire[end + 5] or wire[-2:] != b"\0\0":
            return None
    # The letters of the name in any case; of the type and class, none is one.
    if len(wire) != at or wire[12:start].lower() != question:
        return None
    addresses: list[bytes] = []
    ttl_of_all = _TTL.unpack_from(wire, start + 6)[0]
    for owner, ttl, length, address in record.iter_unpack(wire[start:end]):
        if owner != head or length != size or ttl != ttl_of_all:
            return None
        addresses.append(address)
    if ttl_of_all > LONGEST or (count > 1 and len(set(addresses)) < count):
        return None
    return ResponsePeek(
        message_id, flags, 0, wire[12:start], count, _ttl_offsets(start, count, record.size), ttl_of_all, None, (),
        tuple(addresses), end, end, at, end if additionals else None, None,
    )  # fmt: skip
