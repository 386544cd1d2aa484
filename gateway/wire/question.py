"""Questions as we ask and as we remember them."""

from __future__ import annotations

from gateway.model.query import Query
from gateway.model.word import word
from gateway.wire.edns import opt_record

_CASE_BIT = bytes(0x20 if chr(byte).isascii() and chr(byte).isalpha() else 0 for byte in range(256))
_RD, _AD, _CD = 0x0100, 0x0020, 0x0010
# What stands between id and question, by (with an OPT record, CD), and the OPT record, by DO.
_HEADS = {
    (edns, disabled): (_RD | _AD | disabled * _CD).to_bytes(2) + b"\0\1\0\0\0\0\0" + bytes((edns,))
    for edns in (False, True)
    for disabled in (False, True)
}
_OPTS = {dnssec_ok: opt_record(dnssec_ok=dnssec_ok) for dnssec_ok in (False, True)}


@word()
class Question:
    """What an upstream is asked. `name` is the lower-cased QNAME as it stands on the wire, `tail` QTYPE and QCLASS."""

    name: bytes
    tail: bytes
    dnssec_ok: bool = False
    checking_disabled: bool = False

    @classmethod
    def of(cls, query: Query) -> Question:
        key = query.key
        options = key[-1]
        return cls(key[:-5], key[-5:-1], options > 1, options & 1 == 1)

    @property
    def key(self) -> bytes:
        """Equal for questions that one answer serves: name, type, class, DO and CD."""
        return self.name + self.tail + bytes((self.dnssec_ok << 1 | self.checking_disabled,))


def shuffle_case(name: bytes, noise: bytes) -> bytes:
    """The same wire name, with each letter's case set by a bit of `noise` ("0x20", Dagon et al., CCS 2008).

    Bytes of length are below 64 and letters above, so that a name can be treated as one string. `noise` is at least as
    long as `name`.
    """
    size = len(name)
    flips = int.from_bytes(name.translate(_CASE_BIT)) & int.from_bytes(noise[:size])
    return (int.from_bytes(name) ^ flips).to_bytes(size)


def build_query(message_id: int, question: Question, *, spelled: bytes | None = None, edns: bool = True) -> bytes:
    """A recursive query. `spelled` is the name as `shuffle_case` made it. AD asks which answers validated.

    Options of the client (client subnet, cookies) never leave the home: the OPT record is our own.
    """
    head = _HEADS[edns, question.checking_disabled]
    opt = _OPTS[question.dnssec_ok] if edns else b""
    return b"".join((message_id.to_bytes(2), head, spelled or question.name, question.tail, opt))
