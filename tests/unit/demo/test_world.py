"""The simulated internet knows every name."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from gateway.demo.fleet import TELEVISIONS
from gateway.demo.packet import Record
from gateway.demo.world import World
from gateway.errors import SettingsError
from gateway.model.dns import QType, Rcode

DOCUMENTATION = [
    ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@pytest.fixture(scope="module")
def world() -> World:
    return World.load()


def addresses(records: tuple[Record, ...]) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return [ipaddress.ip_address(r.rdata) for r in records if r.rtype in (QType.A, QType.AAAA)]


def test_every_name_of_every_television_leads_to_documentation_addresses_or_nowhere(world: World) -> None:
    found = 0
    for name in sorted(frozenset().union(*(script.names() for script in TELEVISIONS))):
        for qtype in (QType.A, QType.AAAA):
            reply = world.answer(name, qtype)
            for address in addresses(reply.answer):
                found += 1
                assert any(address in net for net in DOCUMENTATION), (name, address)
            assert 1 <= reply.ttl <= 300
    assert found > 300


def test_the_same_name_leads_to_the_same_place(world: World) -> None:
    assert world.answer("a.tv.example", QType.A) == World.load().answer("a.tv.example", QType.A)


def test_chains_of_cdns_are_followed(world: World) -> None:
    reply = world.answer("cdn.samsungcloudsolution.com", QType.A)
    assert reply.targets == ("cdn.samsungcloudsolution.com.edgekey.net", "e8218.dscb.akamaiedge.net")
    assert [record.rtype for record in reply.answer] == [QType.CNAME, QType.CNAME, QType.A]


def test_a_tracker_hides_behind_a_first_partys_name(world: World) -> None:
    assert world.answer("metrics.cinema-nine.example", QType.A).targets == ("cinema-nine.eulerian.net",)


def test_absent_names_are_nxdomain_with_a_soa(world: World) -> None:
    for name in ("yumenetworks.com", "deep.below.yumenetworks.com", "single", "printer.local"):
        reply = world.answer(name, QType.A)
        assert reply.rcode == Rcode.NXDOMAIN
        assert [record.rtype for record in reply.authority] == [QType.SOA]


def test_dots_inside_a_label_do_not_divide_a_name(world: World) -> None:
    reply = world.answer("a\\.b.\\000", QType.AAAA)
    nodata = world.answer("a\\.b.c\\.d.example", QType.MX)
    assert reply.rcode == Rcode.NOERROR
    assert nodata.authority[0].name == "c\\.d.example"


def test_a_name_without_ipv6_is_nodata_with_a_soa(world: World) -> None:
    reply = world.answer("log-config.samsungacr.com", QType.AAAA)
    assert (reply.rcode, reply.answer, [record.rtype for record in reply.authority]) == (Rcode.NOERROR, (), [QType.SOA])


def test_https_records_come_where_they_are_usual(world: World) -> None:
    assert world.answer("www.youtube.com", QType.HTTPS).answer[-1].rtype == QType.HTTPS
    assert world.answer("scribe.logs.roku.com", QType.HTTPS).answer == ()


def test_the_alias_itself_can_be_asked_for(world: World) -> None:
    reply = world.answer("www.amazon.com", QType.CNAME)
    assert [(r.rtype, r.ttl) for r in reply.answer] == [(QType.CNAME, 1256)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("absent = 7", "cannot be read"),
        ('[aliases]\n"a.example" = "60 b.example"\n"b.example" = "60 a.example"', "circle"),
        ('[aliases]\n"a.example" = "b.example"', "cannot be read"),
        ('[ttls]\n"a.example" = 0', "0 is not a whole number"),
        ("nonsense", "cannot be read"),
    ],
)
def test_a_broken_world_says_what_is_wrong(tmp_path: Path, change: str, complaint: str) -> None:
    lines = ["absent = []", "only_v4 = []", "with_https = []", "[aliases]", "[ttls]", "[addresses]"]
    kept = [line for line in lines if line.partition(" ")[0] != change.partition(" ")[0]]
    kept = [line for line in kept if line != change.partition("\n")[0]]
    text = "\n".join([change, *kept] if change.startswith("absent") else [*kept, change])
    path = tmp_path / "internet.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=complaint):
        World.load(path)
