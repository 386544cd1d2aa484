"""The bridge that televisions hang on: which `ip` commands lead from how it is to how it shall be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.errors import NetworkError
from gateway.model.network import TvNetwork
from gateway.network.links import NetworkLink

Command = tuple[str, ...]


def steps_up(tv: TvNetwork, links: Sequence[NetworkLink]) -> list[Command]:
    """None when all is as it shall be already. Raises NetworkError when a port is missing or carries something else."""
    known = {link.name: link for link in links}
    bridge = known.get(tv.interface)
    if bridge is not None and bridge.kind != "bridge":
        raise NetworkError("network.exists-no-bridge", interface=tv.interface)
    steps: list[Command] = []
    add = ("ip", "link", "add", "name", tv.interface, "address", tv.mac, "type", "bridge", "forward_delay", "0")
    wanted = [str(tv.address), *([str(tv.address6)] if tv.address6 else [])]
    have = bridge.addresses if bridge else ()
    if bridge is None:
        steps.append(add)
    elif bridge.mac != tv.mac:
        # What an earlier Telltale built: only on the way up does the kernel make the link's own address anew, and on
        # the way down it forgets those of IPv6.
        steps.append(("ip", "link", "set", "dev", tv.interface, "down"))
        steps.append(("ip", "link", "set", "dev", tv.interface, "address", tv.mac))
        bridge, have = replace(bridge, up=False), tuple(each for each in have if ":" not in each)
    for address in wanted:
        if address not in have:
            # Without duplicate address detection: it would wait for a port that may be empty for days.
            extra = ("nodad",) if ":" in address else ()
            steps.append(("ip", "address", "add", address, "dev", tv.interface, *extra))
    steps += [("ip", "address", "del", address, "dev", tv.interface) for address in have if address not in wanted]
    for port in tv.ports:
        steps += _join(port, known.get(port), tv.interface)
    others = [link.name for link in links if link.master == tv.interface and link.name not in tv.ports]
    steps += [("ip", "link", "set", "dev", name, "nomaster") for name in others if known[name].kind != "wifi"]
    if bridge is None or not bridge.up:
        steps.append(("ip", "link", "set", "dev", tv.interface, "up"))
    return steps


def steps_down(tv: TvNetwork, links: Sequence[NetworkLink]) -> list[Command]:
    """Takes the ports out and the bridge away."""
    known = {link.name: link for link in links}
    if tv.interface not in known or known[tv.interface].kind != "bridge":
        return []
    ports = [link.name for link in links if link.master == tv.interface]
    return [
        *(("ip", "link", "set", "dev", name, "nomaster") for name in ports),
        ("ip", "link", "del", "dev", tv.interface, "type", "bridge"),
    ]


def _join(port: str, link: NetworkLink | None, bridge: str) -> list[Command]:
    if link is None:
        raise NetworkError("network.port-not-plug", port=port)
    if link.uplink:
        raise NetworkError("network.leads-internet-so", port=port)
    if link.master == bridge:
        return [] if link.up else [("ip", "link", "set", "dev", port, "up")]
    if link.master:
        raise NetworkError("network.belongs-already-take", port=port, master=link.master)
    # An address on a port of a bridge reaches nobody, and its route would take the bridge's packets.
    drop = [("ip", "address", "del", address, "dev", port) for address in link.addresses]
    return [*drop, ("ip", "link", "set", "dev", port, "master", bridge), ("ip", "link", "set", "dev", port, "up")]
