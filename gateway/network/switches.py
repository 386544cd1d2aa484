"""The kernel's switches that a router needs (sysctl), turned by us and put back by us.

What was there before is written down before anything is turned, so that a box that lost power in between can still be
put back. A switch that somebody else has turned since is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv6Network
from pathlib import Path
from typing import Final

from gateway.errors import NetworkError
from gateway.files import write_atomically
from gateway.model.network import Mode, NetworkPlan
from gateway.network.limits import check_interface

ROOT: Final = Path("/proc/sys/net")
_ON_LINK: Final = Path("/proc/net/if_inet6")
_MOST_BYTES: Final = 1 << 16


def wanted(plan: NetworkPlan, root: Path = ROOT) -> dict[str, str]:
    """Switch -> value, in the order in which they are to be turned."""
    if plan.tv is None or plan.mode is Mode.DNS_ONLY:
        return {}
    switches = {
        "netfilter/nf_conntrack_acct": "1",
        "netfilter/nf_conntrack_timestamp": "1",
        "netfilter/nf_conntrack_events": "1",
        "ipv4/ip_forward": "1",
    }
    own = f"ipv6/conf/{plan.tv.interface}/accept_ra"
    if (root / own).exists():
        switches[own] = "0"
    if plan.tv.address6 is not None:
        # A router stops hearing its own router, unless this is 2: our IPv6 way out would be gone (ip-sysctl).
        uplink = f"ipv6/conf/{plan.uplink}/accept_ra"
        if _read(root / uplink) in ("1", "2"):
            switches[uplink] = "2"
        switches["ipv6/conf/all/forwarding"] = "1"
    return switches


def switch(switches: Mapping[str, str], record: Path, root: Path = ROOT) -> None:
    """Sets these switches and puts back those that we set before and that are wanted no more.

    `record` is where the old values are written down. Raises NetworkError; then all are as they were before the call.
    """
    known = _load(record)
    for name, (before, ours) in known.items():
        if name not in switches and _read(root / name) == ours:
            _write(root / name, before)
    kept: dict[str, list[str]] = {}
    found: dict[str, str] = {}
    for name, value in switches.items():
        now = _read(root / name)
        if now is None:
            raise NetworkError("network.kernel-no-router", name=name)
        found[name] = now
        kept[name] = [known[name][0] if name in known else now, value]
    _save(record, kept)
    turned: list[str] = []
    try:
        for name, value in switches.items():
            if found[name] != value:
                turned.append(name)
                _write(root / name, value)
    except NetworkError:
        for name in reversed(turned):
            if _read(root / name) != found[name]:
                _write(root / name, found[name])
        _save(record, {name: kept[name] for name in kept if name in known})
        raise


def put_back(record: Path, root: Path = ROOT) -> None:
    """Every switch that is still as we turned it, the last one first. Raises NetworkError."""
    for name, (before, ours) in reversed(_load(record).items()):
        if _read(root / name) == ours != before:
            _write(root / name, before)
    try:
        record.unlink(missing_ok=True)
    except OSError as error:
        raise NetworkError("network.cannot-removed", record=record, strerror=error.strerror) from None


def home_networks(uplink: str, listing: str | None = None) -> list[IPv6Network]:
    """The IPv6 networks that lie directly at the uplink: the home's laptops have public addresses there.

    `listing` is the text of /proc/net/if_inet6 when it is not to be read.
    """
    if listing is None:
        try:
            listing = _ON_LINK.read_text()
        except OSError:
            return []
    networks = set()
    for line in listing.splitlines():
        words = line.split()
        if len(words) != 6 or words[5] != uplink:
            continue
        try:
            network = IPv6Network((bytes.fromhex(words[0]), int(words[2], 16)), strict=False)
        except ValueError:
            continue
        if 16 <= network.prefixlen < 128:
            networks.add(network)
    return sorted(networks)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _write(path: Path, value: str) -> None:
    try:
        path.write_text(value)
    except OSError as error:
        raise NetworkError("network.cannot-set-needs", path=path, value=value, strerror=error.strerror) from None


def _load(record: Path) -> dict[str, tuple[str, str]]:
    """What is written down; a damaged record is as good as none, and names only switches that could be ours."""
    try:
        with record.open("rb") as file:
            value = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    known: dict[str, tuple[str, str]] = {}
    for name, pair in value.items():
        if _is_switch(name) and isinstance(pair, list) and len(pair) == 2 and all(isinstance(v, str) for v in pair):
            known[name] = (pair[0], pair[1])
    return known


def _is_switch(name: str) -> bool:
    parts = name.split("/")
    if parts[0] == "netfilter" or name == "ipv4/ip_forward":
        return len(parts) == 2 and parts[1].startswith(("nf_conntrack_", "ip_forward"))
    try:
        check_interface(parts[2] if len(parts) == 4 else "")
    except NetworkError:
        return False
    return parts[:2] == ["ipv6", "conf"] and parts[3] in ("accept_ra", "forwarding")


def _save(record: Path, kept: Mapping[str, list[str]]) -> None:
    try:
        write_atomically(record, [json.dumps(kept, indent=1).encode()])
    except OSError as error:
        raise NetworkError("network.cannot-written", record=record, strerror=error.strerror) from None
