"""What of an answer is kept: an attacker's records are not, honest ones are untouched."""

from __future__ import annotations

from itertools import pairwise, permutations

import dns.message
import dns.rdatatype
import pytest
from hypothesis import given

from gateway.errors import WireError
from gateway.wire.bailiwick import MAX_ALIASES, AnswerKind, is_plain, pertinent
from gateway.wire.peek import peek_response
from tests.support.datagrams import datagrams, good_responses
from tests.unit.wire.samples import query, response

_SOA = "example.com. 60 SOA ns.example.com. host.example.com. 1 2 3 4 5"
_BAD_SOA = "victim.net. 9 SOA ns.evil.net. host.evil.net. 1 2 3 4 5"


def kept_of(
    name: str = "www.example.com",
    rtype: str = "A",
    answer: tuple[str, ...] = (),
    authority: tuple[str, ...] = (),
    additional: tuple[str, ...] = (),
    rcode: str = "NOERROR",
) -> tuple[list[str], list[str], list[str], str]:
    wire = response(query(name, rtype, edns=1232), answer, authority, additional, rcode=rcode, edns=True)
    message = dns.message.from_wire(pertinent(wire, peek_response(wire)).wire)
    sections = [
        [f"{s.name} {s.ttl} {dns.rdatatype.to_text(s.rdtype)} {item}" for s in section for item in s]
        for section in (message.answer, message.authority, message.additional)
    ]
    return sections[0], sections[1], sections[2], message.rcode().name


def test_an_answer_to_the_question_needs_no_second_look() -> None:
    plain = response(query("www.example.com"), ["www.example.com. 60 A 192.0.2.1", "www.example.com. 60 A 192.0.2.2"])
    assert is_plain(plain, peek_response(plain))
    assert pertinent(plain, peek_response(plain)).wire[12:] == plain[12:]


@pytest.mark.parametrize(
    ("answer", "authority", "additional"),
    [
        (["www.example.com. 60 A 192.0.2.1", "bank.example. 60 A 6.6.6.6"], [], []),
        (["bank.example. 60 A 6.6.6.6"], [], []),
        (["www.example.com. 60 A 192.0.2.1"], ["example.com. 60 NS ns.evil.net."], []),
        (["www.example.com. 60 A 192.0.2.1"], [], ["bank.example. 60 A 6.6.6.6"]),
        (["www.example.com. 60 AAAA 2001:db8::1"], [], []),
        (["www.example.com. 60 CNAME a.example.net."], [], []),
        ([], [_SOA], []),
    ],
)
def test_anything_else_is_looked_at(answer: list[str], authority: list[str], additional: list[str]) -> None:
    wire = response(query("www.example.com"), answer, authority, additional)
    assert not is_plain(wire, peek_response(wire))


def test_records_of_other_names_are_left_out() -> None:
    answer = ("bank.example. 60 A 6.6.6.6", "www.example.com. 60 A 192.0.2.1", "mail.example.com. 60 A 6.6.6.7")
    assert kept_of(answer=answer)[0] == ["www.example.com. 60 A 192.0.2.1"]


def test_records_of_other_types_are_left_out() -> None:
    answer = ("www.example.com. 60 AAAA 2001:db8::6", "www.example.com. 60 A 192.0.2.1")
    assert kept_of(answer=answer)[0] == ["www.example.com. 60 A 192.0.2.1"]


def test_a_chain_of_aliases_is_followed_in_any_order_and_nothing_beside_it() -> None:
    chain = ("www.example.com. 60 CNAME a.cdn.net.", "a.cdn.net. 50 CNAME b.cdn.net.", "b.cdn.net. 20 A 192.0.2.1")
    assert kept_of(answer=chain)[0] == list(chain)
    for order in permutations(chain):
        assert kept_of(answer=order)[0] == list(chain), "a stub resolver reads once, from the top"
    assert kept_of(answer=(*chain, "c.cdn.net. 20 A 6.6.6.6"))[0] == list(chain)
    assert kept_of(answer=(chain[0], "www.example.com. 60 A 6.6.6.6", *chain[1:]))[0] == list(chain)


def test_a_second_alias_of_the_same_name_opens_no_door() -> None:
    answer = (
        "www.example.com. 60 CNAME a.cdn.net.", "a.cdn.net. 20 A 192.0.2.1",
        "www.example.com. 60 CNAME bank.example.", "bank.example. 60 A 6.6.6.6",
    )  # fmt: skip
    assert kept_of(answer=answer)[0] == list(answer[:2])


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_an_alias_chain_that_leads_nowhere_is_a_failure_of_the_name(length: int) -> None:
    names = ["www.example.com", *(f"n{n}.example.com" for n in range(1, length))]
    circle = tuple(f"{name}. 60 CNAME {names[(i + 1) % length]}." for i, name in enumerate(names))
    assert kept_of(answer=circle) == ([], [], [], "SERVFAIL")


def chain(length: int) -> tuple[str, ...]:
    names = ["www.example.com", *(f"n{n}.example.com" for n in range(length))]
    return tuple(f"{name}. 60 CNAME {target}." for name, target in pairwise(names))


@pytest.mark.parametrize("length", [1, 16, 17, MAX_ALIASES])
def test_many_aliases_are_followed(length: int) -> None:
    whole = (*chain(length), f"n{length - 1}.example.com. 60 A 192.0.2.1")
    assert kept_of(answer=whole) == (list(whole), [], [], "NOERROR")


@pytest.mark.parametrize("length", [MAX_ALIASES + 1, 200])
def test_an_endless_chain_is_cut(length: int) -> None:
    assert kept_of(answer=chain(length))[3] == "SERVFAIL"
    wire = response(query("www.example.com"), chain(length))
    assert pertinent(wire, peek_response(wire)).kind is AnswerKind.ENDLESS


def test_a_renamed_subtree_keeps_its_dname() -> None:
    answer = (
        "example.com. 60 DNAME example.net.", "www.example.com. 60 CNAME www.example.net.",
        "www.example.net. 60 A 192.0.2.1", "victim.org. 60 DNAME evil.net.",
    )  # fmt: skip
    assert kept_of(answer=answer)[0] == list(answer[:3])


def test_name_servers_and_their_addresses_are_never_kept() -> None:
    kept = kept_of(
        answer=("www.example.com. 60 A 192.0.2.1",),
        authority=("example.com. 60 NS ns.evil.net.", "net. 60 NS ns.evil.net."),
        additional=("ns.evil.net. 60 A 6.6.6.6", "www.example.com. 60 A 6.6.6.6"),
    )
    assert kept == (["www.example.com. 60 A 192.0.2.1"], [], [], "NOERROR")


def test_only_a_zone_above_the_name_can_say_for_how_long_it_is_missing() -> None:
    assert kept_of(authority=(_SOA,), rcode="NXDOMAIN")[1] == [_SOA]
    assert kept_of(authority=(_BAD_SOA,), rcode="NXDOMAIN")[1] == []
    assert kept_of(authority=(_BAD_SOA, _SOA), rcode="NXDOMAIN")[1] == [_SOA]
    root = ". 60 SOA a.root-servers.net. nstld.verisign-grs.com. 1 2 3 4 5"
    assert kept_of("www.nowhere", authority=(root,), rcode="NXDOMAIN")[1] == [root]


def test_signatures_and_proofs_of_the_zone_stay_and_those_of_others_go() -> None:
    signature = "A 8 3 60 20300101000000 20200101000000 1 example.com. AAAA"
    signed = ("www.example.com. 60 A 192.0.2.1", f"www.example.com. 60 RRSIG {signature}")
    assert len(kept_of(answer=signed)[0]) == 2
    proof = "aaa.example.com. 60 NSEC zzz.example.com. A RRSIG"
    proof_signature = "aaa.example.com. 60 RRSIG NSEC 8 3 60 20300101000000 20200101000000 1 example.com. AAAA"
    foreign = "aaa.victim.net. 60 NSEC zzz.victim.net. A"
    kept = kept_of(answer=signed, authority=(proof, proof_signature, foreign))[1]
    assert [line.split()[0] for line in kept] == ["aaa.example.com.", "aaa.example.com."]


def test_every_record_of_the_name_answers_any() -> None:
    answer = ("www.example.com. 60 A 192.0.2.1", 'www.example.com. 60 TXT "x"', "bank.example. 60 A 6.6.6.6")
    assert kept_of(rtype="ANY", answer=answer)[0] == list(answer[:2])


def test_names_inside_records_survive_being_written_anew() -> None:
    answer = ("evil.net. 60 A 6.6.6.6", "example.com. 60 MX 10 mx.example.com.", "example.com. 60 MX 20 mx.evil.net.")
    assert sorted(kept_of("example.com", "MX", answer)[0]) == list(answer[1:])
    answer = ("evil.net. 60 A 6.6.6.6", "_x._tcp.example.com. 60 SRV 1 2 3 s.example.com.")
    assert kept_of("_x._tcp.example.com", "SRV", answer)[0] == [answer[1]]


@given(datagrams(good_responses()))
def test_no_response_breaks_it_and_what_comes_out_is_a_response(wire: bytes) -> None:
    try:
        peek = peek_response(wire)
        if not peek.question:
            return
        if not is_plain(wire, peek):
            peek_response(pertinent(wire, peek).wire)
    except WireError:
        return
