"""This machine's links: which leads to the internet, which could carry televisions. Pure over what `ip -j` says."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import NetworkError
from gateway.model.mac import Mac

SHOW_LINKS = ("ip", "-json", "-details", "address", "show")
SHOW_ROUTES = ("ip", "-json", "route", "show", "default")
SHOW_ROUTES6 = ("ip", "-json", "-6", "route", "show", "default")
_MOST = 512
_WORST_METRIC = 1 << 32


@dataclass(frozen=True, slots=True)
class NetworkLink:
    """`kind` is "ethernet", "wifi", "bridge" or another kind of the kernel's; `addresses` are "192.0.2.1/24", those of
    the link alone (fe80::) left out. `physical` when it is hardware; `uplink` when the way to the internet leads there.
    """

    name: str
    kind: str
    mac: Mac | None
    up: bool
    carrier: bool
    addresses: tuple[str, ...] = ()
    master: str = ""
    physical: bool = False
    uplink: bool = False

    @property
    def fit_for_tv(self) -> bool:
        """Televisions could hang on it: nothing else needs it."""
        return self.physical and not self.uplink and not self.addresses


def parse_links(
    shown: str, routes: Iterable[str] = (), *, wireless: Collection[str] = (), physical: Collection[str] = ()
) -> list[NetworkLink]:
    """From `ip -json -details address show` and default routes; `wireless` and `physical` come from /sys/class/net.

    Raises NetworkError when `ip` did not speak JSON.
    """
    way_out = _way_out(routes)
    found = []
    for said in _objects(shown):
        name = str(said.get("ifname", ""))
        if not name or said.get("link_type") == "loopback":
            continue
        flags = said.get("flags") or []
        inner: Mapping[str, Any] = said.get("linkinfo") or {}
        kind = "wifi" if name in wireless else str(inner.get("info_kind") or "ethernet")
        addresses = tuple(
            f"{each['local']}/{each['prefixlen']}"
            for each in said.get("addr_info") or []
            if each.get("scope") != "link" and "local" in each and "prefixlen" in each
        )
        found.append(
            NetworkLink(
                name,
                kind,
                Mac.read(said.get("address")),
                "UP" in flags,
                "LOWER_UP" in flags,
                addresses,
                str(said.get("master", "")),
                name in physical,
                name == way_out,
            )
        )
    return found


def link_to_json(link: NetworkLink) -> dict[str, Any]:
    return {
        "name": link.name,
        "kind": link.kind,
        "mac": link.mac or "",
        "up": link.up,
        "carrier": link.carrier,
        "addresses": list(link.addresses),
        "master": link.master,
        "physical": link.physical,
        "uplink": link.uplink,
        "fit_for_tv": link.fit_for_tv,
    }


def _way_out(routes: Iterable[str]) -> str:
    """The link of the default route with the lowest metric; IPv4 counts first."""
    for text in routes:
        ways = [(int(said.get("metric") or 0), str(said["dev"])) for said in _objects(text) if said.get("dev")]
        if ways:
            return min(ways, key=lambda way: min(way[0], _WORST_METRIC))[1]
    return ""


def _objects(text: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        raise NetworkError("network.command-ip-gave") from None
    return [each for each in value if isinstance(each, dict)][:_MOST] if isinstance(value, list) else []
