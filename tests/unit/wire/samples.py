"""Messages for the tests of the wire, made by an independent implementation."""

from __future__ import annotations

from collections.abc import Sequence

import dns.flags
import dns.message
import dns.rcode

from gateway.model.query import Query, Transport
from gateway.wire.peek import peek_query
from tests.support.client import question
from tests.support.zone import Reply, build


def query(
    name: str,
    rtype: str | int = "A",
    *,
    edns: int | None = None,
    dnssec_ok: bool = False,
    checking_disabled: bool = False,
    authentic: bool = False,
    recursion: bool = True,
    transport: Transport = Transport.UDP,
    client: str = "192.168.7.20",
    at: float = 0.0,
    message_id: int = 0x1234,
) -> Query:
    message = question(
        name,
        rtype,
        edns=edns,
        dnssec_ok=dnssec_ok,
        checking_disabled=checking_disabled,
        recursion=recursion,
        message_id=message_id,
    )
    if authentic:
        message.flags |= dns.flags.AD
    return peek_query(message.to_wire(), transport, client, at)


def response(
    asked: Query,
    answer: Sequence[str] = (),
    authority: Sequence[str] = (),
    additional: Sequence[str] = (),
    *,
    rcode: str = "NOERROR",
    flags: int = 0,
    edns: bool = False,
) -> bytes:
    """What an upstream says to this query; records are "NAME TTL TYPE RDATA"."""
    message = dns.message.from_wire(asked.wire)
    made = build(message, Reply(tuple(answer), tuple(authority), tuple(additional), rcode))
    made.flags |= flags
    if edns:
        made.use_edns(0, payload=1232, options=[])
    elif asked.edns is None:
        made.use_edns(False)
    return made.to_wire(max_size=65535)
