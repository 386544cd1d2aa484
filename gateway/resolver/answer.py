"""An answer inside the chain, with what is known of its bytes, so that nobody walks them twice."""

from __future__ import annotations

import dataclasses

from gateway.errors import WireError
from gateway.model.dns import Ede, Rcode
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.model.verdict import ALLOWED
from gateway.model.word import word
from gateway.wire.bailiwick import AnswerKind, is_plain, pertinent
from gateway.wire.lifetimes import settled
from gateway.wire.message import failure
from gateway.wire.patch import bare
from gateway.wire.peek import ResponsePeek, peek_response
from gateway.wire.plain import peek_plain

# RFC 9520 section 3.2: a failure is remembered for at least a second. So is what says too little to be kept: a negative
# answer without an SOA record (RFC 2308 section 5), and an alias without what it leads to.
FAILURE_TTL = 2
# A member of an enum costs a look-up each time.
_UPSTREAM = Source.UPSTREAM
# Why an answer that says nothing useful is a failure (RFC 8914).
_WHY = {AnswerKind.ENDLESS: int(Ede.OTHER), AnswerKind.REFERRAL: int(Ede.NO_REACHABLE_AUTHORITY)}
# "Blocked" means that we did it; an upstream that did it filters for us (RFC 8914 sections 4.16 and 4.18).
_FILTERED_ABOVE = frozenset({Ede.BLOCKED, Ede.FILTERED})


@word()
class Answer(Response):
    """A response that came from an upstream or the cache.

    `peek` was taken before the OPT record was removed; its other offsets are those of `wire`. `recheck` is for how
    many seconds at most a copy may be handed out without asking the cache again. `half` is an alias without what it
    leads to: better than nothing, and no more.
    """

    peek: ResponsePeek | None = None
    recheck: int = 0
    half: bool = False

    def ttl_offsets_in(self, wire: bytes) -> tuple[int, ...]:
        """Where the TTLs stand in what became of it for one client: none in a truncated reply, or fewer."""
        if self.peek is None or wire[2] & 0x02:
            return ()
        offsets = self.peek.ttl_offsets
        if offsets and offsets[-1] + 4 > len(wire):
            return tuple(offset for offset in offsets if offset + 4 <= len(wire))
        return offsets


def answer_of(reply: bytes, *, vouched: bool = False, asked: bytes = b"") -> Answer:
    """What an upstream received, cut down to what it was asked and fit to be kept. Raises WireError.

    `vouched` is whether the owner trusts this upstream, and the way to it, to say that data is authentic. `asked` is
    the key of the query (see Query): with it, most answers need no second look.
    """
    plain = peek_plain(reply, asked[:-1])
    if plain is not None:
        return Answer(bare(reply, plain, vouched=vouched), 0, _UPSTREAM, ALLOWED, None, (), plain.ttl or 0, plain)
    received = peek = peek_response(reply)
    if not peek.question:
        raise WireError(f"It has no question, only rcode {peek.rcode}.")
    kind = AnswerKind.WHOLE
    if not is_plain(reply, peek):
        found = pertinent(reply, peek)
        kind = found.kind
        if found.wire is not reply:
            reply = found.wire
            peek = peek_response(reply)
    wire, peek = settled(bare(reply, peek, vouched=vouched), peek)
    ede = Ede.FILTERED if received.ede in _FILTERED_ABOVE else _WHY.get(kind, received.ede)
    half = kind is AnswerKind.HALF
    ttl = lifetime(peek)
    return Answer(
        wire, peek.rcode | received.rcode & ~0x0F, Source.UPSTREAM, ede=ede, targets=peek.targets,
        ttl=min(ttl, FAILURE_TTL) if half else ttl, half=half,
        peek=peek if received.ede is None or peek.ede == received.ede else dataclasses.replace(peek, ede=received.ede),
    )  # fmt: skip


def peek_of(response: Response) -> ResponsePeek:
    """What is known of the response, read now if nobody did before. Raises WireError."""
    return (isinstance(response, Answer) and response.peek) or peek_response(response.wire)


def lifetime(peek: ResponsePeek) -> int:
    """For how many seconds an answer may be kept (RFC 2308 section 5)."""
    if peek.negative_ttl is not None:
        return peek.negative_ttl if peek.ttl is None else min(peek.ttl, peek.negative_ttl)
    if peek.rcode == Rcode.NXDOMAIN or not peek.answers:
        return FAILURE_TTL
    return peek.ttl or 0


def failed(query: Query, ede: int, ttl: int = 0) -> Response:
    """SERVFAIL with the extended error that says why."""
    return Response(failure(query, Rcode.SERVFAIL), Rcode.SERVFAIL, Source.ERROR, ede=ede, ttl=ttl)
