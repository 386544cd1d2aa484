from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest

from gateway.errors import NetworkError
from gateway.model.network import Mode
from gateway.network.firewall import families, homes, passes_dns, render
from tests.unit.network.plans import plan_with


def rules(commands: list[dict], chain: str) -> list[str]:
    found = [part["add"]["rule"] for part in commands if "rule" in part.get("add", {})]
    return [json.dumps(rule["expr"]) for rule in found if rule["chain"] == chain]


def elements(commands: list[dict], name: str) -> list:
    (found,) = [part["add"]["set"] for part in commands if part.get("add", {}).get("set", {}).get("name") == name]
    return found.get("elem", [])


def test_only_our_two_tables_are_touched():
    for command in render(plan_with()):
        ((_verb, thing),) = command.items()
        ((kind, body),) = thing.items()
        assert (body["name"] if kind == "table" else body["table"]) == "telltale"
        assert body["family"] in ("inet", "bridge")


def test_the_table_is_replaced_in_one_go():
    first = [next(iter(command)) for command in render(plan_with())[:3]]
    assert first == ["add", "delete", "add"]


def test_no_chain_s_policy_shuts_anybody_out():
    chains = [part["add"]["chain"] for part in render(plan_with()) if "chain" in part.get("add", {})]
    assert {chain["policy"] for chain in chains if "hook" in chain} == {"accept"}


def test_remembering_and_deciding_are_different_rules():
    """A rule whose set is full ends there; it must not be the rule that refuses."""
    for part in render(plan_with(redirect_time=True)):
        expressions = [next(iter(word)) for word in part.get("add", {}).get("rule", {}).get("expr", [])]
        # A pace is the one exception: where its set is full, nothing is dropped, and the port's pace stands behind.
        if "set" in expressions and "limit" not in str(part):
            assert expressions[-1] == "set"
            assert not {"jump", "drop", "accept", "dnat", "redirect", "reject"} & set(expressions)


@pytest.mark.parametrize("filtering", [True, False])
def test_plain_dns_is_never_refused_by_default(filtering):
    commands = render(plan_with(filtering=filtering, fallback=(ip_address("9.9.9.9"), IPv6Address("2620:fe::fe"))))
    target = "10.42.0.1" if filtering else "9.9.9.9"
    assert any(f'"addr": "{target}", "port": 53' in rule for rule in rules(commands, "turned"))
    assert len(rules(commands, "turned")) == 8


def test_a_question_to_our_link_local_address_is_answered_from_there():
    """Turned, it would come back from another port; while our resolver is dead it has to be turned."""
    fallback = (IPv6Address("2620:fe::fe"),)
    for commands, spared in (
        (render(plan_with()), True),
        (render(plan_with(dns_port=5335)), False),
        (render(plan_with(filtering=False, fallback=fallback)), False),
    ):
        turned = [rule for rule in rules(commands, "turned") if '"ip6"' in rule and '"right": 53' in rule]
        assert len(turned) == 2
        assert all(("fe80::" in rule) is spared for rule in turned)


def test_tunnels_and_strangers_sources_are_met_before_anything_is_accepted():
    commands = render(plan_with())
    from_tv = rules(commands, "from_tv")
    (tunnel,) = [number for number, rule in enumerate(from_tv) if "tunnel_refused" in rule]
    assert from_tv[tunnel].startswith('[{"match": {"op": "!=", "left": {"meta": {"key": "l4proto"}}')
    assert not any(rule == '[{"accept": null}]' for rule in from_tv[:tunnel])
    to_us = rules(commands, "tv_to_us")
    foreign = [number for number, rule in enumerate(to_us) if "foreign_source" in rule]
    accepted = [number for number, rule in enumerate(to_us) if '{"accept": null}' in rule]
    assert len(foreign) == 2
    assert max(foreign) < min(accepted)
    # Who has no address yet asks for one, and looks for neighbours.
    assert '"0.0.0.0"' in to_us[foreign[0]]
    assert '"fe80::"' in to_us[foreign[1]]


def test_both_families_are_treated_alike():
    commands = render(plan_with(redirect_time=True))
    for chain in ("tried", "turned", "our_address", "from_tv", "to_tv", "encrypted"):
        text = " ".join(rules(commands, chain))
        four = text.count('"ip"') + text.count("ipv4") + text.count('4"')
        six = text.count('"ip6"') + text.count("ipv6") + text.count('6"')
        assert four > 0
        assert six > 0
    for name in ("resolvers", "home", "cut", "turned", "refused"):
        assert bool(elements(commands, f"{name}4")) == bool(elements(commands, f"{name}6"))


def test_without_ipv6_of_ours_everything_over_it_is_refused():
    commands = render(plan_with(tv={"address6": None}))
    assert any("ipv6_refused" in rule for rule in rules(commands, "from_tv"))
    assert sum("redirect" in rule for rule in rules(commands, "turned")) == 4


def test_fails_closed_without_a_fallback():
    assert not passes_dns(plan_with(filtering=False))
    assert passes_dns(plan_with(filtering=False, fallback=(ip_address("9.9.9.9"),)))
    assert rules(render(plan_with(filtering=False)), "turned") == rules(render(plan_with()), "turned")


def test_networks_of_the_home_never_overlap():
    found = homes([IPv6Network("fd00:1::/64"), IPv6Network("2001:db8::/64"), IPv4Network("192.168.7.0/24")])
    assert IPv6Network("2001:db8::/64") in found
    assert not any(a != b and a.version == b.version and a.overlaps(b) for a in found for b in found)


def test_the_first_fallback_of_each_family_counts():
    four, six = families(plan_with(fallback=(ip_address("1.1.1.1"), ip_address("9.9.9.9"))))
    assert (str(four.fallback), six.fallback) == ("1.1.1.1", None)


def test_dns_only_leaves_nothing():
    commands = render(replace(plan_with(), mode=Mode.DNS_ONLY, tv=None))
    assert [next(iter(command)) for command in commands] == ["add", "delete"] * 2


@pytest.mark.parametrize(
    ("tv", "barrier", "said"),
    [
        ({"interface": "br*"}, {}, "name of a network interface"),
        ({"interface": 'br"; flush ruleset'}, {}, "name of a network interface"),
        ({"interface": "eth0"}, {}, "leads to the internet"),
        ({"ports": ("eth0",)}, {}, "leads to the internet"),
        ({}, {"dns_port": 0}, "not a port"),
        ({}, {"web_port": 65536}, "not a port"),
        ({}, {"web_port": True}, "not a port"),
        ({}, {"paused": ("02:00:00:00:00:0G",)}, "not a MAC address"),
        ({}, {"paused": ("@resolvers4",)}, "not a MAC address"),
        ({}, {"resolvers": (ip_address("224.0.0.1"),)}, "one server"),
        ({}, {"fallback": (IPv6Address("fe80::1%eth0"),)}, "one server"),
        ({}, {"fallback": ("9.9.9.9",)}, "not an IP address"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(tv, barrier, said):
    with pytest.raises(NetworkError, match=said):
        render(plan_with(tv, **barrier))


def test_a_plan_without_a_network_says_what_is_missing():
    with pytest.raises(NetworkError, match="set its address"):
        render(replace(plan_with(), tv=None))
