"""What must be known of a message before it can be answered or kept, read without a full parse.

Every function is bounded by the length of its input and raises nothing but WireError.
"""

from __future__ import annotations

import struct

from gateway.errors import WireError
from gateway.model.dns import QType, Rcode
from gateway.model.name import Name
from gateway.model.query import Edns, Query, Transport
from gateway.model.word import word
from gateway.wire.names import read_name, read_plain, skip_name

_HEADER = struct.Struct(">HHHHHH")
_FIXED = struct.Struct(">HHIH")
_RESPONSE = 0x8000
_OPCODE = 0x7800
_CD = 0x0010
_OPTIONS = (b"\0", b"\1", b"\2", b"\3")
_EDE_OPTION = 15
_IPV4_HINT, _IPV6_HINT = 4, 6
_TTL_MAX = 0x7FFFFFFF
_NO_TTL = _TTL_MAX + 1
_POINTER = 0xC0
# Plain numbers: an enum's member costs a look-up each time.
_A, _SOA, _OPT = int(QType.A), int(QType.SOA), int(QType.OPT)
_MAX_QUERY_RECORDS = 16


@word()
class ResponsePeek:
    """Where things stand in a response, and what of it decides about keeping and blocking it.

    `question` is the raw question section (empty when there is none); offsets count from the start of the message, and
    bytes behind `end` belong to nothing. `ttl` is the lowest TTL of all records in seconds, None without records;
    `negative_ttl` is what RFC 2308 section 5 says of the SOA record, None without one. `targets` are canonical;
    `addresses` are packed, 4 or 16 bytes, from A and AAAA records and from the address hints of HTTPS and SVCB. `ede`
    is the first extended error (RFC 8914).
    """

    id: int
    flags: int
    rcode: int
    question: bytes
    answers: int
    ttl_offsets: tuple[int, ...]
    ttl: int | None
    negative_ttl: int | None
    targets: tuple[str, ...]
    addresses: tuple[bytes, ...]
    authority_at: int
    additional_at: int
    end: int
    opt_at: int | None
    ede: int | None

    @property
    def truncated(self) -> bool:
        return bool(self.flags & 0x0200)


def peek_query(wire: bytes, transport: Transport, client: str, at: float) -> Query:
    """The one question of a query. Raises WireError with the rcode to answer, or None when silence is right.

    Responses and scraps are met with silence: an answer to them could be sent back and forth for ever.
    """
    if len(wire) < 12:
        raise WireError("This datagram is too short for a DNS message.")
    query_id, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    if flags & _RESPONSE:
        raise WireError("This is a response, not a query.")
    if flags & _OPCODE:
        raise WireError("Only plain queries are answered here.", Rcode.NOTIMP)
    if questions != 1 or answers:
        raise WireError("A query has exactly one question and no answers.", Rcode.FORMERR)
    text, offset = read_plain(wire, 12) or read_name(wire, 12, pointers=False)
    question_end = offset + 4
    if question_end > len(wire):
        raise WireError("The question of this query is cut off.", Rcode.FORMERR)
    qtype = wire[offset] << 8 | wire[offset + 1]
    qclass = wire[offset + 2] << 8 | wire[offset + 3]
    edns = _query_edns(wire, question_end, authorities, additionals) if authorities or additionals else None
    options = (flags & _CD) >> 4
    if edns is not None and edns.dnssec_ok:
        options |= 2
    key = wire[12:offset].lower() + wire[offset:question_end] + _OPTIONS[options]
    return Query(query_id, flags, transport, client, Name(text), qtype, qclass, edns, wire, question_end, at, key)


def _query_edns(wire: bytes, offset: int, authorities: int, additionals: int) -> Edns | None:
    if authorities + additionals > _MAX_QUERY_RECORDS:
        raise WireError("This query carries too many records.", Rcode.FORMERR)
    edns = None
    for number in range(authorities + additionals):
        start = offset
        rtype, rclass, ttl, _, offset = record_at(wire, start)
        if rtype == QType.OPT and number >= authorities:
            if edns is not None or wire[start]:
                raise WireError("A query has at most one OPT record, and its owner is the root.", Rcode.FORMERR)
            edns = Edns(rclass, bool(ttl & 0x8000), ttl >> 16 & 0xFF)
    return edns


def _behind_the_question(wire: bytes, flags: int, questions: int, records: int) -> int:
    if not flags & _RESPONSE:
        raise WireError("This is a query, not a response.")
    if questions > 1 or records > len(wire) // 11:
        raise WireError("The counts of this response cannot be true.", Rcode.FORMERR)
    if not questions:
        return 12
    offset = skip_name(wire, 12) + 4
    if offset > len(wire):
        raise WireError("The question of this response is cut off.", Rcode.FORMERR)
    return offset


def peek_response(wire: bytes) -> ResponsePeek:
    """Walks every record once. Raises WireError for anything that is not a well-formed response."""
    if len(wire) < 12:
        raise WireError("This is too short for a DNS message.")
    message_id, flags, questions, *counts = _HEADER.unpack_from(wire)
    offset = _behind_the_question(wire, flags, questions, sum(counts))
    question = wire[12:offset]
    findings = _RecordFindings()
    offsets: list[int] = []
    lowest, size = _NO_TTL, len(wire)
    section_ends = []
    # For every miss: no record costs a call of its own unless it has something to tell.
    for section, count in enumerate(counts):
        for _ in range(count):
            start = offset
            if start + 12 <= size and wire[start] >= _POINTER and (wire[start] & 0x3F) << 8 | wire[start + 1] < start:
                data = start + 12
            else:
                data = skip_name(wire, start) + 10
                if data > size:
                    raise WireError("A record of this message is cut off.", Rcode.FORMERR)
            rtype, _, ttl, length = _FIXED.unpack_from(wire, data - 10)
            offset = data + length
            if offset > size:
                raise WireError("The data of a record of this message is cut off.", Rcode.FORMERR)
            if rtype == _OPT:
                findings.options(wire, start, section, ttl, data, offset)
                continue
            offsets.append(data - 6)
            if ttl > _TTL_MAX:
                ttl = 0
            lowest = min(lowest, ttl)
            if section == 0:
                if rtype == _A and length == 4:
                    findings.addresses.append(wire[data:offset])
                else:
                    findings.answer(wire, rtype, data, offset)
            elif section == 1 and rtype == _SOA and findings.negative_ttl is None:
                findings.negative_ttl = min(ttl, _soa_minimum(wire, data, offset))
        section_ends.append(offset)
    return ResponsePeek(
        message_id,
        flags,
        flags & 0x000F | findings.rcode_high,
        question,
        counts[0],
        tuple(offsets),
        lowest if offsets else None,
        findings.negative_ttl,
        tuple(dict.fromkeys(findings.targets)) if findings.targets else (),
        tuple(findings.addresses),
        section_ends[0],
        section_ends[1],
        offset,
        findings.opt_at,
        findings.ede,
    )


class _RecordFindings:
    """What the records of one response say, beside their TTLs."""

    __slots__ = ("addresses", "ede", "negative_ttl", "opt_at", "rcode_high", "targets")

    def __init__(self) -> None:
        self.negative_ttl: int | None = None
        self.targets: list[str] = []
        self.addresses: list[bytes] = []
        self.opt_at: int | None = None
        self.rcode_high = 0
        self.ede: int | None = None

    def options(self, wire: bytes, start: int, section: int, ttl: int, data: int, end: int) -> None:
        if section != 2 or self.opt_at is not None or wire[start]:
            raise WireError("A response has at most one OPT record, in its additional section.", Rcode.FORMERR)
        self.opt_at, self.rcode_high = start, ttl >> 20 & 0xFF0
        self.ede = _first_ede(wire, data, end)

    def answer(self, wire: bytes, rtype: int, data: int, end: int) -> None:
        if rtype in (QType.A, QType.AAAA):
            if end - data != (4 if rtype == QType.A else 16):
                raise WireError("An address record in this response has the wrong length.", Rcode.FORMERR)
            self.addresses.append(wire[data:end])
        elif rtype in (QType.CNAME, QType.DNAME):
            target, after = read_name(wire, data)
            if after != end:
                raise WireError("A CNAME in this response has the wrong length.", Rcode.FORMERR)
            self.targets.append(target)
        elif rtype in (QType.HTTPS, QType.SVCB):
            target, after = read_name(wire, data + 2, pointers=False)
            if after > end:
                raise WireError("A service binding in this response is cut off.", Rcode.FORMERR)
            if target:
                self.targets.append(target)
            self.addresses += _hints(wire, after, end)


def record_at(wire: bytes, start: int) -> tuple[int, int, int, int, int]:
    """Type, class, TTL, offset of the data and offset behind it, of the record at `start`."""
    offset = skip_name(wire, start)
    data = offset + 10
    if data > len(wire):
        raise WireError("A record of this message is cut off.", Rcode.FORMERR)
    rtype, rclass, ttl, length = _FIXED.unpack_from(wire, offset)
    if data + length > len(wire):
        raise WireError("The data of a record of this message is cut off.", Rcode.FORMERR)
    return rtype, rclass, ttl, data, data + length


def _soa_minimum(wire: bytes, data: int, end: int) -> int:
    offset = skip_name(wire, skip_name(wire, data))
    if offset + 20 != end:
        raise WireError("The SOA record of this response has the wrong length.", Rcode.FORMERR)
    minimum = int.from_bytes(wire[end - 4 : end])
    return 0 if minimum > _TTL_MAX else minimum


def _options(wire: bytes, offset: int, end: int) -> list[tuple[int, bytes]]:
    """The (code, value) pairs of EDNS options and of SvcParams, which are written alike."""
    found = []
    while offset + 4 <= end:
        code = wire[offset] << 8 | wire[offset + 1]
        length = wire[offset + 2] << 8 | wire[offset + 3]
        if offset + 4 + length > end:
            break
        found.append((code, wire[offset + 4 : offset + 4 + length]))
        offset += 4 + length
    return found


def _first_ede(wire: bytes, data: int, end: int) -> int | None:
    for code, value in _options(wire, data, end):
        if code == _EDE_OPTION and len(value) >= 2:
            return value[0] << 8 | value[1]
    return None


def _hints(wire: bytes, offset: int, end: int) -> list[bytes]:
    packed = []
    for key, value in _options(wire, offset, end):
        size = 4 if key == _IPV4_HINT else 16 if key == _IPV6_HINT else 0
        if size:
            packed += [value[i : i + size] for i in range(0, len(value) - size + 1, size)]
    return packed
