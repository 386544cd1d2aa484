"""From how the links are to how they shall be."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface

import pytest

from gateway.errors import NetworkError
from gateway.model.network import TvNetwork
from gateway.network.bridge import steps_down, steps_up
from gateway.network.links import NetworkLink, parse_links

TV = TvNetwork(
    "br-tv", IPv4Interface("10.83.7.1/24"), IPv6Interface("fd00::1/64"), IPv4Address("10.83.7.50"),
    IPv4Address("10.83.7.99"), ("eth1",),
)  # fmt: skip
ETH0 = NetworkLink("eth0", "ethernet", "", True, True, ("192.0.2.7/24",), physical=True, uplink=True)
ETH1 = NetworkLink("eth1", "ethernet", "", False, False, physical=True)
BRIDGE = NetworkLink("br-tv", "bridge", TV.mac, True, True, ("10.83.7.1/24", "fd00::1/64"))
JOINED = NetworkLink("eth1", "ethernet", "", True, True, master="br-tv", physical=True)

SHOWN = [
    {"ifname": "lo", "link_type": "loopback", "flags": ["UP"]},
    {"ifname": "eth0", "flags": ["UP", "LOWER_UP"], "address": "02:00:00:00:00:01", "addr_info": [
        {"local": "192.0.2.7", "prefixlen": 24, "scope": "global"},
        {"local": "fe80::1", "prefixlen": 64, "scope": "link"}]},
    {"ifname": "wlan0", "flags": [], "addr_info": []},
    {"ifname": "br-tv", "flags": ["UP"], "linkinfo": {"info_kind": "bridge"}, "addr_info": []},
]  # fmt: skip


def test_a_bare_machine_gets_a_bridge() -> None:
    assert steps_up(TV, [ETH0, ETH1]) == [
        ("ip", "link", "add", "name", "br-tv", "address", TV.mac, "type", "bridge", "forward_delay", "0"),
        ("ip", "address", "add", "10.83.7.1/24", "dev", "br-tv"),
        ("ip", "address", "add", "fd00::1/64", "dev", "br-tv", "nodad"),
        ("ip", "link", "set", "dev", "eth1", "master", "br-tv"),
        ("ip", "link", "set", "dev", "eth1", "up"),
        ("ip", "link", "set", "dev", "br-tv", "up"),
    ]


def test_what_stands_already_is_left_alone() -> None:
    assert steps_up(TV, [ETH0, BRIDGE, JOINED]) == []


def test_a_bridge_of_an_earlier_telltale_takes_the_address_that_its_rules_speak_of() -> None:
    before = NetworkLink("br-tv", "bridge", "", True, True, ("10.83.7.1/24", "fd00::1/64"))
    assert steps_up(TV, [ETH0, before, JOINED]) == [
        ("ip", "link", "set", "dev", "br-tv", "down"),
        ("ip", "link", "set", "dev", "br-tv", "address", TV.mac),
        ("ip", "address", "add", "fd00::1/64", "dev", "br-tv", "nodad"),
        ("ip", "link", "set", "dev", "br-tv", "up"),
    ]


def test_old_addresses_and_ports_go() -> None:
    old = NetworkLink("br-tv", "bridge", TV.mac, True, True, ("10.99.0.1/24", "10.83.7.1/24", "fd00::1/64"))
    radio = NetworkLink("wlan0", "wifi", "", True, True, master="br-tv")
    other = NetworkLink("eth2", "ethernet", "", True, True, master="br-tv")
    assert steps_up(TV, [ETH0, old, JOINED, radio, other]) == [
        ("ip", "address", "del", "10.99.0.1/24", "dev", "br-tv"),
        # The access point's own program put the radio there.
        ("ip", "link", "set", "dev", "eth2", "nomaster"),
    ]


@pytest.mark.parametrize(
    ("links", "sentence"),
    [
        ([ETH0], "is not there"),
        ([NetworkLink("eth1", "ethernet", "", True, True, uplink=True)], "leads to the internet"),
        ([NetworkLink("eth1", "ethernet", "", True, True, master="br0")], "belongs to br0"),
        ([NetworkLink("br-tv", "ethernet", "", True, True), ETH1], "is no bridge"),
    ],
)
def test_what_cannot_be_is_said(links: list[NetworkLink], sentence: str) -> None:
    with pytest.raises(NetworkError, match=sentence):
        steps_up(TV, links)


def test_down_takes_only_what_is_ours() -> None:
    assert steps_down(TV, [ETH0, BRIDGE, JOINED])[-1] == ("ip", "link", "del", "dev", "br-tv", "type", "bridge")
    assert steps_down(TV, [ETH0, NetworkLink("br-tv", "vlan", "", True, True)]) == []


def test_the_uplink_is_where_the_best_default_route_leads() -> None:
    routes = json.dumps([{"dst": "default", "dev": "wlan0", "metric": 600}, {"dst": "default", "dev": "eth0"}])
    eth0, wlan0, bridge = parse_links(json.dumps(SHOWN), [routes], wireless={"wlan0"}, physical={"eth0", "wlan0"})
    assert (eth0.uplink, eth0.carrier, eth0.addresses) == (True, True, ("192.0.2.7/24",))
    assert (wlan0.kind, wlan0.fit_for_tv, eth0.fit_for_tv) == ("wifi", True, False)
    assert (bridge.kind, bridge.fit_for_tv) == ("bridge", False)


def test_without_ipv4_the_ipv6_route_counts() -> None:
    found = parse_links(json.dumps(SHOWN), ["[]", json.dumps([{"dst": "default", "dev": "br-tv", "metric": 1024}])])
    assert [link.name for link in found if link.uplink] == ["br-tv"]
