"""Type ANY over UDP gets as little as RFC 8482 section 4.2 allows: it serves nobody but those who forge senders."""

from __future__ import annotations

from gateway.model.dns import QType, Rcode
from gateway.model.query import Query, Transport
from gateway.model.response import Response, Source
from gateway.resolver.link import Prompt
from gateway.wire.message import minimal_answer

_TTL = 3_600
# A plain number: an enum's member costs a look-up each time.
_ANY = int(QType.ANY)


class Minimal(Prompt):
    """Over TCP, where the sender cannot be forged, ANY is asked for like any other type (RFC 8482 section 4.4)."""

    def answer(self, query: Query) -> Response | None:
        if query.qtype != _ANY or query.transport is not Transport.UDP:
            return None
        return Response(minimal_answer(query, _TTL), Rcode.NOERROR, Source.LOCAL, ttl=_TTL)
