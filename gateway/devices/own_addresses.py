"""The addresses of this machine; the only importer of netifaces."""

from __future__ import annotations

import time
from collections.abc import Callable

import netifaces

_FOR = 5.0
_FAMILIES = (netifaces.AF_INET, netifaces.AF_INET6)


def own_addresses() -> frozenset[str]:
    """Every IPv4 and IPv6 address of every interface, textual, without the interface (%eth0) behind it."""
    found = set()
    for interface in netifaces.interfaces():
        try:
            families = netifaces.ifaddresses(interface)
        except ValueError:
            continue  # unplugged since interfaces() named it
        for family in _FAMILIES:
            for entry in families.get(family, ()):
                found.add(str(entry["addr"]).partition("%")[0])
    return frozenset(found)


def watch_own_addresses(
    look: Callable[[], frozenset[str]] = own_addresses, clock: Callable[[], float] = time.monotonic
) -> Callable[[str], bool]:
    """Whether an address is this machine's, as it was at most five seconds ago: strangers can ask of any number."""
    known: frozenset[str] = frozenset()
    until = float("-inf")

    def is_own(address: str) -> bool:
        nonlocal known, until
        now = clock()
        if now >= until:
            known, until = look(), now + _FOR
        return address in known

    return is_own
