"""Whatever a plan holds: either it is refused in a sentence, or nothing in the rules means more than it says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import NetworkError
from gateway.linux.netlink import attributes
from gateway.model.network import Barrier, Mode, NetworkPlan
from gateway.network.attempts import parse_memory
from gateway.network.conntrack import parse_part
from gateway.network.firewall import render
from tests.unit.network.plans import TV

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)
hostile = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["eth0", "br-tv", "wlan0", "br*", "@paused", "$x", '"', "a\nb", "a b", "{ }", "-f", "..", "eth0;flush"]
    ),
)
ports = st.one_of(st.integers(-5, 70_000), st.just(53), st.booleans())
macs = st.one_of(st.from_regex(r"\A[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z"), hostile)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), st.builds(IPv6Address, st.just("fe80::1%x")))


@given(
    st.tuples(hostile, hostile, hostile),
    st.tuples(ports, ports),
    st.lists(macs, max_size=3),
    st.lists(addresses, max_size=4),
    st.tuples(*[st.booleans()] * 4),
    st.one_of(st.none(), st.builds(IPv6Interface, st.tuples(st.ip_addresses(v=6), st.integers(0, 128)))),
    st.builds(IPv4Interface, st.tuples(st.ip_addresses(v=4), st.integers(0, 32))),
)
def test_hostile_plans_are_refused_or_harmless(names, two_ports, paused, servers, switches, six, four):
    uplink, bridge, port = names
    barrier = Barrier(two_ports[0], two_ports[1], tuple(servers), switches[0], switches[1], switches[2], tuple(paused))
    barrier = replace(barrier, filtering=switches[3], fallback=tuple(servers))
    plan = NetworkPlan(
        Mode.WIRED, uplink, replace(TV, interface=bridge, ports=(port,), address6=six, address=four), None, barrier
    )
    try:
        commands = render(plan)
    except NetworkError as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert "\n" not in said
        assert len(said) < 200
        return
    assert all(_SAFE.fullmatch(name) for name in names)
    json.dumps(commands)
    for command in commands:
        ((_verb, thing),) = command.items()
        ((kind, body),) = thing.items()
        assert (body["name"] if kind == "table" else body["table"]) == "telltale"


@given(st.binary(max_size=400))
def test_no_bytes_of_the_kernel_break_the_parser(data):
    part = parse_part(data)
    assert len(part.connections) <= len(data)
    assert sum(len(value) for _, value in attributes(data)) <= len(data)


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=12,
)


_element = st.fixed_dictionaries({"val": st.fixed_dictionaries({"concat": _json}), "counter": _json, "expires": _json})
_elements = st.one_of(_json, st.lists(st.fixed_dictionaries({"elem": st.one_of(_element, _json)}), max_size=3))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_elements)
def test_no_listing_breaks_the_reader_of_attempts(elements):
    for key in parse_memory([{"set": {"name": "turned4", "elem": elements}}]):
        IPv4Address(key.server) if ":" not in key.server else IPv6Address(key.server)
        assert re.fullmatch(r"[0-9a-f:]{17}", key.mac)
