"""One question as it came in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.model.name import Name


class Transport(Enum):
    """How a query came to us."""

    UDP = "udp"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Edns:
    """What the OPT record of a query says (RFC 6891)."""

    udp_size: int
    dnssec_ok: bool = False
    version: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """A query with exactly one question.

    `wire` is the whole datagram; `question_end` is the offset behind its question section; `at` is the monotonic
    time of arrival in seconds. `client` is a textual IP address.
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

    @property
    def recursion_desired(self) -> bool:
        return bool(self.flags & 0x0100)

    @property
    def checking_disabled(self) -> bool:
        return bool(self.flags & 0x0010)

    @property
    def dnssec_ok(self) -> bool:
        return self.edns is not None and self.edns.dnssec_ok
