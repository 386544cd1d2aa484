"""The few DNS messages that simulated televisions and their internet exchange (RFC 1035, RFC 6891, RFC 9460).

Both ends of the demo stand outside the gateway, so they do not share its code: what it gets wrong, they notice.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import WireError
from gateway.model.dns import QType, Rcode
from gateway.model.name import Name

_HEADER = struct.Struct("!6H")
_FIXED = struct.Struct("!HHIH")
_QR, _TC, _RD, _RA, _OPCODE = 0x8000, 0x0200, 0x0100, 0x0080, 0x7800
_MAX_RECORDS = 100
OUR_UDP_SIZE = 1232


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record of class IN; `rdata` is wire format without compression."""

    name: str
    ttl: int
    rtype: int
    rdata: bytes


@dataclass(frozen=True, slots=True)
class ReceivedQuery:
    """A query with one question; `raw` is its question section as it came, `udp_size` is 512 without EDNS."""

    id: int
    flags: int
    name: str
    qtype: int
    raw: bytes
    udp_size: int
    edns: bool


@dataclass(frozen=True, slots=True)
class TelevisionAnswer:
    """What a television looks at: `addresses` are textual, `ttl` is how many seconds it may keep the answer."""

    rcode: int
    addresses: tuple[str, ...] = ()
    ttl: int = 0
    truncated: bool = False

    @property
    def refuses(self) -> bool:
        """True when the name is answered with null addresses, or as if it did not exist."""
        if self.rcode == Rcode.NXDOMAIN:
            return True
        return bool(self.addresses) and all(address in ("0.0.0.0", "::") for address in self.addresses)  # noqa: S104


def write_query(query_id: int, name: str, qtype: int) -> bytes:
    """A recursive query with an OPT record."""
    header = _HEADER.pack(query_id, _RD, 1, 0, 0, 1)
    return header + Name(name).to_wire() + struct.pack("!HH", qtype, 1) + _opt()


def read_query(wire: bytes) -> ReceivedQuery:
    """Raises WireError for anything but a query with one question of class IN."""
    if len(wire) < _HEADER.size:
        raise WireError("A DNS message has at least 12 bytes.")
    query_id, flags, questions, _, _, additional = _HEADER.unpack_from(wire)
    if flags & _QR:
        raise WireError("This is an answer, not a question.")
    if flags & _OPCODE:
        raise WireError("Only ordinary queries are answered here.", Rcode.NOTIMP)
    if questions != 1:
        raise WireError("A query has exactly one question.", Rcode.FORMERR)
    labels, end = _read_name(wire, _HEADER.size)
    if end + 4 > len(wire):
        raise WireError("The question ends too early.", Rcode.FORMERR)
    qtype, qclass = struct.unpack_from("!HH", wire, end)
    if qclass != 1:
        raise WireError("Only class IN is answered here.", Rcode.NOTIMP)
    end += 4
    size = _udp_size(wire, end, additional)
    return ReceivedQuery(
        query_id, flags, _text(labels), qtype, wire[_HEADER.size : end], max(512, size or 0), size is not None
    )


def write_answer(
    asked: ReceivedQuery,
    rcode: int,
    answer: Sequence[Record] = (),
    authority: Sequence[Record] = (),
    *,
    size: int = 65_535,
) -> bytes:
    """The answer to `asked`, its question spelled as it came; over `size` bytes it goes without records and with TC."""
    flags = _QR | _RA | (asked.flags & _RD) | rcode
    tail = _opt() if asked.edns else b""
    body = b"".join(_wire_of(record) for record in (*answer, *authority))
    header = _HEADER.pack(asked.id, flags, 1, len(answer), len(authority), 1 if asked.edns else 0)
    wire = header + asked.raw + body + tail
    if len(wire) <= size:
        return wire
    return _HEADER.pack(asked.id, flags | _TC, 1, 0, 0, 1 if asked.edns else 0) + asked.raw + tail


def read_answer(wire: bytes, query_id: int, name: str, qtype: int) -> TelevisionAnswer:
    """Raises WireError when it does not fit the question, or cannot be read."""
    if len(wire) < _HEADER.size:
        raise WireError("A DNS message has at least 12 bytes.")
    got_id, flags, questions, answers, authorities, _ = _HEADER.unpack_from(wire)
    labels, at = _read_name(wire, _HEADER.size)
    if got_id != query_id or not flags & _QR or questions != 1 or _text(labels) != name:
        raise WireError("The answer does not fit the question.")
    if at + 4 > len(wire) or struct.unpack_from("!H", wire, at)[0] != qtype:
        raise WireError("The answer has another type than the question.")
    at += 4
    addresses: list[str] = []
    ttls: list[int] = []
    if answers + authorities > _MAX_RECORDS:
        raise WireError("The answer has too many records.")
    for place in range(answers + authorities):
        _, at = _read_name(wire, at)
        if at + _FIXED.size > len(wire):
            raise WireError("A record ends too early.")
        rtype, _, ttl, length = _FIXED.unpack_from(wire, at)
        at += _FIXED.size
        rdata = wire[at : at + length]
        if len(rdata) < length:
            raise WireError("A record ends too early.")
        at += length
        if place < answers:
            ttls.append(ttl)
            if rtype == qtype and (rtype, length) in ((QType.A, 4), (QType.AAAA, 16)):
                addresses.append(str(ipaddress.ip_address(rdata)))
        elif rtype == QType.SOA and length >= 20 and not addresses:
            ttls.append(min(ttl, struct.unpack("!I", rdata[-4:])[0]))
    return TelevisionAnswer(flags & 15, tuple(addresses), min(ttls, default=0), bool(flags & _TC))


def address_rdata(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def soa_rdata(zone: str, negative_ttl: int) -> bytes:
    """MNAME and RNAME are "ns" and "hostmaster" below `zone`; the last number is the negative TTL (RFC 2308)."""
    apex = Name(zone).to_wire()
    names = b"\x02ns" + apex + b"\x0ahostmaster" + apex
    return names + struct.pack("!5I", 1, 7200, 900, 1_209_600, negative_ttl)


def https_rdata(*, alpn: Sequence[str], ipv4hint: Sequence[str] = ()) -> bytes:
    """SvcPriority 1 and the owner itself as target (RFC 9460 section 2.2)."""
    protocols = b"".join(bytes((len(one),)) + one.encode("ascii") for one in alpn)
    rdata = struct.pack("!HB", 1, 0) + struct.pack("!HH", 1, len(protocols)) + protocols
    if ipv4hint:
        hints = b"".join(address_rdata(address) for address in ipv4hint)
        rdata += struct.pack("!HH", 4, len(hints)) + hints
    return rdata


def _opt() -> bytes:
    return b"\0" + _FIXED.pack(QType.OPT, OUR_UDP_SIZE, 0, 0)


def _wire_of(record: Record) -> bytes:
    return Name(record.name).to_wire() + _FIXED.pack(record.rtype, 1, record.ttl, len(record.rdata)) + record.rdata


def _text(labels: list[bytes]) -> str:
    try:
        return Name.from_labels(labels).text
    except ValueError as error:
        raise WireError(str(error), Rcode.FORMERR) from None


def _udp_size(wire: bytes, at: int, additional: int) -> int | None:
    """The size that an OPT record in front of the additional section offers, None without one."""
    if additional and wire[at : at + 1] == b"\0" and at + 1 + _FIXED.size <= len(wire):
        rtype, size, _, _ = _FIXED.unpack_from(wire, at + 1)
        if rtype == QType.OPT:
            return int(size)
    return None


def _read_name(wire: bytes, at: int) -> tuple[list[bytes], int]:
    """The labels at this offset and the offset behind them; pointers may only lead backwards."""
    labels: list[bytes] = []
    end, limit = -1, at
    while at < len(wire):
        length = wire[at]
        if length >= 0xC0:
            if at + 1 >= len(wire):
                break
            end = at + 2 if end < 0 else end
            at = (length & 0x3F) << 8 | wire[at + 1]
            if at >= limit:
                raise WireError("A compressed name leads forwards.", Rcode.FORMERR)
            limit = at
            continue
        if length > 63:
            break
        at += 1
        if length == 0:
            return labels, at if end < 0 else end
        labels.append(wire[at : at + length])
        if len(labels[-1]) < length or len(labels) > 127:
            break
        at += length
    raise WireError("A name ends too early.", Rcode.FORMERR)
