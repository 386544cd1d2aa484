"""The TTLs that a cache may tell: those for which it keeps an answer itself (RFC 2181, 2308, 9077)."""

from __future__ import annotations

import dataclasses
import struct

from gateway.model.dns import QType
from gateway.wire.names import read_name
from gateway.wire.peek import ResponsePeek

LONGEST = 86_400
"""A day, in seconds: whoever wants more is asked again after that (RFC 2181 section 8)."""
LONGEST_NEGATIVE = 3_600
"""As long as what does not exist may be believed not to (RFC 2308 section 5)."""
_TTL = struct.Struct(">I")
_HIGHEST = 0x7FFFFFFF
_CNAME = int(QType.CNAME).to_bytes(2)


def settled(wire: bytes, peek: ResponsePeek) -> tuple[bytes, ResponsePeek]:
    """The message with the TTLs to tell, and what is then known of it. It has no OPT record any more.

    A TTL of 2^31 or more is 0; records of one RRset have the lowest of theirs; none is above a day, and nothing that
    says what does not exist above the lower of its SOA record's TTL and MINIMUM, nor above an hour.
    """
    negative = None if peek.negative_ttl is None else min(peek.negative_ttl, LONGEST_NEGATIVE)
    behind, above = peek.authority_at, LONGEST if negative is None else negative
    # Nearly every answer is as it should be, which shows without reading a name: an alias is an RRset of its own, and
    # where all records of a type have one TTL, so do those of each owner.
    seen: dict[bytes, int] = {}
    for offset in peek.ttl_offsets:
        (ttl,) = _TTL.unpack_from(wire, offset)
        rtype = wire[offset - 4 : offset - 2]
        if ttl > (LONGEST if offset < behind else above) or (seen.setdefault(rtype, ttl) != ttl and rtype != _CNAME):
            return _settled(wire, peek, negative)
    return wire, peek


def _settled(wire: bytes, peek: ResponsePeek, negative: int | None) -> tuple[bytes, ResponsePeek]:
    lowest: dict[tuple[str, int, bytes], int] = {}
    sets = _rrsets(wire, peek)
    for rrset, offset in zip(sets, peek.ttl_offsets, strict=True):
        (ttl,) = _TTL.unpack_from(wire, offset)
        most = LONGEST if negative is None or offset < peek.authority_at else negative
        lowest[rrset] = min(lowest.get(rrset, most), 0 if ttl > _HIGHEST else ttl)
    changed = bytearray(wire)
    for rrset, offset in zip(sets, peek.ttl_offsets, strict=True):
        _TTL.pack_into(changed, offset, lowest[rrset])
    return bytes(changed), dataclasses.replace(peek, ttl=min(lowest.values()), negative_ttl=negative)


def _rrsets(wire: bytes, peek: ResponsePeek) -> list[tuple[str, int, bytes]]:
    """For each record its owner, its type, and, for a signature, the type that it covers."""
    found = []
    start = 12 + len(peek.question)
    for offset in peek.ttl_offsets:
        rtype = wire[offset - 4] << 8 | wire[offset - 3]
        data = offset + 6
        covered = wire[data : data + 2] if rtype == QType.RRSIG else b""
        found.append((read_name(wire, start)[0], rtype, covered))
        start = data + (wire[offset + 4] << 8 | wire[offset + 5])
    return found
