"""The addresses of this machine: netifaces' where it is installed, else the kernel's own list; its only importer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from gateway.linux.addresses import read_addresses

try:
    import netifaces
except ImportError:
    netifaces = None

_FOR = 5.0


def own_addresses() -> frozenset[str]:
    """Every IPv4 and IPv6 address of every interface, textual, without the interface (%eth0) behind it.

    Raises OSError when the kernel does not answer.
    """
    return read_addresses() if netifaces is None else _from_netifaces()


def _from_netifaces() -> frozenset[str]:
    found = set()
    for interface in netifaces.interfaces():
        try:
            families = netifaces.ifaddresses(interface)
        except ValueError:
            continue  # unplugged since interfaces() named it
        for family in (netifaces.AF_INET, netifaces.AF_INET6):
            for entry in families.get(family, ()):
                found.add(str(entry["addr"]).partition("%")[0])
    return frozenset(found)


def watch_own_addresses(
    look: Callable[[], frozenset[str]] = own_addresses, clock: Callable[[], float] = time.monotonic
) -> Callable[[str], bool]:
    """Whether an address is this machine's, as it was at most five seconds ago: strangers can ask of any number.

    While the kernel does not answer, what it said last counts.
    """
    known: frozenset[str] = frozenset()
    until = float("-inf")

    def is_own(address: str) -> bool:
        nonlocal known, until
        now = clock()
        if now >= until:
            until = now + _FOR
            with suppress(OSError):
                known = look()
        return address in known

    return is_own
