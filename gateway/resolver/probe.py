"""What this box says of itself over DNS: whether names are blocked. Whoever claims it elsewhere asks here first.

It is the same process, sockets and policy that answer televisions, so it cannot be true of the one and false of the
other. It stands in no history: no device looked anything up.
"""

from __future__ import annotations

from gateway.model.effect import PROBE
from gateway.model.policy import Policy
from gateway.model.query import Query
from gateway.wire.message import text_answer
from gateway.wire.patch import fit

_IN = 1


def of_ourselves(query: Query, policy: Policy) -> bytes | None:
    """The whole reply to a query for our own state; None for any other. Never to be kept: TTL 0."""
    if query.name.text != PROBE or query.qclass != _IN:
        return None
    return fit(text_answer(query, policy.effect.value, 0), query)
