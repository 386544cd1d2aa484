"""What one television may not be to another: router, DHCP server, resolver. Pure; one table `bridge telltale`."""

from __future__ import annotations

from gateway.model.network import NetworkPlan
from gateway.network.phrases import (
    DROP,
    Phrase,
    any_of,
    base_chain,
    count,
    counter,
    field,
    match,
    meta,
    remove_table,
    replace_table,
    rule,
)

BRIDGE_COUNTERS = ("rogue_router", "rogue_dhcp", "rogue_dns")


def render_between(plan: NetworkPlan) -> list[Phrase]:
    """Only on our own ports, for a plan that has a television network."""
    assert plan.tv is not None
    ports = {*plan.tv.ports, *((plan.access_point.interface,) if plan.access_point else ())}
    if not ports:
        return remove_table("bridge")
    ours = match(meta("iifname"), any_of(sorted(ports)))
    dhcp, dhcp6 = match(field("udp", "dport"), 68), match(field("udp", "dport"), 546)
    made = [
        *replace_table("bridge"),
        *(counter(name, "bridge") for name in BRIDGE_COUNTERS),
        base_chain("between", "filter", "forward", -200, "bridge"),
    ]
    bad = (
        [match(field("icmpv6", "type"), "nd-router-advert"), count("rogue_router")],
        [match(field("udp", "sport"), 67), dhcp, count("rogue_dhcp")],
        [match(field("udp", "sport"), 547), dhcp6, count("rogue_dhcp")],
        [match(field("udp", "dport"), 53), count("rogue_dns")],
        [match(field("tcp", "dport"), 53), count("rogue_dns")],
    )
    made += [rule("between", ours, *way, DROP, family="bridge") for way in bad]
    return made
