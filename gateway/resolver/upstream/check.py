"""Is this the answer to what we asked? The checks that keep forged answers out (RFC 5452 section 9)."""

from __future__ import annotations

import os
from enum import Enum

_RESPONSE_BITS, _TC = 0xF8, 0x02
# A response to a plain query, RD set, neither AA nor TC: what a resolver sends.
_WHOLE_RESPONSE = b"\x81"
_HEADER_ONLY_RCODES = frozenset({1, 2, 4, 5})
_EDNS_UNKNOWN_RCODES = frozenset({1, 4})
_POOL_SIZE = 1_024


class Match(Enum):
    """How a reply fits a query."""

    NO = "not an answer to this query"
    YES = "an answer to this query"
    CASE = "an answer, but the name is not spelled as we spelled it"
    TRUNCATED = "an answer that was cut off"
    NO_EDNS = "the upstream does not understand our OPT record"


# A member of an enum costs a look-up each time.
_YES = Match.YES


def match(reply: bytes, message_id: int, asked: bytes, *, edns: bool) -> Match:
    """Compares a reply with what went out: the id, and `asked`, the question section as we spelled it.

    The sender's address was checked by the connected socket. Servers that cannot read a query may answer it with a bare
    header.
    """
    if (
        reply[2:3] == _WHOLE_RESPONSE
        and reply[3] & 0x0F not in _EDNS_UNKNOWN_RCODES
        and reply[4:6] == b"\0\1"
        and reply[12 : 12 + len(asked)] == asked
        and reply[0] << 8 | reply[1] == message_id
    ):
        return _YES
    if len(reply) < 12 or reply[0] << 8 | reply[1] != message_id or reply[2] & _RESPONSE_BITS != 0x80:
        return Match.NO
    rcode = reply[3] & 0x0F
    questions = reply[4] << 8 | reply[5]
    answered = reply[12 : 12 + len(asked)]
    spelled = answered == asked
    if questions == 0:
        if rcode not in _HEADER_ONLY_RCODES:
            return Match.NO
    elif questions != 1 or (
        not spelled and (answered[-4:] != asked[-4:] or answered[:-4].lower() != asked[:-4].lower())
    ):
        return Match.NO
    if edns and rcode in _EDNS_UNKNOWN_RCODES:
        return Match.NO_EDNS
    if questions and not spelled:
        return Match.CASE
    return Match.TRUNCATED if reply[2] & _TC else Match.YES


class Noise:
    """Random bytes of the kernel, fetched many at a time."""

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        at, end = self._at, self._at + count
        if end > len(self._pool):
            self._pool, at, end = os.urandom(max(_POOL_SIZE, count)), 0, count
        self._at = end
        return self._pool[at:end]

    def number(self) -> int:
        """0..65535"""
        return int.from_bytes(self.take(2))
