"""One question as it came in."""

from __future__ import annotations

from enum import Enum

from gateway.model.name import Name
from gateway.model.word import word


class Transport(Enum):
    """How a query came to us."""

    UDP = "udp"
    TCP = "tcp"


@word()
class Edns:
    """What the OPT record of a query says (RFC 6891)."""

    udp_size: int
    dnssec_ok: bool = False
    version: int = 0


@word()
class Query:
    """A query with exactly one question.

    `wire` is the whole datagram; `question_end` is the offset behind its question section; `at` is the monotonic
    time of arrival in seconds. `client` is a textual IP address. `key` is equal for questions that one answer serves:
    the QNAME as it stands on the wire in lower case, QTYPE and QCLASS, and one byte that says DO (2) and CD (1).
    """

    id: int
    flags: int
    transport: Transport
    client: str
    name: Name
    qtype: int
    qclass: int
    edns: Edns | None
    wire: bytes
    question_end: int
    at: float
    key: bytes

    @property
    def checking_disabled(self) -> bool:
        return bool(self.flags & 0x0010)

    @property
    def dnssec_ok(self) -> bool:
        return self.edns is not None and self.edns.dnssec_ok
