"""A plan to begin with."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any

from gateway.model.network import Barrier, Mode, NetworkPlan, TvNetwork

TV = TvNetwork(
    "br-tv",
    IPv4Interface("10.42.0.1/24"),
    IPv6Interface("fd42::1/64"),
    IPv4Address("10.42.0.100"),
    IPv4Address("10.42.0.199"),
    ports=("eth1",),
)
KNOWN = (IPv4Address("8.8.8.8"), IPv6Address("2001:4860:4860::8888"))


def plan_with(tv: dict[str, Any] | None = None, **barrier: Any) -> NetworkPlan:
    return NetworkPlan(
        Mode.WIRED, "eth0", replace(TV, **(tv or {})), None, replace(Barrier(resolvers=KNOWN), **barrier)
    )
