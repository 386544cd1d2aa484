"""Messages that are written anew: compressed, and none of our random letters in them."""

from __future__ import annotations

import dns.message
import pytest

from gateway.errors import WireError
from gateway.wire.patch import bare, fit
from gateway.wire.peek import peek_response
from gateway.wire.record import read_section
from gateway.wire.rewriting import is_as_we_asked, rewritten
from tests.support.written import spelled_out
from tests.unit.wire.samples import query

LONG = "a-rather-long-name.of-a-content-delivery-network.region-eu-central-1.example-cloud.example.com"


def anew(wire: bytes) -> bytes:
    peek = peek_response(wire)
    end = 12 + len(peek.question)
    seen: dict[int, str] = {}
    answers, at = read_section(wire, end, peek.answers, seen)
    authorities, _ = read_section(wire, at, wire[8] << 8 | wire[9], seen)
    return rewritten(wire, end, answers, authorities)


def records(wire: bytes) -> list[str]:
    message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    return [rrset.to_text() for rrset in (*message.answer, *message.authority)]


RECORDS = {
    "A": "192.0.2.1",
    "NS": "ns.Example.com.",
    "CNAME": "Edge.example.com.",
    "SOA": "ns.example.com. host.example.com. 1 2 3 4 5",
    "PTR": "Living-Room.example.com.",
    "MX": "10 mail.example.com.",
    "TXT": '"www.example.com"',
    "RP": "mbox.example.com. text.example.com.",
    "AFSDB": "1 afs.example.com.",
    "RT": "10 rt.example.com.",
    "SRV": "1 2 443 host.example.com.",
    "PX": "10 map822.example.com. mapx400.example.com.",
    "KX": "10 kx.example.com.",
    "NAPTR": '10 20 "u" "E2U+sip" "!^.*$!sip:x@example.com!" next.example.com.',
    "DNAME": "example.net.",
    "NSEC": "zzz.example.com. A",
    "RRSIG": "A 8 3 60 20300101000000 20200101000000 1 example.com. AAAA",
    "SVCB": "1 svc.example.com. alpn=h2",
    "HTTPS": "1 . alpn=h2,h3 ipv4hint=192.0.2.1",
    "CAA": '0 issue "ca.example.com"',
    "TYPE65280": r"\# 4 c0 0c 01 02",
}


@pytest.mark.parametrize("rtype", RECORDS)
def test_every_type_says_the_same_after_it(rtype: str) -> None:
    asked = "WwW.eXaMpLe.CoM"
    lines = [f"{asked}. 60 {rtype} {RECORDS[rtype]}", f"other.{asked}. 60 {rtype} {RECORDS[rtype]}"]
    for compressed in (False, True):
        wire = spelled_out(asked, rtype, lines, compressed=compressed)
        made = anew(wire)
        assert [line.lower() for line in records(made)] == [line.lower() for line in records(wire)]
        assert len(made) <= len(wire)
        assert not is_as_we_asked(bare(made, peek_response(made)), 12 + len(asked) + 6)


def test_the_client_sees_its_own_spelling_or_lower_case() -> None:
    asked = "wWw.ExAmPlE.cOm"
    lines = [
        f"{asked}. 60 CNAME eDGe.ExAmPlE.cOm.",
        "eDGe.ExAmPlE.cOm. 60 CNAME Site.Cdn.Net.",
        "Site.Cdn.Net. 60 A 192.0.2.1",
    ]
    wire = anew(spelled_out(asked, "A", lines))
    message = dns.message.from_wire(fit(bare(wire, peek_response(wire)), query("WWW.example.com")))
    assert [rrset.to_text() for rrset in message.answer] == [
        "WWW.example.com. 60 IN CNAME eDGe.example.com.",
        "eDGe.example.com. 60 IN CNAME Site.Cdn.Net.",
        "Site.Cdn.Net. 60 IN A 192.0.2.1",
    ]


def test_what_a_signature_covers_as_it_is_spelled_stays_so() -> None:
    asked = "WwW.example.com"
    lines = [
        f"{asked}. 60 HTTPS 1 svc.WwW.example.com.",
        f"{asked}. 60 RRSIG {RECORDS['RRSIG'].replace('A 8', 'HTTPS 8')}",
    ]
    assert b"\3WwW" in anew(spelled_out(asked, "HTTPS", lines))[33:]
    assert b"\3WwW" not in anew(spelled_out(asked, "HTTPS", lines[:1]))[33:]


def test_eight_addresses_of_a_long_name_fit_into_512_bytes() -> None:
    wire = spelled_out(LONG, "A", [f"{LONG}. 60 A 192.0.2.{n}" for n in range(8)])
    assert len(wire) > 512
    assert len(anew(wire)) == 12 + len(LONG) + 6 + 8 * 16


@pytest.mark.parametrize("end", range(20, 60))
def test_names_that_are_cut_off_are_refused(end: int) -> None:
    wire = spelled_out("www.example.com", "MX", ["www.example.com. 60 MX 10 mail.example.com."])
    broken = bytearray(wire[: -60 + end])
    try:
        made = anew(bytes(broken))
    except WireError:
        return
    peek_response(made)


def test_thousands_of_records_of_the_longest_name_take_one_reading_of_it() -> None:
    name = ".".join(["a"] * 127)
    wire = spelled_out(name, "A", [f"{name}. 60 A 10.0.{n >> 8}.{n & 255}" for n in range(3000)], compressed=True)
    made = anew(wire)
    assert made == wire


def test_the_upstream_of_these_tests_writes_names_in_full() -> None:
    wire = spelled_out("www.example.com", "A", ["www.example.com. 60 A 192.0.2.1"])
    assert wire.count(b"\3www\7example\3com\0") == 2
    assert records(wire) == ["www.example.com. 60 IN A 192.0.2.1"]
