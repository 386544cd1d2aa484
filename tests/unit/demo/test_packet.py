"""The demo's own messages, against an independent DNS implementation."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rdatatype
import pytest

from gateway.demo.packet import (
    Record,
    TelevisionAnswer,
    address_rdata,
    https_rdata,
    read_answer,
    read_query,
    soa_rdata,
    write_answer,
    write_query,
)
from gateway.errors import WireError
from gateway.model.dns import QType, Rcode
from gateway.model.name import Name


def asked(name: str = "tv.example", rtype: str = "A", **options: object) -> bytes:
    return dns.message.make_query(name, rtype, **options).to_wire()  # type: ignore[arg-type]


def test_a_query_is_what_others_understand() -> None:
    message = dns.message.from_wire(write_query(77, "tv.example", QType.AAAA))
    assert message.id == 77
    assert message.flags & dns.flags.RD
    assert message.question[0].to_text() == "tv.example. IN AAAA"
    assert message.payload == 1232


def test_a_query_of_others_is_understood() -> None:
    query = read_query(asked("TV.Example", "HTTPS", id=9, use_edns=0, payload=1400))
    assert (query.id, query.name, query.qtype, query.udp_size, query.edns) == (9, "tv.example", 65, 1400, True)
    assert read_query(asked(use_edns=False)).udp_size == 512


def test_a_tiny_offer_counts_as_512() -> None:
    assert read_query(asked(use_edns=0, payload=100)).udp_size == 512


@pytest.mark.parametrize(
    ("wire", "rcode"),
    [
        (b"\0" * 11, None),
        (dns.message.make_response(dns.message.make_query("a.example", "A")).to_wire(), None),
        (b"\0\1\x28\0\0\1\0\0\0\0\0\0", Rcode.NOTIMP),
        (b"\0\1\0\0\0\2\0\0\0\0\0\0", Rcode.FORMERR),
        (b"\0\1\0\0\0\1\0\0\0\0\0\0\3tv", Rcode.FORMERR),
        (b"\0\1\0\0\0\1\0\0\0\0\0\0\2tv\0\0", Rcode.FORMERR),
        (b"\0\1\0\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", Rcode.FORMERR),
        (b"\0\1\0\0\0\1\0\0\0\0\0\0\2tv\0\0\1\0\3", Rcode.NOTIMP),
    ],
)
def test_what_is_no_query_is_refused(wire: bytes, rcode: int | None) -> None:
    with pytest.raises(WireError) as error:
        read_query(wire)
    assert error.value.rcode == rcode


def test_an_answer_is_what_others_understand_and_keeps_the_spelling() -> None:
    query = read_query(asked("Tv.ExAmPlE", "A"))
    records = [
        Record("tv.example", 60, QType.CNAME, Name("cdn.example").to_wire()),
        Record("cdn.example", 20, QType.A, address_rdata("192.0.2.5")),
    ]
    message = dns.message.from_wire(write_answer(query, Rcode.NOERROR, records))
    assert message.question[0].name.to_text() == "Tv.ExAmPlE."
    assert [rrset.to_text() for rrset in message.answer] == [
        "tv.example. 60 IN CNAME cdn.example.",
        "cdn.example. 20 IN A 192.0.2.5",
    ]


def test_soa_and_https_are_what_others_understand() -> None:
    query = read_query(asked("tv.example", "HTTPS"))
    answer = [Record("tv.example", 60, QType.HTTPS, https_rdata(alpn=("h3", "h2"), ipv4hint=("192.0.2.5",)))]
    authority = [Record("example", 60, QType.SOA, soa_rdata("example", 77))]
    message = dns.message.from_wire(write_answer(query, Rcode.NOERROR, answer, authority))
    assert message.answer[0][0].to_text() == '1 . alpn="h3,h2" ipv4hint="192.0.2.5"'
    assert message.authority[0][0].minimum == 77


def test_an_answer_too_big_goes_without_records_and_with_tc() -> None:
    query = read_query(asked())
    records = [Record("tv.example", 60, QType.A, address_rdata(f"192.0.2.{n}")) for n in range(1, 100)]
    message = dns.message.from_wire(write_answer(query, Rcode.NOERROR, records, size=512))
    assert message.flags & dns.flags.TC
    assert not message.answer


def response(rtype: str = "A", *answer: str, authority: str = "", rcode: int = 0) -> bytes:
    message = dns.message.make_response(dns.message.make_query("tv.example", rtype, id=5))
    message.set_rcode(dns.rcode.Rcode(rcode))
    for line in answer:
        name, ttl, kind, rdata = line.split(None, 3)
        message.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, rdata))
    if authority:
        name, ttl, kind, rdata = authority.split(None, 3)
        message.authority.append(dns.rrset.from_text(name, int(ttl), "IN", kind, rdata))
    return message.to_wire()


def test_addresses_are_read_behind_an_alias_with_the_lowest_ttl() -> None:
    wire = response("A", "tv.example. 60 CNAME c.example.", "c.example. 20 A 192.0.2.5")
    assert read_answer(wire, 5, "tv.example", QType.A) == TelevisionAnswer(0, ("192.0.2.5",), 20)


def test_a_negative_answer_lasts_as_long_as_its_soa_says() -> None:
    soa = "example. 600 SOA ns.example. host.example. 1 2 3 4 77"
    assert read_answer(response("AAAA", authority=soa), 5, "tv.example", QType.AAAA) == TelevisionAnswer(0, (), 77)


def test_null_addresses_and_missing_names_are_refusals() -> None:
    assert read_answer(response("A", "tv.example. 10 A 0.0.0.0"), 5, "tv.example", QType.A).refuses
    assert read_answer(response("AAAA", "tv.example. 10 AAAA ::"), 5, "tv.example", QType.AAAA).refuses
    assert read_answer(response(rcode=3), 5, "tv.example", QType.A).refuses
    assert not read_answer(response(), 5, "tv.example", QType.A).refuses


@pytest.mark.parametrize(
    ("number", "name", "qtype"), [(6, "tv.example", 1), (5, "other.example", 1), (5, "tv.example", 28)]
)
def test_an_answer_to_something_else_is_not_believed(number: int, name: str, qtype: int) -> None:
    with pytest.raises(WireError):
        read_answer(response("A", "tv.example. 10 A 192.0.2.1"), number, name, qtype)


def test_a_cut_answer_is_not_believed() -> None:
    wire = response("A", "tv.example. 10 A 192.0.2.1")
    for end in range(len(wire)):
        with pytest.raises(WireError):
            read_answer(wire[:end], 5, "tv.example", QType.A)
