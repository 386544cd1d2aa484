"""What reaches us ourselves, what leaves with our address, and what the sets and chains are like."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

import pytest

from gateway.model.mac import Mac
from gateway.model.network import Mode, NetworkPlan
from gateway.network.firewall import COUNTERS, families, remove, render
from tests.support.packet_filter import OURS, Fate, Packet, PacketFilter
from tests.unit.network.packets import (
    GOOGLE4,
    LAPTOP4,
    LAPTOP6,
    LOCAL6,
    MAC,
    MDNS4,
    MDNS6,
    OURS4,
    OURS6,
    QUAD4,
    QUAD6,
    SITE4,
    SITE6,
    TCP,
    TV4,
    TV6,
    TV_LOCAL,
    UDP,
    fate,
    filter_of,
    from_tv,
)
from tests.unit.network.plans import plan_with


@pytest.mark.parametrize("us", [OURS4, OURS6])
@pytest.mark.parametrize(("protocol", "port"), [(UDP, 53), (TCP, 53), (UDP, 67), (UDP, 547), (TCP, 80)])
def test_of_us_a_television_gets_names_an_address_and_the_page_that_says_why(us: str, protocol: str, port: int) -> None:
    assert fate(from_tv(us, protocol, port)) == Fate("accepted", (us, port))


@pytest.mark.parametrize("us", [OURS4, OURS6])
@pytest.mark.parametrize(
    ("protocol", "port", "end"), [(TCP, 22, "reset"), (TCP, 67, "reset"), (UDP, 80, "refused"), (UDP, 5000, "refused")]
)
def test_and_nothing_else(us: str, protocol: str, port: int, end: str) -> None:
    assert fate(from_tv(us, protocol, port)) == Fate(end, (us, port), ("gateway_refused",))
    assert fate(from_tv(us, protocol, port, state="established")).end == "accepted", "what we asked for"
    assert fate(from_tv(us, protocol, port, state="related")).end == "accepted"


def test_ports_that_were_moved_are_open_and_those_that_they_left_are_not() -> None:
    moved = {"dns_port": 5335, "web_port": 8080}
    for protocol, port in ((UDP, 5335), (TCP, 5335), (TCP, 8080)):
        assert fate(from_tv(OURS4, protocol, port), **moved).end == "accepted"
    assert fate(from_tv(OURS4, TCP, 80), **moved).end == "reset"
    assert fate(from_tv(OURS4, TCP, 5335)).end == "reset"


@pytest.mark.parametrize(
    ("protocol", "us", "kind", "end"),
    [("icmp", OURS4, kind, "accepted") for kind in
     ("echo-request", "destination-unreachable", "time-exceeded", "parameter-problem")]
    + [("ipv6-icmp", OURS6, kind, "accepted") for kind in
     ("echo-request", "destination-unreachable", "time-exceeded", "parameter-problem", "packet-too-big",
      "nd-router-solicit", "nd-neighbor-solicit", "nd-neighbor-advert",
      "mld-listener-report", "mld-listener-done", "mld2-listener-report")]
    + [("icmp", OURS4, "redirect", "refused"), ("icmp", OURS4, "router-advertisement", "refused"),
       ("ipv6-icmp", OURS6, "nd-router-advert", "refused"), ("ipv6-icmp", OURS6, "nd-redirect", "refused")],
)  # fmt: skip
def test_a_television_may_look_for_us_but_not_show_us_the_way(protocol: str, us: str, kind: str, end: str) -> None:
    assert fate(from_tv(us, protocol, icmp=kind)).end == end


def test_what_televisions_say_to_everybody_costs_no_answer() -> None:
    for target in (MDNS4, MDNS6):
        assert fate(from_tv(target, UDP, 1900)) == Fate("dropped", (target, 1900))
    shout = Packet("br-tv", TV4, "10.42.0.255", UDP, 137, to="broadcast")
    assert fate(shout) == Fate("dropped", ("10.42.0.255", 137))


@pytest.mark.parametrize(("protocol", "port"), [(UDP, 53), (TCP, 53), (UDP, 67), (UDP, 547), (TCP, 80)])
def test_the_internet_reaches_no_port_of_ours_and_the_home_does(protocol: str, port: int) -> None:
    us = "192.168.1.9"
    stranger = Packet("eth0", SITE4, us, protocol, port)
    assert fate(stranger) == Fate("dropped", (us, port), ("uplink_dropped",))
    assert fate(replace(stranger, source=LAPTOP4)) == Fate("accepted", (us, port))
    assert fate(Packet("eth0", LAPTOP6, OURS6, protocol, port)).end == "accepted"
    assert fate(Packet("eth0", SITE6, OURS6, protocol, port)).end == "dropped"
    assert fate(stranger, dns_port=5335).end == "dropped", "wherever our resolver listens"
    for state in ("established", "related"):
        assert fate(replace(stranger, state=state)).end == "accepted", "an answer to what we asked"


def test_who_manages_this_box_is_never_locked_out() -> None:
    for source in (LAPTOP4, SITE4):
        assert fate(Packet("eth0", source, "192.168.1.9", TCP, 22)) == Fate("accepted", ("192.168.1.9", 22))
    assert fate(Packet("wg0", SITE4, "192.168.1.9", TCP, 80)) == Fate("accepted", ("192.168.1.9", 80))
    assert fate(Packet("eth0", SITE4, LAPTOP4, TCP, 22, "wg0")) == Fate("accepted", (LAPTOP4, 22))
    assert fate(Packet("wg0", LAPTOP4, GOOGLE4, UDP, 53, "eth0")) == Fate("accepted", (GOOGLE4, 53))


def test_our_clock_is_no_clock_of_the_internet_s() -> None:
    asks = Packet("eth0", SITE4, "192.168.1.9", UDP, 123)
    assert fate(asks, redirect_time=True).counted == ("uplink_dropped",)
    assert fate(asks).end == "accepted"


def leaves(plan: NetworkPlan, source: str, target: str, out: str) -> bool:
    """Whether the packet leaves with our address instead of its own."""
    return filter_of(plan).fate(Packet("br-tv", source, target, TCP, 443, out)).masked


def test_televisions_go_out_with_our_address_where_theirs_leads_nowhere() -> None:
    assert leaves(plan_with(), TV4, SITE4, "eth0")
    assert leaves(plan_with(), TV6, SITE6, "eth0"), "a private prefix is not routed"
    public = plan_with(tv={"address6": IPv6Interface("2001:db8:7::1/64")})
    assert not leaves(public, "2001:db8:7::77", SITE6, "eth0")
    assert leaves(public, TV4, SITE4, "eth0")
    borrowed = plan_with(tv={"address": IPv4Interface("203.0.113.1/24")})
    assert leaves(borrowed, "203.0.113.77", SITE4, "eth0"), "whatever it was given for, it is a network behind us"


def test_nobody_else_s_address_is_changed() -> None:
    assert not leaves(plan_with(), TV4, "10.42.0.88", "br-tv")
    assert not filter_of(plan_with()).fate(Packet("eth0", LAPTOP4, SITE4, TCP, 443, "wg0")).masked
    assert not filter_of(plan_with()).fate(Packet("", OURS4, OURS4, UDP, 53, "lo")).masked, "the answer would be lost"


def test_without_ipv6_of_ours_televisions_are_sent_to_ipv4_at_once() -> None:
    plan = plan_with(tv={"address6": None})
    barrier = PacketFilter(render(plan), own=(OURS4, LOCAL6))
    assert barrier.fate(from_tv(SITE6, TCP, 443)) == Fate("reset", (SITE6, 443), ("ipv6_refused",))
    asked = barrier.fate(Packet("br-tv", TV_LOCAL, SITE6, UDP, 53))
    assert (asked.end, asked.target, asked.counted) == ("accepted", (OURS, 53), ("dns_turned",))
    assert barrier.fate(Packet("br-tv", TV_LOCAL, SITE6, UDP, 5353)).target == (OURS, 53)
    assert barrier.fate(Packet("br-tv", TV_LOCAL, LOCAL6, UDP, 53)) == Fate("accepted", (LOCAL6, 53))
    assert not barrier.fate(from_tv(SITE4, TCP, 443)).counted
    clock = PacketFilter(render(plan_with(tv={"address6": None}, redirect_time=True)), own=(OURS4, LOCAL6))
    assert clock.fate(Packet("br-tv", TV_LOCAL, SITE6, UDP, 123)).target == (OURS, 123)


def test_every_counter_that_rules_count_on_is_there_and_every_one_there_is_counted_on() -> None:
    plans = (plan_with(redirect_time=True, paused=(Mac(MAC),)), plan_with(refuse_encrypted=False),
             plan_with(filtering=False, fallback=(QUAD4,)), plan_with(tv={"address6": None}))  # fmt: skip
    assert all(PacketFilter(render(plan), own=()).counters == set(COUNTERS) for plan in plans)
    text = " ".join(str(render(plan)) for plan in plans)
    assert all(f"'counter': '{name}'" in text for name in COUNTERS)


def test_our_chains_stand_where_netfilter_has_them_stand() -> None:
    """Who tried what is written down before any address is changed (nft(8): mangle, dstnat, filter, srcnat)."""
    assert filter_of(plan_with()).priorities == {
        "before": ("prerouting", -150),
        "turned": ("prerouting", -100),
        "forward": ("forward", 0),
        "input": ("input", 0),
        "our_address": ("postrouting", 100),
    }


def test_what_is_remembered_is_bounded_and_forgotten_after_an_hour() -> None:
    sets = filter_of(plan_with()).sets
    for name in ("turned4", "turned6", "refused4", "refused6"):
        assert (sets[name]["size"], sets[name]["timeout"], sets[name]["flags"]) == (4096, 3600, ["timeout"])
    for name in ("cut4", "cut6"):
        assert (sets[name]["flags"], "elem" in sets[name]) == (["timeout"], False)


def test_sets_hold_what_the_plan_says_once_and_in_order() -> None:
    resolvers = (IPv4Address("9.9.9.9"), IPv4Address("8.8.8.8"), IPv4Address("9.9.9.9"), QUAD6)
    macs = (Mac("02:00:00:00:00:09"), Mac(MAC), Mac(MAC))
    sets = filter_of(plan_with(resolvers=resolvers, paused=macs)).sets
    assert sets["resolvers4"]["elem"] == ["8.8.8.8", "9.9.9.9"]
    assert sets["resolvers6"]["elem"] == [str(QUAD6)]
    assert [str(each) for each in sets["paused"]["elem"]] == [MAC, "02:00:00:00:00:09"]


def test_each_family_has_its_own_addresses() -> None:
    four, six = families(plan_with(fallback=(QUAD6, IPv6Address("2606:4700::1111"), QUAD4)))
    assert (four.own, six.own, four.fallback, six.fallback) == (OURS4, OURS6, QUAD4, QUAD6)


def test_nothing_of_ours_stays_where_we_own_no_network() -> None:
    """In one transaction, and whether or not the tables were there."""
    table = {family: {"table": {"family": family, "name": "telltale"}} for family in ("inet", "bridge")}
    gone = [{verb: table[family]} for family in ("inet", "bridge") for verb in ("add", "delete")]
    assert remove() == render(replace(plan_with(), mode=Mode.DNS_ONLY)) == gone
    assert remove(bridge=False) == gone[:2]


def test_without_a_bridge_in_the_kernel_only_its_rules_are_left_out() -> None:
    with_bridge, without = render(plan_with()), render(plan_with(), bridge=False)
    assert without == [command for command in with_bridge if "bridge" not in str(command)]
    assert len(without) < len(with_bridge)
