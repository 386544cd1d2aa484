"""What one television may not be to another: router, DHCP server, resolver, this box; nor may it take every address.

Pure; one table `bridge telltale`, whose rules look at what comes in at our own ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.model.network import NetworkPlan, TvNetwork
from gateway.network.phrases import (
    ACCEPT,
    DROP,
    TABLE,
    Phrase,
    any_of,
    base_chain,
    constant_set,
    count,
    counter,
    field,
    growing_set,
    match,
    meta,
    pace,
    raw,
    remove_table,
    replace_table,
    rule,
)

BRIDGE_COUNTERS = (
    "rogue_router",
    "rogue_dhcp",
    "rogue_dns",
    "forged_claim",
    "tagged_dropped",
    "leases_refused",
    "kept_apart",
)
SHUT_STATIONS, SHUT_PORTS, _PACES, _TENANTS = "shut_stations", "shut_ports", "paces", "tenants"
SHUT_SECONDS = 3600
"""How long nobody new gets an address where too many were asked for."""
_MOST = 4096
_LEAST_SHARE = 16
_STATION_PACE = pace(30, "minute", 32)
"""More than a repeater with eight devices behind it says when the power comes back."""
_ETHERNET = 0x0106
"""Hardware type and length of a MAC address in a DHCP message (RFC 2131): any other would be a second name for one."""
_FRAGMENT = 0x3FFF
_TAGS = any_of(["8021q", "8021ad"])


def own_ports(plan: NetworkPlan) -> list[str]:
    """The links that televisions come in at."""
    assert plan.tv is not None
    return sorted({*plan.tv.ports, *((plan.access_point.interface,) if plan.access_point else ())})


def render_between(plan: NetworkPlan) -> list[Phrase]:
    """Only on our own ports, for a plan that has a television network."""
    assert plan.tv is not None
    if not own_ports(plan):
        return remove_table("bridge")
    ours = match(meta("iifname"), any_of(own_ports(plan)))
    return [
        *replace_table("bridge"),
        *(counter(name, "bridge") for name in BRIDGE_COUNTERS),
        growing_set(SHUT_STATIONS, "ether_addr", _MOST, SHUT_SECONDS, "bridge"),
        growing_set(SHUT_PORTS, "ifname", _MOST, SHUT_SECONDS, "bridge"),
        growing_set(_PACES, "ether_addr", _MOST, 120, "bridge"),
        constant_set(_TENANTS, "ether_addr", [], family="bridge"),
        *_claims(ours, plan.tv),
        *_asking(plan, ours),
        *_between(ours, keep_apart=plan.barrier.keep_apart),
    ]


def share_of_port(plan: NetworkPlan) -> int:
    """How many addresses one port may have: as many ports as there are, one share is left over."""
    assert plan.tv is not None
    pool = int(plan.tv.last) - int(plan.tv.first) + 1
    return max(min(pool, _LEAST_SHARE), pool // (len(own_ports(plan)) + 1))


def shut(stations: Mapping[str, float], ports: Mapping[str, float], tenants: Iterable[str]) -> list[Phrase]:
    """Commands after which these stations, and at these ports all but the tenants, are given no address for so many
    seconds. Tenants are all that there are.
    """
    made: list[Phrase] = [{"flush": {"set": {"family": "bridge", "table": TABLE, "name": _TENANTS}}}]
    members: dict[str, list[Any]] = {_TENANTS: sorted(tenants)[:_MOST]}
    for name, ends in ((SHUT_STATIONS, stations), (SHUT_PORTS, ports)):
        members[name] = [
            {"elem": {"val": each, "timeout": max(1, int(seconds))}} for each, seconds in sorted(ends.items())[:_MOST]
        ]
    made += [
        {"add": {"element": {"family": "bridge", "table": TABLE, "name": name, "elem": each}}}
        for name, each in members.items()
        if each
    ]
    return made


def _claims(ours: Phrase, tv: TvNetwork) -> list[Phrase]:
    """Nobody else has our addresses: not in ARP, not in neighbour discovery, not as the sender of a packet or frame."""
    own6 = [str(tv.address6.ip)] if tv.address6 is not None else []
    six = any_of([*own6, str(tv.link_local)])
    discovery = match(field("icmpv6", "type"), any_of(["nd-neighbor-solicit", "nd-neighbor-advert", "nd-redirect"]))
    forged = (
        [match(field("ether", "saddr"), str(tv.mac))],
        [match(field("arp", "saddr ip"), str(tv.address.ip))],
        [match(field("ip", "saddr"), str(tv.address.ip))],
        [match(field("ip6", "saddr"), six)],
        # In pieces it could be read neither here nor, by RFC 6980, by anybody else.
        [match({"exthdr": {"name": "frag"}}, True), discovery],
        *(
            [match(field("icmpv6", "type"), "nd-neighbor-advert"), match(raw("th", 64, 128), str(int(address)))]
            for address in (*([tv.address6.ip] if tv.address6 is not None else []), tv.link_local)
        ),
    )
    return [
        base_chain("claims", "filter", "prerouting", -300, "bridge"),
        # The kernel takes off one tag by itself. Below two of them the rules for us would see nothing either.
        rule("claims", ours, match(meta("protocol"), _TAGS), count("tagged_dropped"), DROP, family="bridge"),
        *(rule("claims", ours, *way, count("forged_claim"), DROP, family="bridge") for way in forged),
    ]


def _asking(plan: NetworkPlan, ours: Phrase) -> list[Phrase]:
    """Who may ask for an address, and how often (RFC 2131). Read is what stands in one piece; the rest is dropped.

    A burst comes faster than anybody looks: so the kernel lets no port ask for more than its share at once, and no
    station for more than a repeater; who looks (`lease_guard`) then shuts whoever goes on slowly.
    """
    dhcp, station = match(field("udp", "dport"), 67), field("ether", "saddr")
    piece = {"&": [field("ip", "frag-off"), _FRAGMENT]}
    paced = {"set": {"op": "update", "elem": station, "set": f"@{_PACES}", "stmt": [_STATION_PACE]}}
    before: tuple[list[Phrase], ...] = (
        [match(piece, 0, "!=")],
        [match(raw("th", 72, 16), _ETHERNET, "!=")],
        [match(station, f"@{SHUT_STATIONS}")],
        [paced],
    )
    after: list[list[Phrase]] = [[match(meta("iifname"), f"@{SHUT_PORTS}")]]
    after += [[match(meta("iifname"), port), pace(5, "second", share_of_port(plan))] for port in own_ports(plan)]
    refuse = (count("leases_refused"), DROP)
    return [
        # Before anything puts pieces together (br_netfilter does, at 0).
        base_chain("asking", "filter", "prerouting", -250, "bridge"),
        *(rule("asking", ours, dhcp, *way, *refuse, family="bridge") for way in before),
        # Whoever has an address keeps it, whatever its neighbours do.
        rule("asking", ours, dhcp, match(station, f"@{_TENANTS}"), ACCEPT, family="bridge"),
        *(rule("asking", ours, dhcp, *way, *refuse, family="bridge") for way in after),
    ]


def _between(ours: Phrase, *, keep_apart: bool) -> list[Phrase]:
    made = [base_chain("between", "filter", "forward", -200, "bridge")]
    dhcp, dhcp6 = match(field("udp", "dport"), 68), match(field("udp", "dport"), 546)
    bad: list[list[Phrase]] = [
        # Whoever gets such a frame reads what is in it as if there were no tag; we could not.
        [match(field("ether", "type"), _TAGS), count("tagged_dropped")],
        [match(field("icmpv6", "type"), "nd-router-advert"), count("rogue_router")],
        [match(field("udp", "sport"), 67), dhcp, count("rogue_dhcp")],
        [match(field("udp", "sport"), 547), dhcp6, count("rogue_dhcp")],
        [match(field("udp", "dport"), 53), count("rogue_dns")],
        [match(field("tcp", "dport"), 53), count("rogue_dns")],
    ]
    if keep_apart:
        bad.append([count("kept_apart")])
    return [*made, *(rule("between", ours, *way, DROP, family="bridge") for way in bad)]
