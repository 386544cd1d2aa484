"""The rules: from a plan to libnftables' JSON (libnftables-json(5)). Pure.

One table `inet telltale`, and for what televisions say to each other one table `bridge telltale`. Both are replaced in
one transaction; every other table stays as it is. Our chains' policy is accept: they judge what comes from the
televisions' network or goes there, and what comes from the uplink to our own ports, and nothing else, so that nobody
who manages this box over the home's network is ever locked out.

Plain DNS is turned to us and never refused: a Fire TV whose 8.8.8.8 is refused believes that it is offline. Encrypted
DNS is refused at once, so that the television falls back to plain DNS. A rule that remembers who tried is never the
rule that decides: a full memory opens no way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, collapse_addresses

from gateway.model.address import Address
from gateway.model.network import Mode, NetworkPlan
from gateway.model.special_addresses import LINK_LOCAL_6, MULTICAST_4, MULTICAST_6, Purpose, is_home, networks
from gateway.network.between import render_between
from gateway.network.limits import check_plan
from gateway.network.phrases import (
    ACCEPT,
    DROP,
    Network,
    Phrase,
    any_of,
    base_chain,
    chain,
    constant_set,
    count,
    counter,
    field,
    growing_set,
    is_state,
    jump,
    match,
    meta,
    prefix,
    remember,
    remove_table,
    replace_table,
    rule,
)

DNS_PORTS = (53, 54, 5353)
"""Where televisions look for plain DNS. 54 is a known trick; 5353 beyond the own network is never mDNS (RFC 6762)."""
DOT_PORT = 853
"""DNS over TLS (RFC 7858) and DNS over QUIC (RFC 9250)."""
HOME = networks(Purpose.PRIVATE, Purpose.LINK_LOCAL, Purpose.SHARED)
"""Where a packet can go without leaving for the internet."""
COUNTERS = (
    *("dns_turned", "dns_passed", "time_turned", "dot_refused", "doq_refused", "doh_refused", "resolver_refused"),
    *("encrypted_noted", "paused_refused", "cut_refused", "home_refused", "foreign_source", "ipv6_refused"),
    *("inbound_dropped", "gateway_refused", "uplink_dropped", "tunnel_refused"),
)
MEMORY = 4096
MEMORY_SECONDS = 3600
CARRIED = ("tcp", "udp", "icmp", "ipv6-icmp")
"""All that a television speaks to the internet. Whatever else hides others inside (IP in IP, IPv6 in IPv4, GRE, L2TP,
ESP) or has ports of its own (SCTP, UDP-Lite), and would pass every rule of ours unseen."""
_ECHO = ["echo-request", "destination-unreachable", "time-exceeded", "parameter-problem"]
_ECHO6 = [*_ECHO, "packet-too-big", "nd-router-solicit", "nd-neighbor-solicit", "nd-neighbor-advert"]
_MULTICAST_REPORTS = ["mld-listener-report", "mld-listener-done", "mld2-listener-report"]


@dataclass(frozen=True, slots=True)
class Family:
    """One of the two IP families, as the rules of this plan need it; `own` is our address in it, or None.

    `unnumbered` are the sources of a device that has no address of the network: DHCP, and link-local IPv6.
    """

    digit: str
    protocol: str
    element: str
    own: str | None
    network: Network | None
    multicast: Network
    unnumbered: tuple[str | Phrase, ...]
    fallback: Address | None

    def daddr(self) -> Phrase:
        return field(self.protocol, "daddr")

    def saddr(self) -> Phrase:
        return field(self.protocol, "saddr")


def families(plan: NetworkPlan) -> tuple[Family, Family]:
    """IPv4 and IPv6 of a plan that has a television network."""
    assert plan.tv is not None
    six = plan.tv.address6
    fallback = plan.barrier.fallback
    four_back = next((address for address in fallback if address.version == 4), None)
    six_back = next((address for address in fallback if address.version == 6), None)
    four, own = plan.tv.address.network, str(plan.tv.address.ip)
    return (
        Family("4", "ip", "ipv4_addr", own, four, MULTICAST_4, (str(IPv4Address(0)),), four_back),
        Family(
            "6",
            "ip6",
            "ipv6_addr",
            str(six.ip) if six else None,
            six.network if six else None,
            MULTICAST_6,
            ("::", prefix(LINK_LOCAL_6)),
            six_back,
        ),
    )


def passes_dns(plan: NetworkPlan) -> bool:
    """DNS goes past us: we are not filtering, and somebody is named who answers instead. Else it fails closed."""
    return not plan.barrier.filtering and bool(plan.barrier.fallback)


def render(plan: NetworkPlan, home: Sequence[Network] = (), bridge: bool = True) -> list[Phrase]:
    """Commands for one transaction. `home` are more networks of the home (the uplink's own IPv6 prefix).

    Without `bridge` the rules between televisions are left out, for a kernel that has none. Raises NetworkError.
    """
    check_plan(plan)
    if plan.tv is None or plan.mode is Mode.DNS_ONLY:
        return remove(bridge)
    return [
        *replace_table(),
        *(counter(name) for name in COUNTERS),
        *_sets(plan, home),
        *_who_tried(plan),
        *_turned(plan),
        *_refusals(plan),
        *_forward(plan),
        *_input(plan),
        *_masquerade(plan),
        *(render_between(plan) if bridge else ()),
    ]


def remove(bridge: bool = True) -> list[Phrase]:
    return [*remove_table(), *(remove_table("bridge") if bridge else ())]


def homes(more: Iterable[Network]) -> list[Network]:
    """All networks of the home, none inside another: nft refuses intervals that overlap."""
    known: list[Network] = [*HOME, *more]
    four = collapse_addresses(network for network in known if isinstance(network, IPv4Network))
    six = collapse_addresses(network for network in known if isinstance(network, IPv6Network))
    return [*four, *six]


def _sets(plan: NetworkPlan, home: Sequence[Network]) -> list[Phrase]:
    made = [constant_set("paused", "ether_addr", sorted(set(plan.barrier.paused)))]
    everywhere = homes(home)
    for family in families(plan):
        version = int(family.digit)
        resolvers = sorted({address for address in plan.barrier.resolvers if address.version == version}, key=int)
        home_prefixes = [prefix(network) for network in everywhere if network.version == version]
        made += [
            constant_set(f"resolvers{family.digit}", family.element, [str(address) for address in resolvers]),
            constant_set(f"home{family.digit}", family.element, home_prefixes, ("interval",)),
            constant_set(f"cut{family.digit}", [family.element, family.element], [], ("timeout",)),
        ]
        key = ["ether_addr", family.element, "inet_proto", "inet_service"]
        made += [growing_set(f"{word}{family.digit}", key, MEMORY, MEMORY_SECONDS) for word in ("turned", "refused")]
    return made


def _from_tv(plan: NetworkPlan) -> Phrase:
    assert plan.tv is not None
    return match(meta("iifname"), plan.tv.interface)


def _key(family: Family) -> list[Phrase]:
    return [field("ether", "saddr"), family.daddr(), meta("l4proto"), field("th", "dport")]


def _asks_elsewhere(plan: NetworkPlan, family: Family, protocol: str) -> list[list[Phrase]]:
    """The ways a packet asks a resolver that is not us; packets that ask us are one of them when our port is not 53."""
    everywhere: list[Phrase | str] = [prefix(family.multicast)]
    straight = plan.barrier.dns_port == 53 and not passes_dns(plan)
    here = [*everywhere, *_ours(family)] if straight else everywhere
    beyond = [*everywhere, prefix(family.network)] if family.network else everywhere
    tricks = any_of(DNS_PORTS[1:])
    return [
        [match(family.daddr(), any_of(here), "!="), match(field(protocol, "dport"), DNS_PORTS[0])],
        [match(family.daddr(), any_of(beyond), "!="), match(field(protocol, "dport"), tricks)],
    ]


def _ours(family: Family) -> list[Phrase | str]:
    """Where questions to us go. Turning one that was sent to our link-local address would have it answered from there
    past the turning, with another port: no route leads anywhere else from it, so it needs none.
    """
    own: list[Phrase | str] = [family.own] if family.own else []
    return [*own, prefix(LINK_LOCAL_6)] if family.digit == "6" else own


def _asks_for_time(family: Family) -> list[Phrase]:
    spared = [prefix(family.multicast), *([family.own] if family.own else [])]
    return [match(family.daddr(), any_of(spared), "!="), match(field("udp", "dport"), 123)]


def _who_tried(plan: NetworkPlan) -> list[Phrase]:
    """Before any address is changed: counted are the datagrams, and the connections of TCP."""
    ports = [*DNS_PORTS, *((123,) if plan.barrier.redirect_time else ())]
    asking = [match(meta("l4proto"), any_of(["tcp", "udp"])), match(field("th", "dport"), any_of(ports))]
    made = [
        base_chain("before", "filter", "prerouting", -150),
        chain("tried"),
        # Every packet of every flow comes by here: it is looked at once, and nearly always let go.
        rule("before", _from_tv(plan), *asking, jump("tried")),
    ]
    counted = count("dns_passed" if passes_dns(plan) else "dns_turned")
    for family in families(plan):
        for protocol in ("udp", "tcp"):
            first = [is_state("new")] if protocol == "tcp" else []
            for asks in _asks_elsewhere(plan, family, protocol):
                # A question to ourselves on port 53 is no detour, whatever port we really listen on.
                spared = [match(family.daddr(), any_of(_ours(family)), "!=")]
                memory = remember(f"turned{family.digit}", _key(family))
                made.append(rule("tried", *asks, *spared, *first, counted, memory))
        if plan.barrier.redirect_time:
            memory = remember(f"turned{family.digit}", _key(family))
            made.append(rule("tried", *_asks_for_time(family), count("time_turned"), memory))
    return made


def _redirect(family: Family, address: str | None, port: int) -> Phrase:
    """To this address; to whichever we have on that interface when the plan knows none."""
    if address is None:
        return {"redirect": {"port": port}}
    return {"dnat": {"family": family.protocol, "addr": address, "port": port}}


def _turned(plan: NetworkPlan) -> list[Phrase]:
    made = [base_chain("turned", "nat", "prerouting", -100)]
    for family in families(plan):
        target: Phrase | None = _redirect(family, family.own, plan.barrier.dns_port)
        if passes_dns(plan):
            target = _redirect(family, str(family.fallback), 53) if family.fallback else None
        for protocol in ("udp", "tcp"):
            if target is not None:
                asked = _asks_elsewhere(plan, family, protocol)
                made += [rule("turned", _from_tv(plan), *asks, target) for asks in asked]
        if plan.barrier.redirect_time:
            made.append(rule("turned", _from_tv(plan), *_asks_for_time(family), _redirect(family, family.own, 123)))
    return made


def _refusals(plan: NetworkPlan) -> list[Phrase]:
    """How a television is refused: so that it notices at once. Encrypted DNS may only be written down."""
    refuse = plan.barrier.refuse_encrypted
    made = [
        chain("refuse"),
        rule("refuse", match(meta("l4proto"), "tcp"), {"reject": {"type": "tcp reset"}}),
        rule("refuse", {"reject": {"type": "icmpx", "expr": "admin-prohibited"}}),
        chain("encrypted"),
    ]
    for family in families(plan):
        is_family = match(meta("nfproto"), "ipv4" if family.digit == "4" else "ipv6")
        made.append(rule("encrypted", is_family, remember(f"refused{family.digit}", _key(family))))
    known = (
        [match(field("tcp", "dport"), DOT_PORT), count("dot_refused")],
        [match(field("udp", "dport"), DOT_PORT), count("doq_refused")],
        [match(field("th", "dport"), 443), count("doh_refused")],
        [count("resolver_refused")],
    )
    if refuse:
        made += [rule("encrypted", *way, jump("refuse")) for way in known]
    else:
        made.append(rule("encrypted", count("encrypted_noted")))
    return made


def _forward(plan: NetworkPlan) -> list[Phrase]:
    assert plan.tv is not None
    to_tv = match(meta("oifname"), plan.tv.interface)
    made = [
        base_chain("forward", "filter", "forward", 0),
        chain("from_tv"),
        chain("to_tv"),
        rule("forward", to_tv, jump("to_tv")),
        rule("forward", _from_tv(plan), jump("from_tv")),
        # Nearly every packet ends at this rule. Of a flow that was cut it may still come: the television answers it, is
        # refused for that, and so notices; silence would leave it waiting.
        rule("to_tv", match(meta("l4proto"), "tcp"), is_state("established"), ACCEPT),
        # From one television to another by way of us; the straight way over the bridge is shut beside this.
        rule("to_tv", _from_tv(plan), jump("refuse") if plan.barrier.keep_apart else ACCEPT),
    ]
    if plan.barrier.paused:
        paused = match(field("ether", "saddr"), "@paused")
        made.append(rule("from_tv", paused, count("paused_refused"), jump("refuse")))
    both = families(plan)
    for family in both:
        pair = {"concat": [family.saddr(), family.daddr()]}
        made.append(rule("from_tv", match(pair, f"@cut{family.digit}"), count("cut_refused"), jump("refuse")))
    made += [rule("from_tv", is_state("established", "related"), ACCEPT), rule("from_tv", is_state("invalid"), DROP)]
    for family in both:
        if family.network is None:
            made.append(rule("from_tv", match(meta("nfproto"), "ipv6"), count("ipv6_refused"), jump("refuse")))
        else:
            foreign = match(family.saddr(), prefix(family.network), "!=")
            made.append(rule("from_tv", foreign, count("foreign_source"), jump("refuse")))
    # The kernel says no aloud to GRE and ESP: of the others it knows no checksum, and drops them.
    made.append(rule("from_tv", match(meta("l4proto"), any_of(CARRIED), "!="), count("tunnel_refused"), jump("refuse")))
    ports = any_of(["tcp", "udp"])
    if passes_dns(plan):
        made.append(rule("from_tv", match(meta("l4proto"), ports), match(field("th", "dport"), 53), ACCEPT))
    made.append(
        rule("from_tv", match(meta("l4proto"), ports), match(field("th", "dport"), DOT_PORT), jump("encrypted"))
    )
    for family in both:
        known = match(family.daddr(), f"@resolvers{family.digit}")
        # Port 80 stays: connectivity checks of some televisions fetch a page there.
        speaks = [match(meta("l4proto"), ports), match(field("th", "dport"), 80, "!=")]
        made.append(rule("from_tv", known, *speaks, jump("encrypted")))
    for family in both if plan.barrier.isolate_home else ():
        home = match(family.daddr(), f"@home{family.digit}")
        made.append(rule("from_tv", home, count("home_refused"), jump("refuse")))
    made += [
        rule("from_tv", ACCEPT),
        *(rule("to_tv", match(meta("l4proto"), "tcp", "!="), _cut_back(family), DROP) for family in both),
        rule("to_tv", is_state("established", "related"), ACCEPT),
        rule("to_tv", count("inbound_dropped"), DROP),
    ]
    return made


def _cut_back(family: Family) -> Phrase:
    return match({"concat": [family.daddr(), family.saddr()]}, f"@cut{family.digit}")


def _input(plan: NetworkPlan) -> list[Phrase]:
    barrier = plan.barrier
    ours = any_of(sorted({53, barrier.dns_port, barrier.web_port}))
    served = sorted({53, barrier.dns_port, 67, 547, *((123,) if barrier.redirect_time else ())})
    made = [
        base_chain("input", "filter", "input", 0),
        chain("tv_to_us"),
        chain("uplink_to_us"),
        rule("input", _from_tv(plan), jump("tv_to_us")),
        rule("input", match(meta("iifname"), plan.uplink), jump("uplink_to_us")),
    ]
    for family in families(plan):
        if family.network is not None:
            known = any_of([prefix(family.network), *family.unnumbered])
            # An answer would go out to whoever really has that address, at home or on the internet.
            made.append(rule("tv_to_us", match(family.saddr(), known, "!="), count("foreign_source"), DROP))
    if passes_dns(plan):
        # Nobody answers here now; in a family without a fallback a quick no makes the television ask in the other.
        made.append(rule("tv_to_us", match(field("th", "dport"), 53), jump("refuse")))
    made += [
        rule("tv_to_us", is_state("established", "related"), ACCEPT),
        rule("tv_to_us", match(field("udp", "dport"), any_of(served)), ACCEPT),
        rule("tv_to_us", match(field("tcp", "dport"), ours), ACCEPT),
        rule("tv_to_us", match(field("icmp", "type"), any_of(_ECHO)), ACCEPT),
        rule("tv_to_us", match(field("icmpv6", "type"), any_of([*_ECHO6, *_MULTICAST_REPORTS])), ACCEPT),
        *(rule("tv_to_us", match(family.daddr(), prefix(family.multicast)), DROP) for family in families(plan)),
        rule("tv_to_us", match(meta("pkttype"), "broadcast"), DROP),
        rule("tv_to_us", count("gateway_refused"), jump("refuse")),
        rule("uplink_to_us", is_state("established", "related"), ACCEPT),
        *(rule("uplink_to_us", match(f.saddr(), f"@home{f.digit}"), ACCEPT) for f in families(plan)),
        rule("uplink_to_us", match(field("udp", "dport"), any_of(served)), count("uplink_dropped"), DROP),
        rule("uplink_to_us", match(field("tcp", "dport"), ours), count("uplink_dropped"), DROP),
    ]
    return made


def _masquerade(plan: NetworkPlan) -> list[Phrase]:
    assert plan.tv is not None
    made = [base_chain("our_address", "nat", "postrouting", 100)]
    # What we ask ourselves goes over lo, and its answer would not find back.
    away = match(meta("oifname"), any_of([plan.tv.interface, "lo"]), "!=")
    for family in families(plan):
        network = family.network
        if network is not None and (network.version == 4 or is_home(network[0])):
            made.append(rule("our_address", match(family.saddr(), prefix(network)), away, {"masquerade": None}))
    return made
