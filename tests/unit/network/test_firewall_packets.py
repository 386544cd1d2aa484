"""What becomes of a packet of a television's, or of one for a television. The kernel itself is tried in netns."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Network

import pytest

from gateway.model.mac import Mac
from tests.support.packet_filter import Fate, Packet
from tests.unit.network.packets import (
    GOOGLE4,
    GOOGLE6,
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
    digit,
    fate,
    filter_of,
    from_tv,
    key,
)
from tests.unit.network.plans import plan_with


@pytest.mark.parametrize("protocol", [TCP, UDP])
@pytest.mark.parametrize(
    ("target", "port"),
    [(GOOGLE4, 53), (GOOGLE6, 53), (SITE4, 53), (SITE6, 53), (LAPTOP4, 53), (LAPTOP6, 53),
     (SITE4, 54), (SITE6, 54), (SITE4, 5353), (SITE6, 5353)],
)  # fmt: skip
def test_whoever_is_asked_for_a_name_we_answer_and_note_who_tried(target: str, protocol: str, port: int) -> None:
    us = OURS6 if ":" in target else OURS4
    assert fate(from_tv(target, protocol, port)) == Fate(
        "accepted", (us, 53), ("dns_turned",), ((f"turned{digit(target)}", key(target, protocol, port)),)
    )


@pytest.mark.parametrize("protocol", [TCP, UDP])
@pytest.mark.parametrize("target", [OURS4, OURS6, LOCAL6])
def test_who_asks_us_makes_no_detour(target: str, protocol: str) -> None:
    assert fate(from_tv(target, protocol, 53)) == Fate("accepted", (target, 53))


@pytest.mark.parametrize("target", [OURS4, OURS6, LOCAL6])
def test_our_resolver_may_listen_on_another_port(target: str) -> None:
    us = OURS6 if ":" in target else OURS4
    assert fate(from_tv(target, UDP, 53), dns_port=5335) == Fate("accepted", (us, 5335))
    assert fate(from_tv(GOOGLE4, TCP, 53), dns_port=5335).target == (OURS4, 5335)


@pytest.mark.parametrize(("target", "port"), [(MDNS4, 5353), (MDNS6, 5353), (MDNS4, 53), (MDNS6, 53)])
def test_questions_to_everybody_on_the_link_are_no_detour(target: str, port: int) -> None:
    found = fate(from_tv(target, UDP, port))
    assert (found.counted, found.remembered, found.target) == ((), (), (target, port))


@pytest.mark.parametrize("target", ["10.42.0.88", "fd42::88"])
def test_mdns_between_two_televisions_is_theirs(target: str) -> None:
    found = filter_of(plan_with()).fate(replace(from_tv(target, UDP, 5353), out="br-tv"))
    assert found == Fate("accepted", (target, 5353))
    asked = filter_of(plan_with()).fate(replace(from_tv(target, UDP, 53), out="br-tv"))
    assert asked.counted == ("dns_turned",), "a resolver on a television is one like any other"


def test_every_question_is_counted_but_of_a_connection_only_its_beginning() -> None:
    known = {"state": "established"}
    assert fate(from_tv(GOOGLE4, UDP, 53, **known)).counted == ("dns_turned",)
    assert fate(from_tv(GOOGLE4, TCP, 53, **known)).counted == ()
    assert fate(from_tv(GOOGLE6, TCP, 53, **known)).counted == ()


@pytest.mark.parametrize(("target", "back"), [(GOOGLE4, QUAD4), (GOOGLE6, QUAD6), (OURS4, QUAD4), (OURS6, QUAD6)])
@pytest.mark.parametrize("protocol", [TCP, UDP])
def test_while_our_resolver_is_dead_the_fallback_answers(target: str, back: IPv4Address, protocol: str) -> None:
    packet = replace(from_tv(target, protocol, 53), out="eth0")
    known = {"filtering": False, "fallback": (QUAD4, QUAD6), "resolvers": (QUAD4, QUAD6)}
    found = fate(packet, **known)
    assert (found.end, found.target) == ("accepted", (str(back), 53))
    assert found.counted == (() if target in (OURS4, OURS6) else ("dns_passed",))
    assert fate(replace(packet, target=str(back), state="established"), **known).end == "accepted"
    us = OURS6 if ":" in target else OURS4
    assert fate(from_tv(us, TCP, 80), **known).end == "accepted", "and the dashboard still says what is wrong"


def test_without_a_fallback_in_a_family_the_television_is_sent_to_the_other_one_at_once() -> None:
    for protocol, end in ((TCP, "reset"), (UDP, "refused")):
        assert fate(from_tv(OURS6, protocol, 53), filtering=False, fallback=(QUAD4,)).end == end
    assert fate(from_tv(OURS6, UDP, 53), filtering=False).end == "accepted", "and fails closed without any"


def test_an_encrypted_question_to_the_fallback_is_none_that_we_let_pass() -> None:
    known = {"filtering": False, "fallback": (QUAD4,), "resolvers": (QUAD4,)}
    assert fate(from_tv("9.9.9.9", TCP, 853), **known).end == "reset"
    assert fate(from_tv("9.9.9.9", TCP, 443), **known).end == "reset"


@pytest.mark.parametrize(
    ("protocol", "port", "counter"),
    [(TCP, 853, "dot_refused"), (UDP, 853, "doq_refused"), (TCP, 443, "doh_refused"), (UDP, 443, "doh_refused"),
     (TCP, 8443, "resolver_refused"), (UDP, 9953, "resolver_refused")],
)  # fmt: skip
@pytest.mark.parametrize("target", [GOOGLE4, GOOGLE6])
def test_encrypted_dns_is_refused_at_once_and_noted(target: str, protocol: str, port: int, counter: str) -> None:
    end = "reset" if protocol == TCP else "refused"
    assert fate(from_tv(target, protocol, port)) == Fate(
        end, (target, port), (counter,), ((f"refused{digit(target)}", key(target, protocol, port)),)
    )


@pytest.mark.parametrize("target", [GOOGLE4, GOOGLE6])
def test_encrypted_dns_may_only_be_noted(target: str) -> None:
    found = fate(from_tv(target, TCP, 443), refuse_encrypted=False)
    assert (found.end, found.counted) == ("accepted", ("encrypted_noted",))
    assert found.remembered == ((f"refused{digit(target)}", key(target, TCP, 443)),)


@pytest.mark.parametrize("target", [SITE4, SITE6])
def test_only_port_853_is_encrypted_dns_with_whomever(target: str) -> None:
    assert fate(from_tv(target, TCP, 853)).counted == ("dot_refused",)
    assert fate(from_tv(target, UDP, 853)).counted == ("doq_refused",)
    for protocol, port in ((TCP, 443), (UDP, 443), (TCP, 80), (UDP, 3478)):
        found = fate(from_tv(target, protocol, port))
        assert (found.end, found.counted, found.remembered) == ("accepted", (), ())


@pytest.mark.parametrize("target", [GOOGLE4, GOOGLE6])
def test_a_page_from_a_known_resolver_may_be_fetched(target: str) -> None:
    """Connectivity checks of some televisions do, in the open."""
    found = fate(from_tv(target, TCP, 80))
    assert (found.end, found.counted) == ("accepted", ())
    assert (
        fate(replace(from_tv(target, "ipv6-icmp" if ":" in target else "icmp"), icmp="echo-request")).end == "accepted"
    )


@pytest.mark.parametrize(("target", "us"), [(SITE4, OURS4), (SITE6, OURS6), (GOOGLE4, OURS4)])
def test_we_say_what_time_it_is_where_we_know_it(target: str, us: str) -> None:
    asks = from_tv(target, UDP, 123)
    assert fate(asks, redirect_time=True) == Fate(
        "accepted", (us, 123), ("time_turned",), ((f"turned{digit(target)}", key(target, UDP, 123)),)
    )
    assert fate(from_tv(us, UDP, 123), redirect_time=True) == Fate("accepted", (us, 123))
    assert fate(from_tv(us, UDP, 123)).counted == ("gateway_refused",), "nobody listens there"
    assert fate(from_tv(SITE4, UDP, 123)).counted == ()
    assert fate(from_tv(SITE4, TCP, 123), redirect_time=True).counted == ()


def test_nobody_else_s_clock_is_changed() -> None:
    packet = Packet("wg0", LAPTOP4, SITE4, UDP, 123, "eth0")
    assert fate(packet, redirect_time=True) == Fate("accepted", (SITE4, 123))


@pytest.mark.parametrize("target", [SITE4, SITE6, GOOGLE4])
@pytest.mark.parametrize("bytes_there", [53, 54, 123, 853, 5353])
def test_what_stands_in_the_place_of_a_port_is_none_in_other_protocols(target: str, bytes_there: int) -> None:
    """Of an echo request it is the checksum."""
    ping = from_tv(target, "ipv6-icmp" if ":" in target else "icmp", bytes_there, icmp="echo-request")
    for barrier in ({"redirect_time": True}, {"filtering": False, "fallback": (QUAD4,)}):
        assert fate(ping, **barrier) == Fate("accepted", (target, bytes_there), masked=True)


@pytest.mark.parametrize("group", ["224.0.1.1", "ff02::101"])
def test_who_asks_every_clock_on_the_link_is_left_alone(group: str) -> None:
    found = fate(from_tv(group, UDP, 123), redirect_time=True)
    assert (found.target, found.counted, found.remembered) == ((group, 123), (), ())


@pytest.mark.parametrize("target", [SITE4, SITE6, GOOGLE4])
def test_a_paused_television_reaches_nobody_but_our_resolver(target: str) -> None:
    barrier = {"paused": (Mac(MAC),)}
    assert fate(from_tv(target, TCP, 443), **barrier) == Fate("reset", (target, 443), ("paused_refused",))
    assert fate(from_tv(target, UDP, 443, state="established"), **barrier).end == "refused"
    assert fate(from_tv(target, UDP, 53), **barrier).target == (OURS6 if ":" in target else OURS4, 53)
    assert fate(from_tv(SITE4, TCP, 443, mac="02:00:00:00:00:03"), **barrier).end == "accepted"


@pytest.mark.parametrize(("tv", "site"), [(TV4, SITE4), (TV6, SITE6)])
def test_a_conversation_that_was_cut_ends_for_both(tv: str, site: str) -> None:
    cut = filter_of(plan_with(), cut=((tv, site),))
    asks = from_tv(site, TCP, 443, state="established")
    assert cut.fate(asks) == Fate("reset", (site, 443), ("cut_refused",))
    assert cut.fate(replace(asks, protocol=UDP)).end == "refused"
    comes = Packet("eth0", site, tv, UDP, 40_000, "br-tv", state="established")
    assert cut.fate(comes).end == "dropped"
    assert cut.fate(replace(comes, protocol=TCP)).end == "accepted", (
        "the television answers it, and is refused for that"
    )
    assert cut.fate(replace(comes, source=GOOGLE4 if tv == TV4 else GOOGLE6)).end == "accepted"


@pytest.mark.parametrize(("target", "source"), [(SITE4, "192.168.1.77"), (SITE6, "2001:db8::77"), (SITE6, "fd43::77")])
def test_a_stranger_s_source_is_refused(target: str, source: str) -> None:
    found = fate(from_tv(target, TCP, 443, source=source))
    assert (found.end, found.counted) == ("reset", ("foreign_source",))
    us = OURS6 if ":" in source else OURS4
    asks = fate(from_tv(us, UDP, 53, source=source))
    assert (asks.end, asks.counted) == ("dropped", ("foreign_source",))


@pytest.mark.parametrize(
    ("target", "source", "port"), [("255.255.255.255", "0.0.0.0", 67), (OURS6, TV_LOCAL, 547), (OURS6, "::", 547)]
)
def test_who_has_no_address_yet_may_ask_for_one(target: str, source: str, port: int) -> None:
    packet = Packet("br-tv", source, target, UDP, port, to="broadcast" if port == 67 else "host")
    assert fate(packet) == Fate("accepted", (target, port))


@pytest.mark.parametrize("protocol", ["gre", "sctp"])
@pytest.mark.parametrize("target", [SITE4, SITE6])
def test_what_hides_others_inside_is_refused(target: str, protocol: str) -> None:
    found = fate(from_tv(target, protocol))
    assert (found.end, found.counted) == ("refused", ("tunnel_refused",))


@pytest.mark.parametrize("target", [SITE4, SITE6])
def test_what_belongs_to_nothing_is_dropped_and_what_belongs_to_something_goes_on(target: str) -> None:
    assert fate(from_tv(target, TCP, 443, state="invalid")).end == "dropped"
    assert fate(from_tv(GOOGLE4, TCP, 443, state="established")).end == "accepted"
    assert fate(from_tv(GOOGLE4, UDP, 443, state="related")).end == "accepted"


@pytest.mark.parametrize(
    "target", [LAPTOP4, LAPTOP6, "10.0.0.5", "172.16.3.4", "169.254.1.1", "100.64.0.1", "fe80::20", "fc00::1"]
)
def test_a_television_reaches_the_internet_and_nobody_at_home(target: str) -> None:
    found = fate(from_tv(target, TCP, 445))
    assert (found.end, found.counted) == ("reset", ("home_refused",))
    assert fate(from_tv(target, TCP, 445), isolate_home=False).end == "accepted"


def test_the_home_s_own_ipv6_prefix_is_home_too() -> None:
    prefix, neighbour = IPv6Network("2001:db8:7::/64"), from_tv("2001:db8:7::20", TCP, 445)
    assert filter_of(plan_with()).fate(neighbour).end == "accepted"
    assert filter_of(plan_with(), home=(prefix,)).fate(neighbour).counted == ("home_refused",)


@pytest.mark.parametrize(("source", "target"), [(SITE4, TV4), (SITE6, TV6), (LAPTOP4, TV4)])
def test_nobody_begins_a_conversation_with_a_television(source: str, target: str) -> None:
    packet = Packet("eth0", source, target, TCP, 8009, "br-tv")
    assert fate(packet) == Fate("dropped", (target, 8009), ("inbound_dropped",))
    for state in ("established", "related"):
        assert fate(replace(packet, state=state)).end == "accepted"
        assert fate(replace(packet, state=state, protocol=UDP)).end == "accepted"
    assert fate(replace(packet, state="invalid")).end == "dropped"
    assert fate(replace(packet, into="br-tv", source=TV6 if ":" in target else "10.42.0.88")).end == "accepted"
