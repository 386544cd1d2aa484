"""Of an upstream's answer only what was asked for: the question's own alias chain and what proves it (RFC 5452, 9520).

Whoever may put a record into a message must not thereby speak for another name. Additional records are never kept:
nobody here needs them, and the end of a message is what a forged fragment replaces (RFC 9715).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.errors import WireError
from gateway.model.dns import QType, Rcode
from gateway.model.name import ancestors
from gateway.wire.names import read_labels, read_name
from gateway.wire.peek import ResponsePeek, record_at

_HERE = b"\xc0\x0c"
_MAX_CHAIN = 16
_NSEC, _NSEC3 = 47, 50
_PROOFS = frozenset({int(QType.RRSIG), _NSEC, _NSEC3})
_SIGNER = 18
# Where names stand in the data of types that may be compressed (RFC 1035, 3597): bytes in front of them, how many.
_NAMES_IN = {
    2: (0, 1), 3: (0, 1), 4: (0, 1), 5: (0, 1), 6: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), 12: (0, 1), 14: (0, 2),
    15: (2, 1), 17: (0, 2), 18: (2, 1), 21: (2, 1), 33: (6, 1), 36: (2, 1), 39: (0, 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Record:
    start: int
    owner: str
    rtype: int
    rclass: int
    data: int
    end: int


def is_plain(wire: bytes, peek: ResponsePeek) -> bool:
    """True when every record answers the question itself, so that nothing has to be looked at again."""
    offsets = peek.ttl_offsets
    start = 12 + len(peek.question)
    if not offsets or len(offsets) != peek.answers:
        return False
    head = _HERE + peek.question[-4:]
    for offset in offsets:
        if wire[start:offset] != head:
            return False
        start = offset + 6 + (wire[offset + 4] << 8 | wire[offset + 5])
    return True


def pertinent(wire: bytes, peek: ResponsePeek) -> bytes:
    """The message without OPT record and without what was not asked for. Raises WireError.

    An alias chain that runs in a circle, or never ends, becomes SERVFAIL: that is the name's fault, not the
    upstream's. `wire` and `peek` belong together; `wire` is returned as it is when nothing has to go.
    """
    qname, offset = read_name(wire, 12)
    qtype, qclass = wire[offset] << 8 | wire[offset + 1], wire[offset + 2] << 8 | wire[offset + 3]
    answers, offset = _section(wire, offset + 4, peek.answers)
    authorities, offset = _section(wire, offset, wire[8] << 8 | wire[9])
    answers_at = 12 + len(peek.question)
    chain = _chain(wire, qname, qtype, answers)
    if chain is None:
        return _head(wire, answers_at, Rcode.SERVFAIL, 0, 0)
    kept = [record for record in answers if record.rclass == qclass and _answers(wire, record, qtype, chain)]
    final = any(record.rtype == qtype for record in kept) or (qtype == QType.ANY and bool(kept))
    proof = [
        record for record in authorities if record.rclass == qclass and _proves(wire, record, chain, authorities, final)
    ]
    if len(kept) == len(answers):
        if len(proof) == len(authorities):
            return _head(wire, peek.additional_at, None, len(kept), len(proof))
        if not proof:
            return _head(wire, peek.authority_at, None, len(kept), 0)
    # Names may point into what goes: what stays is written anew, without compression.
    return _head(wire, answers_at, None, len(kept), len(proof)) + b"".join(
        _spelled_out(wire, each) for each in kept + proof
    )


def _section(wire: bytes, offset: int, count: int) -> tuple[list[_Record], int]:
    records = []
    for _ in range(count):
        rtype, rclass, _, data, end = record_at(wire, offset)
        if rtype != QType.OPT:
            records.append(_Record(offset, read_name(wire, offset)[0], rtype, rclass, data, end))
        offset = end
    return records, offset


def _chain(wire: bytes, qname: str, qtype: int, answers: Iterable[_Record]) -> list[str] | None:
    """The names from the question to where its aliases lead, in order; None when they lead nowhere."""
    chain = [qname]
    if qtype in (QType.CNAME, QType.ANY):
        return chain
    aliases: dict[str, str] = {}
    for record in answers:
        if record.rtype == QType.CNAME:
            aliases.setdefault(record.owner, read_name(wire, record.data)[0])
    while (target := aliases.get(chain[-1])) is not None:
        if target in chain or len(chain) >= _MAX_CHAIN:
            return None
        chain.append(target)
    return chain


def _answers(wire: bytes, record: _Record, qtype: int, chain: list[str]) -> bool:
    rtype = record.rtype
    if rtype == QType.RRSIG and qtype not in (QType.RRSIG, QType.ANY):
        rtype = _covered(wire, record)
    if rtype == QType.DNAME and qtype != QType.DNAME:
        return any(record.owner in ancestors(name) and record.owner != name for name in chain)
    if record.owner == chain[-1] and rtype in (qtype, qtype if qtype != QType.ANY else rtype):
        return True
    return rtype == QType.CNAME and record.owner in chain[:-1]


def _proves(wire: bytes, record: _Record, chain: list[str], authorities: list[_Record], final: bool) -> bool:
    """SOA of a zone above the chain when there is no answer, and signed proofs of that zone in any case."""
    above = {parent for name in chain for parent in (*ancestors(name), "")}
    if record.rtype == QType.SOA:
        return not final and record.owner in above
    if record.rtype not in _PROOFS:
        return False
    if record.rtype == QType.RRSIG and _covered(wire, record) not in (QType.SOA, _NSEC, _NSEC3):
        return False
    zones = {each.owner for each in authorities if each.rtype == QType.SOA}
    zones |= {_signer(wire, each) for each in authorities if each.rtype == QType.RRSIG}
    return not (zones & above).isdisjoint((*ancestors(record.owner), ""))


def _covered(wire: bytes, record: _Record) -> int:
    return wire[record.data] << 8 | wire[record.data + 1] if record.end - record.data >= _SIGNER else 0


def _signer(wire: bytes, record: _Record) -> str:
    if record.end - record.data <= _SIGNER:
        raise WireError("A signature in this response is cut off.", Rcode.FORMERR)
    return read_name(wire, record.data + _SIGNER)[0]


def _head(wire: bytes, end: int, rcode: int | None, answers: int, authorities: int) -> bytes:
    """Header with these counts, and the message up to `end`."""
    flags = wire[2:4] if rcode is None else bytes((wire[2], wire[3] & 0xF0 | rcode))
    counts = wire[4:6] + answers.to_bytes(2) + authorities.to_bytes(2) + b"\0\0"
    return wire[:2] + flags + counts + wire[12:end]


def _spelled_out(wire: bytes, record: _Record) -> bytes:
    before, names = _NAMES_IN.get(record.rtype, (0, 0))
    at = record.data + before
    data = [wire[record.data : at]]
    for _ in range(names):
        if at >= record.end:
            raise WireError("A record of this response is cut off.", Rcode.FORMERR)
        name, at = _whole(wire, at)
        data.append(name)
    if at > record.end:
        raise WireError("A name in this response is longer than its record.", Rcode.FORMERR)
    data.append(wire[at : record.end])
    written = b"".join(data)
    return _whole(wire, record.start)[0] + wire[record.data - 10 : record.data - 2] + len(written).to_bytes(2) + written


def _whole(wire: bytes, offset: int) -> tuple[bytes, int]:
    """The name at `offset` without compression, as it is spelled there, and the offset behind it."""
    labels, end = read_labels(wire, offset)
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0", end
