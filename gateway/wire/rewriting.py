"""Messages that are written anew: their names compressed (RFC 1035 section 4.1.4), and none spelled as we asked.

The letters of our questions are random (see `shuffle_case`); an upstream that writes names in full repeats them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway.errors import WireError
from gateway.model.dns import QType, Rcode
from gateway.wire.names import read_labels
from gateway.wire.record import RawRecord

_NAPTR, _NSEC = 35, 47
# Where names stand in the data of a type: bytes in front of them, how many. Of these types, RFC 1035 lets names be
# compressed; all others must come uncompressed (RFC 3597 section 4), though some used not to.
_COMPRESSIBLE = {
    2: (0, 1), 3: (0, 1), 4: (0, 1), 5: (0, 1), 6: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), 12: (0, 1), 14: (0, 2),
    15: (2, 1),
}  # fmt: skip
_SPELLED_OUT = {
    17: (0, 2), 18: (2, 1), 21: (2, 1), 24: (18, 1), 26: (2, 2), 30: (0, 1), 33: (6, 1), 36: (2, 1), 39: (0, 1),
    46: (18, 1),
}  # fmt: skip
# In these a signature covers a name as it is spelled (RFC 6840 section 5.1, RFC 9460).
_SIGNED_AS_SPELLED = {_NSEC: (0, 1), int(QType.SVCB): (2, 1), int(QType.HTTPS): (2, 1)}
_LAST_POINTER = 0x3FFF
_MAX_LABEL = 63


def is_as_we_asked(wire: bytes, question_end: int) -> bool:
    """True when a label behind the question is spelled in capitals just as the question has it."""
    name, at = wire[12 : question_end - 4], 0
    if name == name.lower():
        return False
    # A search of a short message for three labels costs less than reading its first record.
    while 0 < (size := name[at]) <= _MAX_LABEL:
        label = name[at : at + size + 1]
        if wire.find(label, question_end) >= 0 and label != label.lower():
            return True
        at += size + 1
    return False


def rewritten(
    wire: bytes, question_end: int, answers: Collection[RawRecord], authorities: Collection[RawRecord]
) -> bytes:
    """The message with these of its records and no others. Raises WireError."""
    counts = wire[4:6] + len(answers).to_bytes(2) + len(authorities).to_bytes(2) + b"\0\0"
    writer = _Writer(wire[:4] + counts, wire[12:question_end])
    signed = any(record.rtype == QType.RRSIG for record in (*answers, *authorities))
    writer.write(wire, (*answers, *authorities), signed=signed)
    return bytes(writer.out)


class _Writer:
    """Writes behind a header and a question. Raises WireError when the question is no plain name."""

    def __init__(self, header: bytes, question: bytes) -> None:
        self.out = bytearray(header + question)
        # Labels that are to be written in lower case.
        self._ours: set[bytes] = set()
        # Where each name, or end of one, stands; by its bytes in lower case.
        self._known: dict[bytes, int] = {}
        name, at = question[:-4], 0
        while size := name[at]:
            if size > _MAX_LABEL:
                raise WireError("The question of this response is compressed.", Rcode.FORMERR)
            label = name[at + 1 : at + size + 1]
            if label != label.lower():
                self._ours.add(label)
            self._known[name[at:].lower()] = len(header) + at
            at += size + 1

    def write(self, wire: bytes, records: Iterable[RawRecord], *, signed: bool) -> None:
        for record in records:
            self._name(read_labels(wire, record.start)[0])
            self.out += wire[record.data - 10 : record.data - 2] + b"\0\0"
            begin = len(self.out)
            self._data(wire, record, signed)
            self.out[begin - 2 : begin] = (len(self.out) - begin).to_bytes(2)

    def _data(self, wire: bytes, record: RawRecord, signed: bool) -> None:
        rtype = record.rtype
        place = _COMPRESSIBLE.get(rtype) or _SPELLED_OUT.get(rtype)
        if place is None and not signed:
            place = _SIGNED_AS_SPELLED.get(rtype)
        before, names = (_behind_strings(wire, record), 1) if rtype == _NAPTR else place or (0, 0)
        at = record.data + before
        self.out += wire[record.data : at]
        for _ in range(names):
            if at >= record.end:
                raise WireError("A record of this response is cut off.", Rcode.FORMERR)
            labels, at = read_labels(wire, at)
            self._name(labels, compressed=rtype in _COMPRESSIBLE)
        if at > record.end:
            raise WireError("A name in this response is longer than its record.", Rcode.FORMERR)
        self.out += wire[at : record.end]

    def _name(self, labels: list[bytes], *, compressed: bool = True) -> None:
        spelled = b"".join(bytes((len(label),)) + (label.lower() if label in self._ours else label) for label in labels)
        if not compressed:
            self.out += spelled + b"\0"
            return
        known, lowered, at = self._known, spelled.lower() + b"\0", 0
        while lowered[at]:
            end = lowered[at:]
            if (target := known.get(end)) is not None:
                self.out += (0xC000 | target).to_bytes(2)
                return
            if len(self.out) <= _LAST_POINTER:
                known[end] = len(self.out)
            self.out += spelled[at : at + spelled[at] + 1]
            at += spelled[at] + 1
        self.out += b"\0"


def _behind_strings(wire: bytes, record: RawRecord) -> int:
    """The size of what stands in front of the name of a NAPTR record: two numbers, three texts (RFC 3403)."""
    at = record.data + 4
    for _ in range(3):
        if at >= record.end:
            raise WireError("A NAPTR record of this response is cut off.", Rcode.FORMERR)
        at += wire[at] + 1
    return at - record.data
