"""The phrases that our nftables rules are made of, as libnftables-json(5) writes them. Values, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import Any

Phrase = dict[str, Any]
Network = IPv4Network | IPv6Network

TABLE = "telltale"


def meta(key: str) -> Phrase:
    return {"meta": {"key": key}}


def field(protocol: str, name: str) -> Phrase:
    return {"payload": {"protocol": protocol, "field": name}}


def raw(base: str, offset: int, length: int) -> Phrase:
    """Bits of a header that nft has no name for, counted from its first one. Compared with numbers only."""
    return {"payload": {"base": base, "offset": offset, "len": length}}


def match(left: Phrase, right: Any, op: str = "==") -> Phrase:
    return {"match": {"op": op, "left": left, "right": right}}


def is_state(*states: str) -> Phrase:
    """Connection tracking knows the packet as one of these."""
    return match({"ct": {"key": "state"}}, list(states), "in")


def any_of(values: Iterable[Any]) -> Phrase:
    return {"set": list(values)}


def prefix(network: Network) -> Phrase | str:
    """A network as an element; a single address is written plainly, as nft lists it."""
    if network.prefixlen == network.max_prefixlen:
        return str(network.network_address)
    return {"prefix": {"addr": str(network.network_address), "len": network.prefixlen}}


def count(name: str) -> Phrase:
    return {"counter": name}


def jump(chain: str) -> Phrase:
    return {"jump": {"target": chain}}


ACCEPT: Phrase = {"accept": None}
DROP: Phrase = {"drop": None}


def table(family: str = "inet") -> Phrase:
    return {"table": {"family": family, "name": TABLE}}


def replace_table(family: str = "inet") -> list[Phrase]:
    """Add, delete, add: the second step needs the first where there was no table yet. One transaction, so no gap."""
    return [{"add": table(family)}, {"delete": table(family)}, {"add": table(family)}]


def remove_table(family: str = "inet") -> list[Phrase]:
    return [{"add": table(family)}, {"delete": table(family)}]


def counter(name: str, family: str = "inet") -> Phrase:
    return {"add": {"counter": {"family": family, "table": TABLE, "name": name}}}


def base_chain(name: str, kind: str, hook: str, priority: int, family: str = "inet") -> Phrase:
    """A chain that the kernel calls. Policy accept: what our rules do not name is none of our business."""
    return {
        "add": {
            "chain": {
                "family": family,
                "table": TABLE,
                "name": name,
                "type": kind,
                "hook": hook,
                "prio": priority,
                "policy": "accept",
            }
        }
    }


def chain(name: str) -> Phrase:
    return {"add": {"chain": {"family": "inet", "table": TABLE, "name": name}}}


def rule(chain_name: str, *expressions: Phrase, family: str = "inet") -> Phrase:
    return {"add": {"rule": {"family": family, "table": TABLE, "chain": chain_name, "expr": list(expressions)}}}


def constant_set(
    name: str, kind: str | list[str], elements: list[Any], flags: tuple[str, ...] = (), family: str = "inet"
) -> Phrase:
    body: Phrase = {"family": family, "table": TABLE, "name": name, "type": kind}
    if flags:
        body["flags"] = list(flags)
    if elements:
        body["elem"] = elements
    return {"add": {"set": body}}


def growing_set(name: str, kind: str | list[str], size: int, seconds: int, family: str = "inet") -> Phrase:
    """A set that rules or we fill while they stand: bounded, and forgetting."""
    return {
        "add": {
            "set": {
                "family": family,
                "table": TABLE,
                "name": name,
                "type": kind,
                "flags": ["timeout"],
                "size": size,
                "timeout": seconds,
            }
        }
    }


def pace(many: int, per: str, burst: int) -> Phrase:
    """Fits packets that come faster than so many in a time, once a first burst of them has passed."""
    return {"limit": {"rate": many, "per": per, "burst": burst, "inv": True}}


def remember(set_name: str, key: list[Phrase]) -> Phrase:
    """Put the packet's key into a growing set and count it there. Ends the rule when the set is full."""
    return {"set": {"op": "update", "elem": {"concat": key}, "set": f"@{set_name}", "stmt": [{"counter": None}]}}
