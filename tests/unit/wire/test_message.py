from __future__ import annotations

import ipaddress

import dns.message
import dns.rdatatype
import pytest

from gateway.errors import WireError
from gateway.model.name import Name
from gateway.wire.message import (
    address_answer,
    failure,
    negative_answer,
    null_answer,
    parse,
    pointer_answer,
    refusal,
    render,
)
from gateway.wire.peek import peek_response
from tests.unit.wire.samples import query

HOME = (ipaddress.ip_address("192.168.7.1"), ipaddress.ip_address("fd00::1"))


def test_a_blocked_name_gets_the_null_address() -> None:
    for rtype, address in (("A", "0.0.0.0"), ("AAAA", "::")):
        message = dns.message.from_wire(null_answer(query("ads.example", rtype), 10))
        assert [rrset.to_text() for rrset in message.answer] == [f"ads.example. 10 IN {rtype} {address}"]
        assert message.rcode() == 0


@pytest.mark.parametrize("rtype", ["HTTPS", "SVCB", "TXT", "MX", "TYPE65280"])
def test_other_types_of_a_blocked_name_have_no_data(rtype: str) -> None:
    message = dns.message.from_wire(null_answer(query("ads.example", rtype), 10))
    assert (message.rcode(), message.answer) == (0, [])
    soa = message.authority[0]
    assert (soa.rdtype, soa.ttl, soa[0].minimum) == (dns.rdatatype.SOA, 10, 10)


def test_a_negative_answer_of_ours_is_kept_for_as_long_as_we_say() -> None:
    wire = negative_answer(query("no.example"), 3, 60)
    assert (peek_response(wire).rcode, peek_response(wire).negative_ttl) == (3, 60)


def test_local_names_answer_with_the_addresses_that_fit_the_type() -> None:
    for rtype, address in (("A", "192.168.7.1"), ("AAAA", "fd00::1")):
        message = dns.message.from_wire(address_answer(query("telltale.lan", rtype), HOME, 60))
        assert [rrset.to_text() for rrset in message.answer] == [f"telltale.lan. 60 IN {rtype} {address}"]
    assert dns.message.from_wire(address_answer(query("telltale.lan", "TXT"), HOME, 60)).answer == []
    assert dns.message.from_wire(address_answer(query("telltale.lan", "AAAA"), HOME[:1], 60)).answer == []


def test_an_address_of_ours_has_a_name() -> None:
    asked = query("1.7.168.192.in-addr.arpa", "PTR")
    message = dns.message.from_wire(pointer_answer(asked, Name("telltale.lan"), 60))
    assert message.answer[0][0].to_text() == "telltale.lan."
    assert dns.message.from_wire(pointer_answer(query("1.7.168.192.in-addr.arpa"), Name("x"), 60)).answer == []


def test_a_failure_keeps_the_question() -> None:
    message = dns.message.from_wire(failure(query("example.com", message_id=77), 2))
    assert (message.id, message.rcode(), message.question[0].name.to_text()) == (77, 2, "example.com.")


def test_a_refusal_is_twelve_bytes_and_keeps_id_and_opcode() -> None:
    wire = refusal(b"\xab\xcd\x29\x00" + bytes(range(60)), 4)
    assert wire == b"\xab\xcd\xa9\x04" + bytes(8)


def test_the_full_parse_agrees_and_makes_one_error_of_every_failure() -> None:
    wire = null_answer(query("ads.example"), 10)
    assert "0.0.0.0" in render(wire)
    assert str(parse(wire).q.qname) == "ads.example."
    for broken in (b"", b"\0" * 11, wire[:-3], b"\xff" * 40):
        with pytest.raises(WireError):
            parse(broken)
