"""Packets of a television and of others, and what a plan makes of them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

from gateway.model.network import NetworkPlan
from gateway.network.firewall import render
from tests.support.packet_filter import Fate, Packet, PacketFilter
from tests.unit.network.plans import plan_with

OURS4, OURS6, LOCAL6 = "10.42.0.1", "fd42::1", "fe80::1"
TV4, TV6, TV_LOCAL = "10.42.0.77", "fd42::77", "fe80::77"
GOOGLE4, GOOGLE6 = "8.8.8.8", "2001:4860:4860::8888"
SITE4, SITE6 = "93.184.215.14", "2606:2800:21f::1"
LAPTOP4, LAPTOP6 = "192.168.1.20", "fd00::20"
MDNS4, MDNS6 = "224.0.0.251", "ff02::fb"
QUAD4, QUAD6 = IPv4Address("9.9.9.9"), IPv6Address("2620:fe::fe")
MAC = "02:00:00:00:00:02"
TCP, UDP = "tcp", "udp"


def filter_of(plan: NetworkPlan, *, home: tuple[Any, ...] = (), cut: tuple[tuple[str, str], ...] = ()) -> PacketFilter:
    return PacketFilter(render(plan, home), own=(OURS4, OURS6, LOCAL6, "192.168.1.9"), cut=cut)


def from_tv(target: str, protocol: str = UDP, port: int = 0, **more: Any) -> Packet:
    source = TV6 if ":" in target else TV4
    ours = target in (OURS4, OURS6, LOCAL6) or target in (MDNS4, MDNS6)
    return Packet("br-tv", more.pop("source", source), target, protocol, port, "" if ours else "eth0", **more)


def fate(packet: Packet, **barrier: Any) -> Fate:
    return filter_of(plan_with(**barrier)).fate(packet)


def key(target: str, protocol: str, port: int) -> tuple[str, str, str, int]:
    return (MAC, target, protocol, port)


def digit(target: str) -> str:
    return "6" if ":" in target else "4"
