from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from collections.abc import Sequence

import dns.message
import dns.rdatatype
import pytest

from gateway.model.device_names import DeviceNames
from gateway.model.query import Edns, Query
from gateway.model.response import Response, Source
from gateway.model.verdict import Reason
from gateway.resolver.forward_zones import ForwardZones, open_forward_zones
from gateway.resolver.local_zone import LocalZone
from gateway.resolver.options import ResolverOptions
from gateway.wire.patch import fit
from tests.unit.resolver.stage import Below, ScriptedUpstream, answer
from tests.unit.wire.samples import query

NAMES = {"telltale.lan": (ipaddress.ip_address("192.168.7.1"), ipaddress.ip_address("fd00::7"))}
SHOP = "1.113.0.203.in-addr.arpa"


def forwards(zones: Sequence[str] = (), *, router: str = "") -> ForwardZones:
    """`zones` are asked of 192.168.7.2; `router` is an upstream in the home."""
    upstreams = [ScriptedUpstream({}, name="a"), *([at(router)] if router else [])]
    options = ResolverOptions(
        is_top_level=lambda label: label in ("com", "arpa", "net", "tv"),
        forward_zones={name: [at("192.168.7.2")] for name in zones},
    )
    return open_forward_zones(upstreams, options, lambda change: None)


def at(address: str) -> ScriptedUpstream:
    upstream = ScriptedUpstream({})
    upstream.url, upstream.address = f"udp://{address}", (address, 53)
    return upstream


def zone(*forwarded: str, router: str = "") -> LocalZone:
    return LocalZone(NAMES, ttl=60, forwards=forwards(forwarded, router=router))


def resolve(asked: Query, local: LocalZone | None = None) -> Response:
    below = Below(lambda query: answer(query, f"{query.name}. 60 A 192.0.2.1"))
    response = asyncio.run((local or zone()).resolve(asked, below))
    assert len(below.asked) == (response.source is Source.UPSTREAM)
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
    ["example.com", "contest.com", "1.1.1.1.in-addr.arpa", "1.0.32.172.in-addr.arpa", "1.0.128.100.in-addr.arpa",
     "icloud.com", "notmask.icloud.com", "localhost.example.com", "telltale.lan.example.com", "mylan.com"],
)  # fmt: skip
def test_every_other_name_is_asked_for(name: str) -> None:
    assert resolve(query(name)).source is Source.UPSTREAM


def test_the_root_is_no_name_of_the_home() -> None:
    below = Below(lambda query: answer(query, ". 60 NS a.root-servers.net."))
    assert asyncio.run(zone().resolve(query(".", "NS"), below)).source is Source.UPSTREAM


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


NAMES_OF_THE_HOME = [
    "router", "printer.lan", "x.telltale.lan", "nas.home.arpa", "nas.home", "intra.corp", "a.b.internal", "x.intranet",
    "x.private", "pc.localdomain", "mytest", "latest", "5.7.168.192.in-addr.arpa", "b.9.e.f.ip6.arpa",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES_OF_THE_HOME)
@pytest.mark.parametrize("rtype", ["A", "AAAA", "HTTPS", "PTR", "TXT", "SOA", "DS", "ANY"])
def test_names_of_the_home_that_nobody_has_do_not_exist(name: str, rtype: str) -> None:
    assert said(name, rtype).rcode() == 3


@pytest.mark.parametrize("name", NAMES_OF_THE_HOME)
def test_a_router_in_the_home_is_asked_for_them(name: str) -> None:
    assert resolve(query(name), zone(router="192.168.7.254")).source is Source.UPSTREAM


@pytest.mark.parametrize("router", ["127.0.0.1", "9.9.9.9"])
def test_neither_this_machine_nor_anybody_outside_is_a_router_in_the_home(router: str) -> None:
    assert resolve(query("printer.lan"), zone(router=router)).source is Source.LOCAL


@pytest.mark.parametrize("name", ["com", "tv", "lan", "home.arpa", "168.192.in-addr.arpa"])
def test_a_top_level_exists_but_has_no_address(name: str) -> None:
    """NXDOMAIN would mean that nothing below it exists, either (RFC 8020)."""
    for rtype in ("A", "AAAA", "MX"):
        assert (said(name, rtype).rcode(), said(name, rtype).answer) == (0, [])


@pytest.mark.parametrize("rtype", ["DS", "DNSKEY", "NS", "SOA", "RRSIG", "NSEC"])
def test_whoever_validates_asks_the_public_dns_about_top_levels(rtype: str) -> None:
    assert resolve(query("com", rtype)).source is Source.UPSTREAM
    assert resolve(query("router", rtype)).source is Source.LOCAL


@pytest.mark.parametrize(
    ("forwarded", "name"),
    [
        ("fritz.box", "fritz.box"),
        ("fritz.box", "nas.fritz.box"),
        ("lan", "printer.lan"),
        ("7.168.192.in-addr.arpa", "5.7.168.192.in-addr.arpa"),
        ("local", "dc.ad.local"),
        ("router", "router"),
        ("test", "x.test"),
    ],
)
def test_a_zone_that_the_owner_forwards_is_asked_of_others(forwarded: str, name: str) -> None:
    assert resolve(query(name, "PTR"), zone(forwarded)).source is Source.UPSTREAM


def test_what_we_know_ourselves_is_answered_here_whatever_is_forwarded() -> None:
    local = zone("lan", "168.192.in-addr.arpa", "use-application-dns.net", "localhost", "resolver.arpa")
    local.name_devices(DEVICES)
    for name in ("telltale.lan", "salon.lan", "use-application-dns.net", "x.localhost", "_dns.resolver.arpa"):
        assert resolve(query(name), local).source is Source.LOCAL, name
    assert resolve(query("1.7.168.192.in-addr.arpa", "PTR"), local).source is Source.LOCAL


def test_a_router_that_asks_us_what_it_does_not_know_is_not_asked_back() -> None:
    for local, router in ((zone("lan"), "192.168.7.2"), (zone(router="192.168.7.254"), "192.168.7.254")):
        response = resolve(query("nobody.lan", client=router), local)
        assert (response.rcode, response.source, response.ttl) == (3, Source.ERROR, 0), "which nobody else is given"
        assert resolve(query("nobody.lan"), local).source is Source.UPSTREAM
        assert resolve(query("www.example.com", client=router), local).source is Source.UPSTREAM


SALON, OTHER = ipaddress.ip_address("10.83.7.20"), ipaddress.ip_address("10.83.7.66")
DEVICES = DeviceNames("lan", {"salon.lan": (SALON,), "telltale.lan": (OTHER,)}, {SALON: "salon.lan"}, complete=True)


def leased() -> LocalZone:
    local = zone()
    local.name_devices(DEVICES)
    return local


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


def test_a_device_goes_by_its_first_label_too() -> None:
    zone = leased()
    assert [rrset.to_text() for rrset in ask(zone, "Salon").answer] == ["Salon. 60 IN A 10.83.7.20"]
    assert "192.168.7.1" in ask(zone, "telltale").answer[0].to_text()
    assert (ask(zone, "salon", "AAAA").rcode(), ask(zone, "salon", "AAAA").answer) == (0, [])


def test_above_the_reverse_of_a_device_nothing_is_denied() -> None:
    """RFC 8020: what has something below it exists."""
    zone = leased()
    assert [ask(zone, name, "PTR").rcode() for name in ("7.83.10.in-addr.arpa", "8.83.10.in-addr.arpa")] == [0, 3]


def test_in_a_network_of_somebody_else_a_router_may_know_more_of_our_domain() -> None:
    names = dataclasses.replace(DEVICES, complete=False)
    with_router, alone = zone(router="192.168.7.254"), zone()
    for local in (with_router, alone):
        local.name_devices(names)
        assert resolve(query("salon.lan"), local).source is Source.LOCAL
    assert resolve(query("nobody.lan"), with_router).source is Source.UPSTREAM
    assert resolve(query("nobody.lan"), alone).source is Source.LOCAL
    with_router.name_devices(DEVICES)
    assert resolve(query("nobody.lan"), with_router).source is Source.LOCAL


def test_no_device_takes_the_dashboard_s_name() -> None:
    assert "192.168.7.1" in ask(leased(), "telltale.lan").answer[0].to_text()


def test_a_lease_that_ended_has_no_name() -> None:
    zone = leased()
    zone.name_devices(DeviceNames("lan", complete=True))
    assert ask(zone, "salon.lan").rcode() == 3
    assert ask(zone, "20.7.83.10.in-addr.arpa", "PTR").answer == []
