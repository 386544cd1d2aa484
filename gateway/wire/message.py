"""Answers that we make ourselves, and the full parse for tests and explanations; the only importer of dnslib."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.errors import WireError
from gateway.model.address import Address
from gateway.model.dns import QType, Rcode
from gateway.model.name import Name
from gateway.model.query import Query

_QR_RA = 0x8080
_ECHOED = 0x7900
_QNAME = b"\xc0\x0c"
# Whoever looks at the SOA record of a negative answer of ours should see who made it up (RFC 6761: never a real name).
_MNAME = Name("telltale.invalid").to_wire()
_RNAME = Name("nobody.invalid").to_wire()
# RFC 8482 section 4.2: a CPU of this name, on no operating system.
_HINFO, _MINIMAL = 13, b"\7RFC8482\0"
_NULL = {int(QType.A): bytes(4), int(QType.AAAA): bytes(16)}


def null_answer(query: Query, ttl: int) -> bytes:
    """0.0.0.0 for A, :: for AAAA, as little as possible for ANY, and NODATA for any other type.

    NODATA for HTTPS and SVCB sends clients to A and AAAA (RFC 9460 section 3), whatever they would have found there.
    """
    if query.qtype == QType.ANY:
        return minimal_answer(query, ttl)
    data = _NULL.get(query.qtype)
    return negative_answer(query, Rcode.NOERROR, ttl) if data is None else _answer(query, [(query.qtype, data)], ttl)


def minimal_answer(query: Query, ttl: int) -> bytes:
    """One HINFO record, which nobody acts upon (RFC 8482 section 4.2)."""
    return _answer(query, [(_HINFO, _MINIMAL)], ttl)


def negative_answer(query: Query, rcode: int, ttl: int) -> bytes:
    """NODATA (rcode 0) or NXDOMAIN, to be kept for `ttl` seconds: the SOA record says so (RFC 2308)."""
    data = b"".join((_MNAME, _RNAME, *(n.to_bytes(4) for n in (1, 3600, 600, 86400, ttl))))
    return _message(query, rcode, b"\0\0\0\1\0\0", _record(QType.SOA, ttl, data))


def address_answer(query: Query, addresses: Iterable[Address], ttl: int) -> bytes:
    """The A or AAAA records with those of these addresses that the query asks for; NODATA when none fits."""
    version = {int(QType.A): 4, int(QType.AAAA): 6}.get(query.qtype)
    records = [(query.qtype, address.packed) for address in addresses if address.version == version]
    return _answer(query, records, ttl) if records else negative_answer(query, Rcode.NOERROR, ttl)


def pointer_answer(query: Query, target: Name, ttl: int) -> bytes:
    """The PTR record of an address; NODATA for any other type."""
    if query.qtype not in (QType.PTR, QType.ANY):
        return negative_answer(query, Rcode.NOERROR, ttl)
    return _answer(query, [(QType.PTR, target.to_wire())], ttl)


def text_answer(query: Query, text: str, ttl: int) -> bytes:
    """One TXT record of one string of at most 255 ASCII characters; NODATA for any other type."""
    if query.qtype not in (QType.TXT, QType.ANY):
        return negative_answer(query, Rcode.NOERROR, ttl)
    data = text.encode("ascii")
    return _answer(query, [(QType.TXT, bytes((len(data),)) + data)], ttl)


def failure(query: Query, rcode: int) -> bytes:
    """Header and question with this rcode and nothing else; the OPT record and its error come with `patch.fit`."""
    return _message(query, rcode & 0x000F, bytes(6), b"")


def truncated(query: Query) -> bytes:
    """Nothing but the word that TCP would bring more (RFC 2181 section 9)."""
    wire = failure(query, Rcode.NOERROR)
    return wire[:2] + bytes((wire[2] | 0x02,)) + wire[3:]


def refusal(wire: bytes, rcode: int) -> bytes:
    """The answer to bytes that are no query of ours (FORMERR, NOTIMP): twelve bytes, never more than came in."""
    flags = 0x8000 | (wire[2] << 8 | wire[3]) & _ECHOED | rcode & 0x000F
    return wire[:2] + flags.to_bytes(2) + bytes(8)


def parse(wire: bytes) -> Any:
    """The whole message as dnslib sees it. Raises WireError. Never on a client's way: it is slow."""
    # Here and not above: the resolver never comes here, and is spared its memory.
    import dnslib

    try:
        return dnslib.DNSRecord.parse(wire)
    except Exception as error:
        # dnslib lets whatever a broken message provokes escape: struct, index, value, unicode and own errors.
        raise WireError(f"This is no DNS message: {error}.", Rcode.FORMERR) from error


def render(wire: bytes) -> str:
    """The message in the words of dig, for explanations. Raises WireError."""
    return str(parse(wire))


def _answer(query: Query, records: list[tuple[int, bytes]], ttl: int) -> bytes:
    body = b"".join(_record(rtype, ttl, data) for rtype, data in records)
    return _message(query, Rcode.NOERROR, len(records).to_bytes(2) + bytes(4), body)


def _record(rtype: int, ttl: int, data: bytes) -> bytes:
    return b"".join((_QNAME, rtype.to_bytes(2), b"\0\1", ttl.to_bytes(4), len(data).to_bytes(2), data))


def _message(query: Query, rcode: int, counts: bytes, body: bytes) -> bytes:
    flags = _QR_RA | query.flags & 0x0110 | rcode
    return b"".join((query.wire[:2], flags.to_bytes(2), b"\0\1", counts, query.wire[12 : query.question_end], body))
