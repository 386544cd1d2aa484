"""Type ANY gets as little as RFC 8482 allows, and only where the sender may be forged."""

from __future__ import annotations

import dns.message
import pytest

from gateway.model.query import Transport
from gateway.resolver.minimal import Minimal
from gateway.wire.message import null_answer
from tests.support.clock import run_simulated
from tests.unit.resolver.stage import Below, answer
from tests.unit.wire.samples import query


def test_any_over_udp_is_one_record_that_nobody_acts_upon() -> None:
    rest = Below(RuntimeError("nobody is to be asked"))
    asked = query("tv.example", "ANY")
    reply = dns.message.from_wire(run_simulated(Minimal().resolve(asked, rest)).wire)
    assert [str(rrset) for rrset in reply.answer] == ['tv.example. 3600 IN HINFO "RFC8482" ""']
    assert len(reply.to_wire()) < 2 * len(asked.wire), "it is no use for amplification"


@pytest.mark.parametrize(("rtype", "transport"), [("ANY", Transport.TCP), ("A", Transport.UDP)])
def test_everything_else_is_asked_for(rtype: str, transport: Transport) -> None:
    rest = Below(lambda asked: answer(asked, "tv.example. 60 A 192.0.2.1"))
    run_simulated(Minimal().resolve(query("tv.example", rtype, transport=transport), rest))
    assert len(rest.asked) == 1


def test_a_blocked_name_says_no_more_to_any() -> None:
    reply = dns.message.from_wire(null_answer(query("ads.example", "ANY"), 10))
    assert [str(rrset) for rrset in reply.answer] == ['ads.example. 10 IN HINFO "RFC8482" ""']
