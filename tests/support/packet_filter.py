"""A packet filter that reads our rules as the kernel does: what becomes of a packet, what is counted and remembered.

It knows the words of libnftables-json(5) that our rules use, and no others: whatever else it finds is an error, as is
a rule that nft would refuse. So that a rule can be tried a thousand times in a second, without a network; that the
kernel agrees is tried in tests/netns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any

OURS = "one of our own addresses"
_HOOKS = ("prerouting", "forward", "input", "postrouting")
_STATES = {"new", "established", "related", "invalid"}
_PROTOCOLS = {"tcp", "udp", "icmp", "ipv6-icmp", "gre", "sctp"}
_FILTER, _NAT = "filter", "nat"
_ELEMENTS = {"ether_addr", "ipv4_addr", "ipv6_addr", "inet_proto", "inet_service"}
_ECHO = {"echo-request", "destination-unreachable", "time-exceeded", "parameter-problem"}
_ICMP = _ECHO | {"echo-reply", "redirect", "router-advertisement"}
_NEIGHBOURS = {"nd-router-solicit", "nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert", "nd-redirect"}
_ICMP6 = _ECHO | _NEIGHBOURS | {"packet-too-big", "mld-listener-report", "mld-listener-done", "mld2-listener-report"}


@dataclass(frozen=True)
class Packet:
    """`into` and `out` are interfaces: into is "" for a packet from us, out for one to us.

    `port` is what stands in the place of the port to which TCP and UDP go, also where it means something else.
    `icmp` is the type of an ICMP message.
    """

    into: str
    source: str
    target: str
    protocol: str = "udp"
    port: int = 0
    out: str = ""
    mac: str = "02:00:00:00:00:02"
    state: str = "new"
    icmp: str = ""
    to: str = "host"

    @property
    def version(self) -> int:
        return ip_address(self.target).version


@dataclass(frozen=True)
class Fate:
    """`end` is accepted, dropped, reset or refused. `target` is where it goes in the end; `masked` with our address."""

    end: str
    target: tuple[str, int]
    counted: tuple[str, ...] = ()
    remembered: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    masked: bool = False


@dataclass
class _Chain:
    kind: str = ""
    hook: str = ""
    priority: int = 0
    rules: list[list[dict[str, Any]]] = field(default_factory=list)


@dataclass
class _Walk:
    packet: Packet
    target: tuple[str, int]
    counted: list[str] = field(default_factory=list)
    remembered: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    masked: bool = False


class PacketFilter:
    """The table `inet telltale` that these commands leave behind, with `cut` pairs of addresses in its sets.

    `own` are our addresses: packets to them are for us, others are forwarded. Raises ValueError or LookupError.
    """

    def __init__(
        self, commands: list[dict[str, Any]], *, own: tuple[str, ...], cut: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self._own = own
        self._chains: dict[str, _Chain] = {}
        self.priorities: dict[str, tuple[str, int]] = {}
        self.counters: set[str] = set()
        self.sets: dict[str, dict[str, Any]] = {}
        for command in commands:
            ((verb, thing),) = command.items()
            ((kind, body),) = thing.items()
            if body["family"] == "inet" and kind != "table":
                _need(verb == "add" and body["table"] == "telltale", command)
                getattr(self, f"_add_{kind}")(body)
        self._cut = set(cut)
        for chain in self._chains.values():
            for rule in chain.rules:
                for word in rule:
                    self._check(word)

    def fate(self, packet: Packet) -> Fate:
        walk = _Walk(packet, (packet.target, packet.port))
        _need(packet.protocol in _PROTOCOLS and packet.state in _STATES, packet)
        if not packet.into:
            return self._ended(self._hook("postrouting", walk), walk)
        end = self._hook("prerouting", walk)
        address = walk.target[0]
        if address in (*self._own, OURS) or ip_address(address).is_multicast or packet.to != "host":
            return self._ended(self._hook("input", walk) if end == "accepted" else end, walk)
        for hook in ("forward", "postrouting"):
            end = self._hook(hook, walk) if end == "accepted" else end
        return self._ended(end, walk)

    def _ended(self, end: str, walk: _Walk) -> Fate:
        return Fate(end, walk.target, tuple(walk.counted), tuple(walk.remembered), walk.masked)

    def _add_counter(self, body: dict[str, Any]) -> None:
        _need(body["name"] not in self.counters, body)
        self.counters.add(body["name"])

    def _add_set(self, body: dict[str, Any]) -> None:
        kinds = body["type"] if isinstance(body["type"], list) else [body["type"]]
        flags = body.get("flags", [])
        _need(body["name"] not in self.sets and set(kinds) <= _ELEMENTS and set(flags) <= {"interval", "timeout"}, body)
        _need("timeout" in flags or not ("timeout" in body or "size" in body), body)
        for element in body.get("elem", []):
            _need("interval" in flags or not isinstance(element, dict), body)
            if kinds[0].startswith("ipv"):
                _need(f"ipv{_network(element).version}_addr" == kinds[0], body)
        self.sets[body["name"]] = body

    def _add_chain(self, body: dict[str, Any]) -> None:
        _need(body["name"] not in self._chains, body)
        made = _Chain()
        if "hook" in body:
            made = _Chain(body["type"], body["hook"], body["prio"])
            _need(made.kind in (_FILTER, _NAT) and made.hook in _HOOKS and body["policy"] == "accept", body)
            _need(made.kind == _FILTER or made.hook in ("prerouting", "postrouting"), body)
            self.priorities[body["name"]] = (made.hook, made.priority)
        self._chains[body["name"]] = made

    def _add_rule(self, body: dict[str, Any]) -> None:
        self._chains[body["chain"]].rules.append(body["expr"])

    def _check(self, word: dict[str, Any]) -> None:
        ((verb, body),) = word.items()
        if verb == "counter":
            _need(body in self.counters, word)
        elif verb == "jump":
            _need(not self._chains[body["target"]].hook, word)
        elif verb == "reject":
            _need(body in ({"type": "tcp reset"}, {"type": "icmpx", "expr": "admin-prohibited"}), word)
        elif verb == "set":
            declared = self.sets[body["set"].removeprefix("@")]
            _need(body["op"] == "update" and "timeout" in declared["flags"], word)
            _need([_kind(part) for part in body["elem"]["concat"]] == declared["type"], word)
            _need(body["stmt"] == [{"counter": None}], word)
        elif verb == "match":
            _need(body["op"] in ("==", "!=") or (body["op"] == "in" and body["left"] == {"ct": {"key": "state"}}), word)
        else:
            _need(verb in ("accept", "drop", "dnat", "redirect", "masquerade"), word)

    def _hook(self, hook: str, walk: _Walk) -> str:
        base = sorted((c for c in self._chains.values() if c.hook == hook), key=lambda chain: chain.priority)
        for chain in base:
            # Addresses are changed for the first packet of a connection; the kernel does it for the others.
            if chain.kind == _FILTER or walk.packet.state == "new":
                end = self._through(chain, walk)
                if end not in (None, "accepted"):
                    return end
        return "accepted"

    def _through(self, chain: _Chain, walk: _Walk) -> str | None:
        for rule in chain.rules:
            for word in rule:
                ((verb, body),) = word.items()
                if verb == "match":
                    if not self._matches(body, walk):
                        break
                elif (end := self._do(verb, body, walk)) is not None:
                    return end
        return None

    def _do(self, verb: str, body: Any, walk: _Walk) -> str | None:
        packet = walk.packet
        if verb in ("accept", "drop"):
            return {"accept": "accepted", "drop": "dropped"}[verb]
        if verb == "jump":
            return self._through(self._chains[body["target"]], walk)
        if verb == "counter":
            walk.counted.append(body)
        elif verb == "set":
            key = tuple(next(self._values(part, walk)) for part in body["elem"]["concat"])
            walk.remembered.append((body["set"].removeprefix("@"), key))
        elif verb == "reject":
            _need(body["type"] != "tcp reset" or packet.protocol == "tcp", body)
            return "reset" if body["type"] == "tcp reset" else "refused"
        elif verb == "dnat":
            _need(ip_address(body["addr"]).version == packet.version == {"ip": 4, "ip6": 6}[body["family"]], body)
            walk.target = (body["addr"], body["port"])
            return "accepted"
        elif verb == "redirect":
            walk.target = (OURS, body["port"])
            return "accepted"
        elif verb == "masquerade":
            walk.masked = True
            return "accepted"
        return None

    def _matches(self, body: dict[str, Any], walk: _Walk) -> bool:
        if "concat" in body["left"]:
            parts = [next(self._values(part, walk), None) for part in body["left"]["concat"]]
            declared = self.sets[body["right"].removeprefix("@")]
            _need([_kind(part) for part in body["left"]["concat"]] == declared["type"] and body["op"] == "==", body)
            return tuple(parts) in self._cut
        for value in self._values(body["left"], walk):
            elements = self._elements(body)
            if body["left"].get("payload", {}).get("protocol") in ("ip", "ip6"):
                among = any(ip_address(value) in _network(element) for element in elements)
            else:
                among = value in elements
            return among != (body["op"] == "!=")
        return False

    def _elements(self, body: dict[str, Any]) -> list[Any]:
        right = body["right"]
        if isinstance(right, str) and right.startswith("@"):
            declared = self.sets[right[1:]]
            _need(_kind(body["left"]) == declared["type"], body)
            return list(declared.get("elem", []))
        if isinstance(right, list):
            _need(body["op"] == "in" and set(right) <= _STATES, body)
            return right
        elements = right["set"] if isinstance(right, dict) and "set" in right else [right]
        _need(bool(elements), body)
        key = body["left"].get("payload", body["left"].get("meta", {}))
        known = {
            "l4proto": _PROTOCOLS, "nfproto": {"ipv4", "ipv6"}, "pkttype": {"host", "broadcast", "multicast"},
            "type": _ICMP if key.get("protocol") == "icmp" else _ICMP6,
        }.get(key.get("key", key.get("field")))  # fmt: skip
        _need(known is None or set(elements) <= known, body)
        return elements

    def _values(self, part: dict[str, Any], walk: _Walk) -> Iterator[Any]:
        """The value of this field, or nothing where such a packet has none: no match then, not even by being unlike."""
        packet = replace(walk.packet, target=walk.target[0], port=walk.target[1])
        if "ct" in part:
            yield packet.state
        elif "meta" in part:
            yield {
                "iifname": packet.into, "oifname": packet.out, "l4proto": packet.protocol, "pkttype": packet.to,
                "nfproto": f"ipv{walk.packet.version}",
            }[part["meta"]["key"]]  # fmt: skip
        else:
            protocol, name = part["payload"]["protocol"], part["payload"]["field"]
            if protocol in ("ip", "ip6"):
                if walk.packet.version == {"ip": 4, "ip6": 6}[protocol]:
                    yield {"saddr": packet.source, "daddr": packet.target}[name]
            elif protocol == "ether":
                yield {"saddr": packet.mac}[name]
            elif protocol in ("icmp", "icmpv6"):
                _need(name == "type", part)
                if packet.protocol == {"icmp": "icmp", "icmpv6": "ipv6-icmp"}[protocol]:
                    yield packet.icmp
            else:
                _need(protocol in ("tcp", "udp", "th") and name == "dport", part)
                if protocol in (packet.protocol, "th"):
                    yield packet.port


def _kind(part: dict[str, Any]) -> str:
    """The type of a field, as sets declare it."""
    if "meta" in part:
        return {"l4proto": "inet_proto"}[part["meta"]["key"]]
    protocol, name = part["payload"]["protocol"], part["payload"]["field"]
    if protocol in ("ip", "ip6") and name in ("saddr", "daddr"):
        return {"ip": "ipv4_addr", "ip6": "ipv6_addr"}[protocol]
    return {("ether", "saddr"): "ether_addr", ("th", "dport"): "inet_service"}[protocol, name]


def _network(element: Any) -> Any:
    if isinstance(element, dict):
        return ip_network(f"{element['prefix']['addr']}/{element['prefix']['len']}")
    return ip_network(element)


def _need(true: bool, word: object) -> None:
    if not true:
        raise ValueError(f"nft would not take this: {word}")
