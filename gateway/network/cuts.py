"""A click is felt now: flows that are going on between these devices and these servers end.

First the pair is put into a set of the firewall, so that whatever the device says next is refused: a running TCP
connection ends with a reset, because the device answers every piece it gets. Then the kernel forgets the flow, so that
nothing more is let through from the other side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Any, Final

from gateway.errors import NetworkError
from gateway.model.address import Address
from gateway.network.conntrack import Connection, ConntrackSocket
from gateway.network.limits import check_address
from gateway.network.phrases import TABLE, Phrase

Pair = tuple[Address, Address]
SETS: Final = ("cut4", "cut6")
MOST_PAIRS: Final = 8192
LONGEST: Final = 86_400
_TCP: Final = 6
_LOOKS_FOR_THE_RESET: Final = 10
_BETWEEN_LOOKS: Final = 0.03


def pairs_of(clients: Iterable[Address], servers: Iterable[Address]) -> list[Pair]:
    """Each device with each server of the same family. Raises NetworkError."""
    clients, servers = list(clients), list(servers)
    if len(clients) * len(servers) > MOST_PAIRS:
        raise NetworkError("network.most-pairs-device-server", most_pairs=MOST_PAIRS)
    for address in (*clients, *servers):
        check_address(address)
    return [(client, server) for client in clients for server in servers if client.version == server.version]


def elements(pairs: Mapping[Pair, float]) -> list[Phrase]:
    """Commands that put the pairs into the firewall, each with the seconds it stays there."""
    made: list[Phrase] = []
    for version in (4, 6):
        members = [
            {"elem": {"val": {"concat": [str(client), str(server)]}, "timeout": max(1, int(seconds))}}
            for (client, server), seconds in pairs.items()
            if client.version == version
        ]
        if members:
            made.append({"add": {"element": _element(version, members)}})
    return made


def removals(pairs: Iterable[Pair]) -> list[Phrase]:
    """Commands that take the pairs out again. Adding first makes the removal of a forgotten one no error."""
    pairs = list(pairs)
    made = elements(dict.fromkeys(pairs, 1.0))
    for version in (4, 6):
        members = [{"concat": [str(client), str(server)]} for client, server in pairs if client.version == version]
        if members:
            made.append({"delete": {"element": _element(version, members)}})
    return made


def parse_cuts(parts: Iterable[Mapping[str, Any]]) -> dict[Pair, float]:
    """The pairs in listed sets, and the seconds that each stays: what an earlier process cut."""
    found: dict[Pair, float] = {}
    for part in parts:
        body = part.get("set")
        elements = body.get("elem") if isinstance(body, Mapping) else None
        for wrapped in elements if isinstance(elements, list) else ():
            try:
                client, server = (ip_address(text) for text in wrapped["elem"]["val"]["concat"])
                found[client, server] = min(float(wrapped["elem"]["expires"]), LONGEST)
            except (KeyError, TypeError, ValueError):
                continue
    return found


def _element(version: int, members: list[Phrase]) -> Phrase:
    return {"family": "inet", "table": TABLE, "name": f"cut{version}", "elem": members}


def forget_flows(is_meant: Callable[[Connection], bool], *, after_reset: bool = False) -> int:
    """Makes the kernel forget the flows that are meant; how many. Raises NetworkError.

    With `after_reset` TCP gets a moment (0.3 s where nothing is said) in which the device hears the no, for a forgotten
    flow is only silent.
    """
    conntrack = ConntrackSocket()
    try:
        meant = [connection for connection in conntrack.dump() if is_meant(connection)]
        for _ in range(_LOOKS_FOR_THE_RESET if after_reset else 0):
            if all(connection.closed for connection in meant if connection.original.protocol == _TCP):
                break
            time.sleep(_BETWEEN_LOOKS)
            meant = [connection for connection in conntrack.dump() if is_meant(connection)]
        return sum(conntrack.delete(connection) for connection in meant)
    finally:
        conntrack.close()


def is_between(pairs: Iterable[Pair]) -> Callable[[Connection], bool]:
    """Flows that one of these devices began to its server."""
    wanted = {(str(client), str(server)) for client, server in pairs}
    return lambda connection: (connection.original.source, connection.original.target) in wanted
