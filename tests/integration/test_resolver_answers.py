"""What becomes of an upstream's answer on its way to a client: its letters, its size, its TTLs, and half of one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import dns.edns
import dns.flags
import pytest

from tests.support.client import addresses, ask, ask_raw, question
from tests.support.serving import Serving
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until
from tests.support.written import spelled_out

pytestmark = pytest.mark.integration

LONG = "a-rather-long-name.of-a-content-delivery-network.region-eu-central-1.example-cloud.example.com"


def shape(name: str, rtype: str) -> bytes | None:
    """An upstream that writes every name in full, and repeats the letters it was asked in."""
    zone = name[name.find(".") + 1 :]
    first = name.lower().partition(".")[0]
    soa = f"{zone}. 7200 SOA ns.{zone}. host.{zone}. 1 2 3 4 600"
    answer: list[str] = []
    authority: list[str] = []
    match first:
        case "plain":
            answer = [f"{name}. 60 A 192.0.2.1"]
        case "alias":
            answer = [f"{name}. 60 CNAME edge.{zone}.", f"edge.{zone}. 60 A 192.0.2.2"]
        case "mail":
            answer = [f"{name}. 60 MX 10 mx.{name}."]
        case "eight" | "a-rather-long-name":
            answer = [f"{name}. 60 A 192.0.2.{n}" for n in range(8)]
        case "thirty":
            answer = [f"{name}. 60 AAAA 2001:db8::{n}" for n in range(30)]
            answer.insert(7, "bank.example. 60 AAAA 2001:db8::666")
        case "nothing":
            authority = [soa]
        case "half":
            answer = [f"{name}. 3600 CNAME edge.example.net."]
        case "referral":
            authority = [f"{zone}. 3600 NS ns.{zone}."]
        case "week":
            answer = [f"{name}. 604800 A 192.0.2.1"]
        case "wrapped":
            answer = [f"{name}. 2147483648 A 192.0.2.1"]
        case "aliases":
            path = [name, *(f"n{n}.example.net" for n in range(17))]
            answer = [f"{a}. 60 CNAME {b}." for a, b in pairwise(path)]
            answer.append("n16.example.net. 60 A 192.0.2.17")
        case "circle":
            answer = [f"{name}. 60 CNAME n.example.net.", f"n.example.net. 60 CNAME {name}."]
        case _:
            return None
    return spelled_out(name, rtype, answer, authority)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(written=shape) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def serving(upstream: Upstream) -> Iterator[Serving]:
    with Serving(upstream.url) as serving:
        yield serving


@pytest.mark.parametrize(("first", "rtype"), [("plain", "A"), ("alias", "A"), ("mail", "MX"), ("nothing", "A")])
@pytest.mark.parametrize("zone", ["example-one.com", "Example-TWO.com"])
def test_a_client_sees_its_own_spelling_or_lower_case(serving: Serving, first: str, rtype: str, zone: str) -> None:
    labels = [first.encode(), *(label.encode() for label in zone.split("."))]
    # Asked of the upstream, from the cache, and prepared.
    for _ in range(3):
        wire = ask_raw(question(f"{first}.{zone}", rtype).to_wire(), serving.server)
        assert wire[6:10] != bytes(4)
        for label in labels:
            # Each label stands behind its length.
            at = wire.lower().find(bytes((len(label),)) + label.lower(), 12)
            while at >= 0:
                assert wire[at + 1 : at + 1 + len(label)] in (label, label.lower())
                at = wire.lower().find(bytes((len(label),)) + label.lower(), at + 1)


def test_eight_addresses_of_a_long_name_fit_into_512_bytes(serving: Serving) -> None:
    answer = ask(LONG, server=serving.server)
    assert len(addresses(answer)) == 8
    assert not answer.flags & dns.flags.TC


def test_thirty_addresses_and_somebody_elses_fit_into_1232(serving: Serving) -> None:
    answer = ask("thirty.example.com", "AAAA", serving.server, edns=1232)
    assert len(addresses(answer)) == 30
    assert "2001:db8::666" not in addresses(answer)
    assert not answer.flags & dns.flags.TC


@pytest.mark.parametrize(("name", "ttl"), [("week", 86_400), ("wrapped", 0), ("nothing", 600)])
def test_the_ttl_that_is_given_on_is_the_one_that_is_kept(serving: Serving, name: str, ttl: int) -> None:
    answer = ask(f"{name}.example.com", server=serving.server)
    assert [rrset.ttl for rrset in (*answer.answer, *answer.authority)] == [ttl]


@pytest.mark.parametrize("first", ["half", "referral"])
def test_half_an_answer_and_a_referral_are_asked_again_soon(serving: Serving, upstream: Upstream, first: str) -> None:
    asked = f"{first}.example.com"
    ask(asked, server=serving.server)
    before = upstream.count(asked)

    def asked_again() -> bool:
        ask(asked, server=serving.server)
        return upstream.count(asked) > before

    wait_until(asked_again)


def test_half_an_answer_is_better_than_none(serving: Serving) -> None:
    half = ask("half.example.com", server=serving.server)
    assert (half.rcode(), len(half.answer)) == (0, 1)


def test_a_referral_is_no_answer(serving: Serving) -> None:
    answer = ask("referral.example.com", server=serving.server, edns=1232)
    assert (answer.rcode(), answer.answer, answer.authority) == (2, [], [])
    assert [option.code for option in answer.options if isinstance(option, dns.edns.EDEOption)] == [22]


def test_seventeen_aliases_are_followed_and_a_circle_is_refused_with_a_reason(serving: Serving) -> None:
    assert addresses(ask("aliases.example.com", server=serving.server, edns=1232)) == ["192.0.2.17"]
    circle = ask("circle.example.com", server=serving.server, edns=1232)
    assert circle.rcode() == 2
    assert [option.code for option in circle.options if isinstance(option, dns.edns.EDEOption)] == [0]


def test_a_first_lookup_at_an_upstream_that_lower_cases_and_has_no_tcp_is_answered() -> None:
    with Upstream({"*.example.com": "60 A 192.0.2.1"}, over_tcp=False) as upstream:
        upstream.fail_all(lower_case=True)
        with Serving(upstream.url) as serving:
            for n in range(5):
                assert addresses(ask(f"first{n}.example.com", server=serving.server)) == ["192.0.2.1"]
