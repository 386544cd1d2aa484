"""Which resolver is asked for which name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from gateway.errors import UpstreamError
from gateway.model.event import HealthChanged
from gateway.resolver.forward_zones import ForwardZones, is_at_home, is_single_label, open_forward_zones
from gateway.resolver.forwarder import Forwarder
from gateway.resolver.options import ResolverOptions
from tests.support.clock import run_simulated
from tests.unit.resolver.stage import ScriptedUpstream, down
from tests.unit.wire.samples import query


def at(address: str, letter: str = "a") -> ScriptedUpstream:
    upstream = ScriptedUpstream(lambda name, rtype: None, name=letter)
    upstream.url, upstream.address = f"udp://{address}", (address, 53)
    return upstream


PUBLIC, ROUTER, DOMAIN = "192.0.2.53", "192.168.7.254", "192.168.7.2"


def never(change: HealthChanged) -> None:
    raise AssertionError(change)


def opened(*upstreams: ScriptedUpstream, zones: Mapping[str, Sequence[ScriptedUpstream]] | None = None) -> ForwardZones:
    options = ResolverOptions(is_top_level=lambda label: label == "com", forward_zones=zones or {})
    return open_forward_zones(upstreams, options, never)


@pytest.mark.parametrize(
    ("name", "single"), [("router", True), ("Com", True), (".", False), ("a.lan", False), (r"a\.b", True)]
)
def test_a_name_of_one_label(name: str, single: bool) -> None:
    assert is_single_label(query(name)) is single


@pytest.mark.parametrize(
    ("host", "home"),
    [("192.168.1.1", True), ("fd00::1", True), ("fe80::1%eth0", True), ("10.0.0.1", True),
     ("127.0.0.1", False), ("::1", False), ("9.9.9.9", False), ("100.64.0.1", False), ("dns.quad9.net", False),
     ("", False)],
)  # fmt: skip
def test_who_stands_in_the_home(host: str, home: bool) -> None:
    assert is_at_home(host) is home


@pytest.mark.parametrize(
    ("name", "rtype", "asked"),
    [
        ("www.example.com", "A", PUBLIC),
        ("com", "DS", PUBLIC),
        ("com", "A", ROUTER),
        ("router", "A", ROUTER),
        ("router", "DS", ROUTER),
        ("printer.lan", "A", ROUTER),
        ("5.7.168.192.in-addr.arpa", "PTR", ROUTER),
        ("5.0.0.127.in-addr.arpa", "PTR", PUBLIC),
        ("corp.example.com", "A", DOMAIN),
        ("pc.corp.example.com", "A", DOMAIN),
        ("notcorp.example.com", "A", PUBLIC),
        ("pc.ad.lan", "A", DOMAIN),
        ("PC.AD.lan", "A", DOMAIN),
    ],
)
def test_each_name_goes_to_whoever_knows_it(name: str, rtype: str, asked: str) -> None:
    async def story() -> None:
        public, router, domain = at(PUBLIC), at(ROUTER), at(DOMAIN)
        forwards = opened(public, router, zones={"corp.example.com": [domain], "ad.lan": [domain]})
        await forwards.resolve(query(name, rtype))
        assert {each.address[0]: len(each.asked) for each in (public, router, domain) if each.asked} == {asked: 1}
        await forwards.close()

    run_simulated(story())


def test_the_longest_zone_counts() -> None:
    async def story() -> None:
        public, wide, narrow = at(PUBLIC), at(DOMAIN), at("192.168.7.3")
        forwards = opened(public, zones={"lan": [wide], "tv.lan": [narrow]})
        await forwards.resolve(query("x.tv.lan"))
        await forwards.resolve(query("x.lan"))
        assert (len(public.asked), len(wide.asked), len(narrow.asked)) == (0, 1, 1)
        await forwards.close()

    run_simulated(story())


def test_nobody_outside_is_ever_asked_for_a_name_of_the_home() -> None:
    async def story() -> None:
        public = at(PUBLIC)
        forwards = opened(public, zones={"fritz.box": [at(DOMAIN)]})
        for name in ("router", "printer.lan", "nas.home.arpa", "com"):
            with pytest.raises(UpstreamError, match="nobody outside is asked"):
                await forwards.resolve(query(name))
        assert public.asked == []
        await forwards.close()

    run_simulated(story())


def test_where_all_names_go_the_same_way_the_forwarder_itself_is_asked() -> None:
    assert isinstance(opened(at(PUBLIC)).simplest(), Forwarder)
    assert isinstance(opened(at(ROUTER), at("192.168.7.253")).simplest(), Forwarder)
    assert isinstance(opened(at(PUBLIC), at(ROUTER)).simplest(), ForwardZones)
    assert isinstance(opened(at(PUBLIC), zones={"lan": [at(ROUTER)]}).simplest(), ForwardZones)


def test_zones_with_the_same_upstreams_share_what_is_known_of_them() -> None:
    there = [at(ROUTER)]
    forwards = opened(at(PUBLIC), zones={f"{n}.168.192.in-addr.arpa": there for n in range(128)})
    assert [state.url for state in forwards.states()] == [f"udp://{PUBLIC}", f"udp://{ROUTER}"]


def test_a_question_under_way_is_known_wherever_it_went() -> None:
    async def story() -> None:
        forwards = opened(at(PUBLIC), zones={"lan": [at(ROUTER)]})
        for name in ("x.lan", "www.example.com"):
            asked = query(name)
            assert not forwards.is_under_way(asked.key)
            task = asyncio.create_task(forwards.resolve(asked))
            await asyncio.sleep(0)
            assert forwards.is_under_way(asked.key)
            await task
        assert (forwards.asked, forwards.errors, forwards.forged) == (2, 0, 0)
        await forwards.close()

    run_simulated(story())


def test_a_router_that_knows_only_its_own_zone_is_no_liar() -> None:
    """The usual upstreams are asked for the root when they deny name after name."""

    async def story() -> None:
        router = at(ROUTER)
        forwards = opened(at(PUBLIC), zones={"lan": [router]})
        for n in range(30):
            assert (await forwards.resolve(query(f"n{n}.lan"))).rcode == 3
        assert len(router.asked) == 30
        await forwards.close()

    run_simulated(story())


def test_a_dead_router_takes_nothing_from_the_others() -> None:
    async def story() -> None:
        changes: list[HealthChanged] = []
        public, router = at(PUBLIC), at(ROUTER)
        router.error = down()
        forwards = open_forward_zones([public], ResolverOptions(forward_zones={"lan": [router]}), changes.append)
        for n in range(5):
            with pytest.raises(UpstreamError):
                await forwards.resolve(query(f"n{n}.lan"))
        assert forwards.reachable
        assert [change.part for change in changes] == [f"upstream udp://{ROUTER}"]
        assert (await forwards.resolve(query("www.example.com"))).rcode == 3
        await forwards.close()

    run_simulated(story())
