"""What a plan must be before any word of it reaches the kernel. Pure; everything is checked, whoever sent it."""

from __future__ import annotations

import re
from ipaddress import IPv4Interface, IPv6Address, IPv6Interface

from gateway.errors import NetworkError
from gateway.model.address import Address
from gateway.model.mac import Mac
from gateway.model.network import Barrier, Mode, NetworkPlan, TvNetwork

_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)
MOST_ADDRESSES = 4096


def check_plan(plan: NetworkPlan) -> None:
    """Raises NetworkError with one sentence about the first thing that is wrong."""
    check_interface(plan.uplink)
    if plan.access_point is not None:
        check_interface(plan.access_point.interface)
    if plan.mode is Mode.DNS_ONLY:
        return
    if plan.tv is None:
        raise NetworkError("network.without-network-televisions")
    _check_network(plan.tv, plan.uplink)
    _check_barrier(plan.barrier)


def check_interface(name: str) -> None:
    """A name that Linux could have given, and that nft does not read as a pattern."""
    if not isinstance(name, str) or not _INTERFACE.fullmatch(name):
        raise NetworkError("network.not-name-network-interface", name=f"{name!r:.60}")


def check_mac(mac: Mac) -> None:
    if not isinstance(mac, Mac):
        raise NetworkError("network.not-mac-address-like", mac=f"{mac!r:.60}")


def _check_network(tv: TvNetwork, uplink: str) -> None:
    check_interface(tv.interface)
    for port in tv.ports:
        check_interface(port)
    if uplink == tv.interface or uplink in tv.ports:
        raise NetworkError("network.leads-internet-so-cannot", uplink=uplink)
    if not isinstance(tv.address, IPv4Interface) or not 8 <= tv.address.network.prefixlen <= 30:
        raise NetworkError("network.network-televisions-needs")
    six = tv.address6
    if six is not None and (not isinstance(six, IPv6Interface) or six.scope_id or six.network.prefixlen > 126):
        raise NetworkError("network.ipv-address-televisions")


def _check_barrier(barrier: Barrier) -> None:
    for port in (barrier.dns_port, barrier.web_port):
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
            raise NetworkError("network.not-port-ports", port=f"{port!r:.20}")
    for name, addresses in (("resolvers", barrier.resolvers), ("fallback", barrier.fallback)):
        if len(addresses) > MOST_ADDRESSES:
            raise NetworkError("network.can-most-addresses", most_addresses=MOST_ADDRESSES, name=name)
        for address in addresses:
            check_address(address)
    if len(barrier.paused) > MOST_ADDRESSES:
        raise NetworkError("network.most-devices-can-paused", most_addresses=MOST_ADDRESSES)
    for mac in barrier.paused:
        check_mac(mac)


def check_address(address: Address) -> None:
    """One address of one machine, without a zone."""
    if not isinstance(address, Address):
        raise NetworkError("network.not-ip-address", address=f"{address!r:.60}")
    if address.is_multicast or address.is_unspecified or (isinstance(address, IPv6Address) and address.scope_id):
        raise NetworkError("network.not-address-server", address=f"{address!s:.60}")
