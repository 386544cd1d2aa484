"""Fits a kept answer to the query at hand: id, flags, spelling of the name, age, OPT record and size."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from gateway.model.query import Query
from gateway.wire.edns import SMALLEST_LIMIT, opt_record, size_limit
from gateway.wire.peek import ResponsePeek, peek_response

_TTL = struct.Struct(">I")
_QR_RA = 0x8080
_TC, _AA, _AD = 0x0200, 0x0400, 0x0020
_ECHOED = 0x0110


def bare(wire: bytes, peek: ResponsePeek, *, vouched: bool = True) -> bytes:
    """The message as it is kept: id 0, question in lower case, without OPT record and whatever stands behind it.

    AA goes too: what a cache says is never authoritative. AD stays only when whoever says that the data is authentic is
    `vouched` for (RFC 6840 section 5.7).
    Records behind an OPT record are rare (TSIG) and mean nothing to anybody but the neighbour who sent them.
    """
    name_end = 12 + len(peek.question) - 4
    end, kept = peek.end, wire[10:12]
    if peek.opt_at is not None:
        end = peek.opt_at
        kept = b"\0\0"
        if end != peek.additional_at:
            kept = sum(1 for offset in peek.ttl_offsets if peek.additional_at <= offset < end).to_bytes(2)
    flags = (peek.flags & ~(_AA | _TC | (0 if vouched else _AD))).to_bytes(2)
    return b"".join((b"\0\0", flags, wire[4:10], kept, wire[12:name_end].lower(), wire[name_end:end]))


def aged(wire: bytes, ttl_offsets: Sequence[int], seconds: int) -> bytes:
    """The same message `seconds` later: every TTL that much lower, never below zero."""
    if not seconds:
        return wire
    older = bytearray(wire)
    for offset in ttl_offsets:
        (ttl,) = _TTL.unpack_from(older, offset)
        _TTL.pack_into(older, offset, 0 if ttl > 0x7FFFFFFF else max(ttl - seconds, 0))
    return bytes(older)


def with_ttl(wire: bytes, ttl_offsets: Sequence[int], ttl: int) -> bytes:
    """The same message with this TTL on every record."""
    changed = bytearray(wire)
    for offset in ttl_offsets:
        _TTL.pack_into(changed, offset, ttl)
    return bytes(changed)


def fit(wire: bytes, query: Query, *, rcode: int | None = None, ede: int | None = None) -> bytes:
    """The answer as this client gets it, never longer than it may be.

    `wire` is a message without OPT record that has the question of `query`, in any spelling. RD and CD are the
    client's, AD only for one that asked for it (RFC 6840 section 5.8), OPT present exactly when the client sent one.
    A reply that is too long loses its additional records, then the authority of a positive answer (RFC 2181 section
    9), and at last everything, with TC set.
    """
    flags = wire[2] << 8 | wire[3]
    code = flags & 0x000F if rcode is None else rcode
    out = _QR_RA | query.flags & _ECHOED | flags & (_AA | _TC) | code & 0x000F
    if flags & _AD and (query.flags & _AD or query.dnssec_ok):
        out |= _AD
    opt = b"" if query.edns is None else opt_record(dnssec_ok=query.edns.dnssec_ok, rcode=code, ede=ede)
    counts, end = wire[6:12], len(wire)
    if end + len(opt) > SMALLEST_LIMIT and end > (room := size_limit(query) - len(opt)):
        counts, end = _cut(wire, query.question_end, room)
        if not end:
            out |= _TC
            counts, end = b"\0\0\0\0\0\0", query.question_end
    if opt:
        counts = counts[:4] + ((counts[4] << 8 | counts[5]) + 1).to_bytes(2)
    question_end = query.question_end
    return b"".join(
        (query.wire[:2], out.to_bytes(2), b"\0\1", counts, query.wire[12:question_end], wire[question_end:end], opt)
    )


def _cut(wire: bytes, question_end: int, room: int) -> tuple[bytes, int]:
    """The counts and the length of what fits without losing anything that matters; length 0 when nothing does."""
    peek = peek_response(wire)
    if peek.additional_at <= room:
        return wire[6:10] + b"\0\0", peek.additional_at
    if peek.answers and peek.authority_at <= room:
        return wire[6:8] + b"\0\0\0\0", peek.authority_at
    return b"", 0
