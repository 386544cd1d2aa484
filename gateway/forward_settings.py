"""Which resolver to ask about a zone, or about the names of a network's addresses: conditional forwarding.

[dns]   forward = {"fritz.box" = "192.168.178.1", "192.168.178.0/24" = ["192.168.178.1", "tls://192.168.178.2#router"]}
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from gateway.errors import SettingsError
from gateway.model.reverse_zone import zones_of


def read_forward(value: Any) -> dict[str, tuple[str, ...]]:
    """From a table in the settings. Raises SettingsError, or ValueError for what is neither a zone nor a network."""
    if not isinstance(value, dict):
        raise SettingsError("settings.forward-table")
    return {zone: _resolvers(zone, given) for zone, given in value.items()}


def _resolvers(zone: str, given: Any) -> tuple[str, ...]:
    zones_of(zone)
    resolvers = (given,) if isinstance(given, str) else given
    given_well = isinstance(resolvers, list | tuple) and all(isinstance(each, str) and each for each in resolvers)
    if not given_well or not resolvers:
        raise SettingsError("settings.forward-table")
    return tuple(map(plain_url, resolvers))


def plain_url(text: str) -> str:
    """The URL for a bare address, of IPv6 without brackets too; whatever else it is, as it stands."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    return f"udp://[{address}]" if address.version == 6 else f"udp://{address}"


def read_forward_flags(flags: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """From flags like "fritz.box=192.168.178.1"; several of one zone are asked in order. Raises SettingsError."""
    found: dict[str, tuple[str, ...]] = {}
    for flag in flags:
        zone, _, resolver = flag.partition("=")
        try:
            found[zone] = (*found.get(zone, ()), *_resolvers(zone, [resolver] if resolver else []))
        except (SettingsError, ValueError) as error:
            raise SettingsError("settings.forward-flag", flag=flag, error=error) from None
    return found
