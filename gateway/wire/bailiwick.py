"""Of an upstream's answer only what was asked for: the question's own alias chain and what proves it (RFC 5452, 9520).

Whoever may put a record into a message must not thereby speak for another name. Additional records are never kept:
nobody here needs them, and the end of a message is what a forged fragment replaces (RFC 9715).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from operator import itemgetter

from gateway.errors import WireError
from gateway.model.dns import QType, Rcode
from gateway.model.name import ancestors
from gateway.model.word import word
from gateway.wire.names import read_name
from gateway.wire.peek import ResponsePeek
from gateway.wire.record import RawRecord, read_section
from gateway.wire.rewriting import is_as_we_asked, rewritten

MAX_ALIASES = 32
_HERE = b"\xc0\x0c"
_POINTER = 0xC0
# Plain numbers: an enum's member costs a look-up each time.
_NS, _CNAME, _SOA, _DNAME, _RRSIG, _ANY = (
    int(rtype) for rtype in (QType.NS, QType.CNAME, QType.SOA, QType.DNAME, QType.RRSIG, QType.ANY)
)
_NSEC, _NSEC3 = 47, 50
_SIGNER = 18
_SERVFAIL = int(Rcode.SERVFAIL)


class AnswerKind(Enum):
    """What an upstream's answer is worth."""

    WHOLE = auto()
    """An answer, or the word that there is none."""
    HALF = auto()
    """An alias, and nothing of where it leads."""
    REFERRAL = auto()
    """The word that others know: no resolver says that."""
    ENDLESS = auto()
    """An alias chain that goes in a circle, or has no end."""


@word()
class Pertinent:
    """What is left of an answer, and what that is worth."""

    wire: bytes
    kind: AnswerKind = AnswerKind.WHOLE


def is_plain(wire: bytes, peek: ResponsePeek) -> bool:
    """True when every record answers the question itself, once, so that nothing has to be looked at again."""
    offsets = peek.ttl_offsets
    start = 12 + len(peek.question)
    if not offsets or len(offsets) != peek.answers:
        return False
    head = _HERE + peek.question[-4:]
    data = set()
    for offset in offsets:
        if wire[start:offset] != head:
            return False
        start = offset + 6 + (wire[offset + 4] << 8 | wire[offset + 5])
        data.add(wire[offset + 6 : start])
    return len(data) == len(offsets) and not is_as_we_asked(wire, 12 + len(peek.question))


def pertinent(wire: bytes, peek: ResponsePeek) -> Pertinent:
    """The message without OPT record and without what was not asked for. Raises WireError.

    It is written anew when something has to go from its middle, when a name is spelled as only we spell it, when owners
    are written in full though they stood before, and when an alias stands behind where it leads: stub resolvers read
    once. An alias chain that goes in a circle, or never ends, becomes SERVFAIL: that is the name's fault, not the
    upstream's. A referral becomes that, too: whoever refers us to others is no resolver. `wire` and `peek` belong
    together; a message with nothing to change but its OPT record comes back as it is.
    """
    qname, offset = read_name(wire, 12)
    qtype, qclass = wire[offset] << 8 | wire[offset + 1], wire[offset + 2] << 8 | wire[offset + 3]
    seen: dict[int, str] = {}
    answers, offset = read_section(wire, offset + 4, peek.answers, seen)
    authorities, offset = read_section(wire, offset, wire[8] << 8 | wire[9], seen)
    question_end = 12 + len(peek.question)
    chain = _Chain(wire, qname, qtype, [record for record in answers if record.rclass == qclass])
    if chain.endless:
        return Pertinent(_head(wire, question_end, _SERVFAIL, 0, 0), AnswerKind.ENDLESS)
    kept = chain.kept()
    proof = _proofs(wire, [record for record in authorities if record.rclass == qclass], chain) if authorities else []
    kind = AnswerKind.WHOLE
    if not chain.final and not peek.rcode and not any(each.rtype == _SOA for each in proof):
        if kept:
            kind = AnswerKind.HALF
        elif any(each.rtype == _NS and each.owner in chain.above() for each in authorities):
            return Pertinent(_head(wire, question_end, _SERVFAIL, 0, 0), AnswerKind.REFERRAL)
    if kept == answers and _is_tight(wire, kept) and not is_as_we_asked(wire, question_end):
        if proof == authorities and _is_tight(wire, proof):
            if wire[10:12] == (b"\0\0" if peek.opt_at is None else b"\0\1"):
                return Pertinent(wire, kind)
            return Pertinent(_head(wire, peek.additional_at, None, len(kept), len(proof)), kind)
        if not proof:
            return Pertinent(_head(wire, peek.authority_at, None, len(kept), 0), kind)
    return Pertinent(rewritten(wire, question_end, kept, proof), kind)


class _Chain:
    """The names from the question to where its aliases lead, and which records belong to it."""

    def __init__(self, wire: bytes, qname: str, qtype: int, answers: Sequence[RawRecord]) -> None:
        self._wire = wire
        self._qtype = qtype
        self._answers = answers
        # Each name with its place in the chain, and where the alias records stand that lead from one to the next.
        self.places = {qname: 0}
        self._aliases: set[int] = set()
        self.endless = False
        self._end = qname if qtype in (_CNAME, _ANY) else self._follow(qname)
        self.final = False

    def _follow(self, name: str) -> str:
        aliases: dict[str, RawRecord] = {}
        for record in self._answers:
            if record.rtype == _CNAME:
                # A name has one alias (RFC 2181 section 10.1); of several the first counts.
                aliases.setdefault(record.owner, record)
        while (alias := aliases.get(name)) is not None:
            self._aliases.add(alias.start)
            name = read_name(self._wire, alias.data)[0]
            if name in self.places or len(self.places) > MAX_ALIASES:
                self.endless = True
                break
            self.places[name] = len(self.places)
        return name

    def above(self) -> set[str]:
        """Every name of the chain, and each zone that one of them may be in."""
        return {parent for name in self.places for parent in (*ancestors(name), "")}

    def kept(self) -> list[RawRecord]:
        """What belongs to the chain, each record once, in the chain's order; sets `final` when its end has answers."""
        found: dict[tuple[str, int, bytes], tuple[int, RawRecord]] = {}
        for record in self._answers:
            place = self._place(record)
            if place is not None:
                found.setdefault((record.owner, record.rtype, self._wire[record.data : record.end]), (place, record))
        return [record for _, record in sorted(found.values(), key=itemgetter(0))]

    def _place(self, record: RawRecord) -> int | None:
        """Where in the chain it stands, a DNAME in front of the alias that it makes; None for what is no part of it."""
        rtype, qtype, owner = record.rtype, self._qtype, record.owner
        if rtype == _RRSIG and qtype not in (_RRSIG, _ANY):
            rtype = covered(self._wire, record)
        if rtype == _DNAME != qtype:
            below = "." + owner if owner else ""
            return next(
                (2 * place for name, place in self.places.items() if name.endswith(below) and name != owner), None
            )
        place = self.places.get(owner)
        if place is None:
            return None
        if owner == self._end:
            if qtype in (record.rtype, _ANY):
                self.final = True
            return 2 * place + 1 if qtype in (rtype, _ANY) else None
        is_alias = record.start in self._aliases or (rtype == _CNAME != record.rtype)
        return 2 * place + 1 if is_alias else None


def _proofs(wire: bytes, authorities: Sequence[RawRecord], chain: _Chain) -> list[RawRecord]:
    """SOA of a zone above the chain when there is no answer, and signed proofs of that zone in any case."""
    above = chain.above()
    zones = {each.owner for each in authorities if each.rtype == _SOA}
    zones |= {_signer(wire, each) for each in authorities if each.rtype == _RRSIG}
    zones &= above
    found = []
    for record in authorities:
        rtype = covered(wire, record) if record.rtype == _RRSIG else record.rtype
        if rtype == _SOA and not chain.final:
            # Zones without signatures have nothing else to say that nothing is there.
            belongs = record.owner in above
        else:
            belongs = rtype in (_NSEC, _NSEC3) and not zones.isdisjoint((*ancestors(record.owner), ""))
        if belongs:
            found.append(record)
    return found


def _is_tight(wire: bytes, records: Sequence[RawRecord]) -> bool:
    """True when every owner is a pointer, or the root."""
    return all(wire[record.start] >= _POINTER or not wire[record.start] for record in records)


def covered(wire: bytes, record: RawRecord) -> int:
    """The type that a signature covers; 0 for one that is cut off."""
    return wire[record.data] << 8 | wire[record.data + 1] if record.end - record.data >= _SIGNER else 0


def _signer(wire: bytes, record: RawRecord) -> str:
    if record.end - record.data <= _SIGNER:
        raise WireError("A signature in this response is cut off.", Rcode.FORMERR)
    return read_name(wire, record.data + _SIGNER)[0]


def _head(wire: bytes, end: int, rcode: int | None, answers: int, authorities: int) -> bytes:
    """Header with these counts, and the message up to `end`."""
    flags = wire[2:4] if rcode is None else bytes((wire[2], wire[3] & 0xF0 | rcode))
    counts = wire[4:6] + answers.to_bytes(2) + authorities.to_bytes(2) + b"\0\0"
    return wire[:2] + flags + counts + wire[12:end]
