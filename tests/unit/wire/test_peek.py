from __future__ import annotations

import ipaddress

import dns.edns
import dns.message
import pytest

from gateway.errors import WireError
from gateway.model.query import Edns, Query, Transport
from gateway.wire.peek import peek_query, peek_response
from tests.support.client import question
from tests.unit.wire.samples import query, response


def peek(wire: bytes) -> Query:
    return peek_query(wire, Transport.UDP, "192.168.7.20", 1.5)


def rcode_for(wire: bytes) -> int | None:
    with pytest.raises(WireError) as refused:
        peek(wire)
    return refused.value.rcode


def test_a_query_is_read_without_a_full_parse() -> None:
    wire = question("WWW.Example.com", "HTTPS", edns=1400, dnssec_ok=True, message_id=7).to_wire()
    asked = peek(wire)
    assert (asked.id, asked.name.text, asked.qtype, asked.qclass) == (7, "www.example.com", 65, 1)
    assert asked.edns == Edns(1400, dnssec_ok=True)
    assert not asked.checking_disabled
    assert wire[12 : asked.question_end] == b"\3WWW\7Example\3com\0\0\x41\0\1"
    assert (asked.client, asked.at) == ("192.168.7.20", 1.5)


def test_every_type_is_a_good_question() -> None:
    for qtype in (0, 1, 41, 64, 65, 99, 255, 257, 65280, 65535):
        wire = b"\0\1\1\0\0\1\0\0\0\0\0\0\1a\0" + qtype.to_bytes(2) + b"\0\1"
        assert peek(wire).qtype == qtype


@pytest.mark.parametrize("size", range(12))
def test_a_scrap_is_met_with_silence(size: int) -> None:
    assert rcode_for(bytes(size)) is None


def test_a_response_is_met_with_silence() -> None:
    """Two servers that answer each other's answers never stop."""
    asked = query("example.com")
    assert rcode_for(response(asked)) is None


@pytest.mark.parametrize("opcode", [1, 2, 4, 5, 6, 15])
def test_another_opcode_is_not_implemented(opcode: int) -> None:
    wire = bytearray(question("example.com").to_wire())
    wire[2] |= opcode << 3
    assert rcode_for(bytes(wire)) == 4


@pytest.mark.parametrize("questions", [0, 2, 65535])
def test_any_number_of_questions_but_one_is_a_format_error(questions: int) -> None:
    wire = bytearray(question("example.com").to_wire())
    wire[4:6] = questions.to_bytes(2)
    assert rcode_for(bytes(wire)) == 1


def test_a_query_that_brings_answers_is_a_format_error() -> None:
    wire = bytearray(question("example.com").to_wire())
    wire[7] = 1
    assert rcode_for(bytes(wire)) == 1


def test_a_cut_query_is_a_format_error_wherever_it_is_cut() -> None:
    wire = question("www.example.com", edns=1232).to_wire()
    for size in range(12, len(wire)):
        assert rcode_for(wire[:size]) == 1, size


def test_two_opt_records_are_a_format_error() -> None:
    wire = bytearray(question("example.com", edns=1232).to_wire())
    wire += wire[-11:]
    wire[11] = 2
    assert rcode_for(bytes(wire)) == 1


def test_an_opt_record_is_found_behind_other_records() -> None:
    message = dns.message.from_wire(question("example.com").to_wire())
    wire = bytearray(message.to_wire())
    wire += b"\1x\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4" + b"\0\0\x29\x04\xd0\0\1\x80\0\0\0"
    wire[11] = 2
    assert peek(bytes(wire)).edns == Edns(1232, dnssec_ok=True, version=1)


def test_cookies_and_padding_do_not_disturb() -> None:
    message = question("example.com")
    message.use_edns(
        0, payload=1232, options=[dns.edns.GenericOption(10, b"12345678"), dns.edns.GenericOption(12, bytes(90))]
    )
    assert peek(message.to_wire()).edns == Edns(1232)


def test_a_response_tells_its_ttls_targets_and_addresses() -> None:
    asked = query("www.example.com")
    wire = response(
        asked,
        [
            "www.example.com. 300 CNAME Edge.CDN.example.",
            "edge.cdn.example. 20 A 192.0.2.1",
            "edge.cdn.example. 20 A 192.0.2.2",
        ],
    )
    seen = peek_response(wire)
    assert (seen.rcode, seen.answers, seen.ttl, seen.negative_ttl) == (0, 3, 20, None)
    assert seen.targets == ("edge.cdn.example",)
    assert {str(ipaddress.ip_address(packed)) for packed in seen.addresses} == {"192.0.2.1", "192.0.2.2"}
    assert [int.from_bytes(wire[at : at + 4]) for at in seen.ttl_offsets] == [300, 20, 20]
    assert seen.question == asked.wire[12 : asked.question_end]


def test_a_service_binding_tells_its_target_and_its_hints() -> None:
    asked = query("www.example.com", "HTTPS")
    wire = response(
        asked,
        [
            "www.example.com. 60 HTTPS 1 svc.example.net. alpn=h2 ipv4hint=192.0.2.1,10.0.0.1 ipv6hint=2001:db8::1",
            "www.example.com. 60 HTTPS 2 . alpn=h2",
        ],
    )
    seen = peek_response(wire)
    assert seen.targets == ("svc.example.net",)
    assert [str(ipaddress.ip_address(packed)) for packed in seen.addresses] == ["192.0.2.1", "10.0.0.1", "2001:db8::1"]


def test_a_negative_response_is_kept_for_the_lower_of_the_soas_two_times() -> None:
    asked = query("no.example.com")
    soa = "example.com. {} SOA ns.example.com. host.example.com. 1 2 3 4 {}"
    assert peek_response(response(asked, (), [soa.format(900, 60)], rcode="NXDOMAIN")).negative_ttl == 60
    seen = peek_response(response(asked, (), [soa.format(30, 60)], rcode="NXDOMAIN"))
    assert (seen.negative_ttl, seen.rcode, seen.answers) == (30, 3, 0)


def test_the_extended_rcode_and_the_extended_error_are_read() -> None:
    asked = query("example.com", edns=1232)
    message = dns.message.make_response(dns.message.from_wire(asked.wire))
    message.use_edns(0, options=[dns.edns.EDEOption(6, "bogus")])
    message.set_rcode(23)
    seen = peek_response(message.to_wire())
    assert (seen.rcode, seen.ede) == (23, 6)
    assert seen.opt_at is not None
    assert seen.end == len(message.to_wire())


def test_a_ttl_with_the_top_bit_counts_as_zero() -> None:
    """RFC 2181 section 8."""
    wire = bytearray(response(query("example.com"), ["example.com. 60 A 192.0.2.1"]))
    at = peek_response(bytes(wire)).ttl_offsets[0]
    wire[at] = 0x80
    assert peek_response(bytes(wire)).ttl == 0


def test_a_cut_response_is_refused_wherever_it_is_cut() -> None:
    asked = query("www.example.com", edns=1232)
    wire = response(asked, ["www.example.com. 300 CNAME a.example.", "a.example. 20 A 192.0.2.1"], edns=True)
    for size in range(len(wire)):
        with pytest.raises(WireError):
            peek_response(wire[:size])


def test_an_address_of_the_wrong_length_is_refused() -> None:
    wire = response(query("example.com"), ["example.com. 60 A 192.0.2.1"])
    with pytest.raises(WireError):
        peek_response(wire[:-6] + b"\0\3" + wire[-4:-1])


def test_an_alias_longer_than_its_record_says_is_refused() -> None:
    wire = response(query("example.com"), ["example.com. 60 CNAME other.example.org."])
    with pytest.raises(WireError):
        peek_response(wire.replace(b"\5other\7example\3org\0", b"\5other\7example\3org\1"))


def test_counts_that_cannot_be_true_cost_nothing() -> None:
    wire = bytearray(response(query("example.com")))
    wire[6:12] = b"\xff" * 6
    with pytest.raises(WireError, match="counts"):
        peek_response(bytes(wire))
