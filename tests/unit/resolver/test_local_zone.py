from __future__ import annotations

import asyncio
import dataclasses
import ipaddress

import dns.message
import dns.rdatatype
import pytest

from gateway.model.query import Edns, Query
from gateway.model.response import Response, Source
from gateway.model.verdict import Reason
from gateway.resolver.local_zone import LocalZone
from gateway.wire.patch import fit
from tests.unit.resolver.stage import Below, answer
from tests.unit.wire.samples import query

NAMES = {"telltale.lan": (ipaddress.ip_address("192.168.7.1"), ipaddress.ip_address("fd00::7"))}
SHOP = "1.113.0.203.in-addr.arpa"


def resolve(asked: Query) -> Response:
    below = Below(lambda query: answer(query, f"{query.name}. 60 A 192.0.2.1"))
    response = asyncio.run(LocalZone(NAMES, ttl=60).resolve(asked, below))
    assert len(below.asked) == (response.source is not Source.LOCAL)
    return response


def said(name: str, rtype: str = "A") -> dns.message.Message:
    asked = query(name, rtype)
    response = resolve(asked)
    assert response.source is Source.LOCAL, name
    assert response.verdict.reason is Reason.LOCAL
    return dns.message.from_wire(fit(response.wire, asked))


def test_the_dashboards_own_name_leads_to_us() -> None:
    assert [rrset.to_text() for rrset in said("telltale.lan").answer] == ["telltale.lan. 60 IN A 192.168.7.1"]
    assert [rrset.to_text() for rrset in said("Telltale.LAN", "AAAA").answer] == ["Telltale.LAN. 60 IN AAAA fd00::7"]
    empty = said("telltale.lan", "HTTPS")
    assert (empty.rcode(), empty.answer, empty.authority[0].rdtype) == (0, [], dns.rdatatype.SOA)


def test_our_addresses_lead_to_our_name() -> None:
    for address in ("192.168.7.1", "fd00::7"):
        answer = said(ipaddress.ip_address(address).reverse_pointer, "PTR").answer
        assert answer[0][0].to_text() == "telltale.lan."


@pytest.mark.parametrize("name", ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"])
def test_browsers_and_phones_learn_that_the_network_minds(name: str) -> None:
    for rtype in ("A", "AAAA", "HTTPS"):
        assert said(name, rtype).rcode() == 3


def test_no_other_resolver_is_designated() -> None:
    for name in ("_dns.resolver.arpa", "resolver.arpa"):
        answer = said(name, "SVCB")
        assert (answer.rcode(), answer.answer) == (0, [])


@pytest.mark.parametrize("name", ["localhost", "tv.localhost"])
def test_localhost_is_where_it_says(name: str) -> None:
    assert said(name).answer[0][0].to_text() == "127.0.0.1"
    assert said(name, "AAAA").answer[0][0].to_text() == "::1"
    assert said(name, "MX").answer == []


@pytest.mark.parametrize(
    "name",
    [
        "x.test",
        "a.invalid",
        "tv.local",
        "abc.onion",
        "nas.home.arpa",
        "some.alt",
        "5.1.168.192.in-addr.arpa",
        "1.0.0.10.in-addr.arpa",
        "1.0.20.172.in-addr.arpa",
        "9.9.254.169.in-addr.arpa",
        "1.0.64.100.in-addr.arpa",
        SHOP,
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
        "b.9.e.f.ip6.arpa",
    ],
)
def test_names_that_mean_nothing_outside_are_not_asked_for_outside(name: str) -> None:
    answer = said(name, "PTR")
    assert answer.rcode() == 3
    assert answer.authority[0].rdtype == dns.rdatatype.SOA


@pytest.mark.parametrize("name", ["local", "168.192.in-addr.arpa"])
def test_the_top_of_such_a_zone_exists(name: str) -> None:
    assert said(name, "SOA").rcode() == 0


@pytest.mark.parametrize(
    "name",
    ["example.com", "mytest", "latest", "contest.com", "1.1.1.1.in-addr.arpa", "1.0.32.172.in-addr.arpa",
     "1.0.128.100.in-addr.arpa", "com", "icloud.com", "notmask.icloud.com", "localhost.example.com",
     "telltale.lan.example.com", "x.telltale.lan", "arpa"],
)  # fmt: skip
def test_every_other_name_is_asked_for(name: str) -> None:
    assert resolve(query(name)).source is Source.UPSTREAM


@pytest.mark.parametrize("rtype", ["AXFR", "IXFR", "OPT"])
def test_what_is_no_question_for_a_resolver_is_not_implemented(rtype: str) -> None:
    assert said("example.com", rtype).rcode() == 4


def test_other_classes_are_not_implemented() -> None:
    assert resolve(dataclasses.replace(query("version.bind", "TXT"), qclass=3)).rcode == 4


def test_a_later_version_of_edns_is_answered_with_ours() -> None:
    asked = dataclasses.replace(query("example.com", edns=1232), edns=Edns(1232, version=1))
    response = resolve(asked)
    message = dns.message.from_wire(fit(response.wire, asked, rcode=response.rcode))
    assert (message.rcode(), message.edns) == (16, 0)


def leased() -> LocalZone:
    zone = LocalZone(NAMES, ttl=60)
    zone.name_leases("lan", {"salon.lan": (ipaddress.ip_address("10.83.7.20"),),
                             "telltale.lan": (ipaddress.ip_address("10.83.7.66"),)})  # fmt: skip
    return zone


def ask(zone: LocalZone, name: str, rtype: str = "A") -> dns.message.Message:
    asked = query(name, rtype)
    below = Below(lambda query: answer(query, f"{query.name}. 60 A 192.0.2.1"))
    return dns.message.from_wire(fit(asyncio.run(zone.resolve(asked, below)).wire, asked))


def test_devices_are_found_by_name_and_by_address() -> None:
    zone = leased()
    assert [rrset.to_text() for rrset in ask(zone, "salon.lan").answer] == ["salon.lan. 60 IN A 10.83.7.20"]
    (pointer,) = ask(zone, "20.7.83.10.in-addr.arpa", "PTR").answer
    assert "salon.lan." in pointer.to_text()
    assert (ask(zone, "nobody.lan").rcode(), ask(zone, "lan").rcode()) == (3, 0)


def test_no_device_takes_the_dashboard_s_name() -> None:
    assert "192.168.7.1" in ask(leased(), "telltale.lan").answer[0].to_text()


def test_a_lease_that_ended_has_no_name() -> None:
    zone = leased()
    zone.name_leases("lan", {})
    assert ask(zone, "salon.lan").rcode() == 3
    assert ask(zone, "20.7.83.10.in-addr.arpa", "PTR").answer == []
