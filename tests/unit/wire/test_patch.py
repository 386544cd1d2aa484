from __future__ import annotations

import dns.flags
import dns.message
import pytest

from gateway.model.query import Transport
from gateway.wire.patch import aged, bare, fit, with_ttl
from gateway.wire.peek import peek_response
from tests.unit.wire.samples import query, response

SOA = "example.com. 60 SOA ns.example.com. host.example.com. 1 2 3 4 60"


def kept(wire: bytes) -> bytes:
    return bare(wire, peek_response(wire))


def many(count: int) -> list[str]:
    return [f"example.com. 60 A 192.0.2.{n}" for n in range(1, count + 1)]


def test_what_is_kept_has_no_id_no_opt_record_no_authority_of_its_own_and_a_plain_name() -> None:
    asked = query("eXample.com", edns=1232)
    wire = kept(response(asked, many(2), flags=dns.flags.AA | dns.flags.AD, edns=True))
    message = dns.message.from_wire(wire)
    assert (message.id, message.edns) == (0, -1)
    assert message.question[0].name.to_text() == "example.com."
    assert not message.flags & dns.flags.AA
    assert message.flags & dns.flags.AD
    assert len(message.answer[0]) == 2


def test_records_behind_the_opt_record_are_not_kept() -> None:
    wire = bytearray(response(query("example.com", edns=1232), many(1), edns=True))
    wire += b"\1x\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4"
    wire[11] = 2
    assert dns.message.from_wire(kept(bytes(wire))).additional == []


def test_bytes_behind_the_last_record_are_not_kept() -> None:
    """They would stand where the OPT record is to go."""
    asked = query("example.com", edns=1232)
    for edns in (True, False):
        wire = response(asked, many(1), edns=edns) + b"garbage"
        assert dns.message.from_wire(fit(kept(wire), asked)).edns == 0


def test_the_answer_fits_the_query_at_hand() -> None:
    stored = kept(response(query("example.com", edns=1232), many(1), edns=True))
    asked = query("EXAMPLE.com", edns=1400, dnssec_ok=True, checking_disabled=True, recursion=False, message_id=0xBEEF)
    message = dns.message.from_wire(fit(stored, asked))
    assert message.id == 0xBEEF
    assert message.question[0].name.to_text() == "EXAMPLE.com."
    assert message.flags == dns.flags.QR | dns.flags.RA | dns.flags.CD
    assert (message.payload, message.ednsflags) == (1232, 0x8000)
    assert message.answer[0].name.to_text() == "EXAMPLE.com.", "the owner follows the question by its pointer"


def test_a_client_without_edns_gets_none_and_no_extended_error() -> None:
    stored = kept(response(query("example.com", edns=1232), many(1), edns=True))
    assert dns.message.from_wire(fit(stored, query("example.com"), ede=15)).edns == -1


def test_authenticated_data_is_only_for_those_who_asked() -> None:
    stored = kept(response(query("example.com"), many(1), flags=dns.flags.AD))
    for asked, authentic in (
        (query("example.com"), False),
        (query("example.com", authentic=True), True),
        (query("example.com", dnssec_ok=True), True),
    ):
        assert bool(dns.message.from_wire(fit(stored, asked)).flags & dns.flags.AD) == authentic


def test_an_answer_that_is_too_long_says_so_and_is_empty() -> None:
    stored = kept(response(query("example.com"), many(60)))
    for asked, limit in ((query("example.com"), 512), (query("example.com", edns=900), 900)):
        wire = fit(stored, asked)
        assert len(wire) <= limit
        message = dns.message.from_wire(wire)
        assert message.flags & dns.flags.TC
        assert message.answer == []
        assert (message.edns == 0) == (asked.edns is not None)
    whole = dns.message.from_wire(fit(stored, query("example.com", transport=Transport.TCP)))
    assert len(whole.answer[0]) == 60
    assert not whole.flags & dns.flags.TC


def test_records_that_are_only_a_courtesy_go_first() -> None:
    asked = query("example.com", "MX")
    courtesy = [f"mail{n}.example.com. 60 A 192.0.2.{n}" for n in range(1, 30)]
    stored = kept(
        response(asked, ["example.com. 60 MX 1 mail1.example.com."], ["example.com. 60 NS ns.example.com."], courtesy)
    )
    message = dns.message.from_wire(fit(stored, asked))
    assert not message.flags & dns.flags.TC
    assert (len(message.answer), len(message.authority), len(message.additional)) == (1, 1, 0)


def test_the_authority_of_a_positive_answer_goes_next() -> None:
    servers = [f"example.com. 60 NS ns{n}.a-rather-long-label-indeed.example.net." for n in range(30)]
    asked = query("example.com")
    message = dns.message.from_wire(fit(kept(response(asked, many(2), servers)), asked))
    assert not message.flags & dns.flags.TC
    assert (len(message.answer[0]), message.authority) == (2, [])


def test_a_negative_answer_keeps_its_soa_record() -> None:
    asked = query("no.example.com", edns=1232)
    message = dns.message.from_wire(fit(kept(response(asked, (), [SOA], rcode="NXDOMAIN", edns=True)), asked))
    assert message.rcode() == 3
    assert message.authority[0].to_text().startswith("example.com. 60 IN SOA")


@pytest.mark.parametrize(("seconds", "left"), [(0, [300, 20]), (1, [299, 19]), (20, [280, 0]), (400, [0, 0])])
def test_ttls_count_down_and_never_below_zero(seconds: int, left: list[int]) -> None:
    wire = kept(
        response(query("www.example.com"), ["www.example.com. 300 CNAME a.example.", "a.example. 20 A 192.0.2.1"])
    )
    offsets = peek_response(wire).ttl_offsets
    older = aged(wire, offsets, seconds)
    assert [rrset.ttl for rrset in dns.message.from_wire(older).answer] == left
    assert len(older) == len(wire)


def test_a_ttl_can_be_set_on_every_record() -> None:
    wire = kept(response(query("example.com"), many(2), [SOA]))
    message = dns.message.from_wire(with_ttl(wire, peek_response(wire).ttl_offsets, 30))
    assert {rrset.ttl for rrset in message.answer + message.authority} == {30}


def test_the_upper_bits_of_an_rcode_travel_in_the_opt_record() -> None:
    asked = query("example.com", edns=1232)
    assert dns.message.from_wire(fit(kept(response(asked)), asked, rcode=16)).rcode() == 16
