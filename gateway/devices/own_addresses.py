"""The addresses of this machine; the only importer of netifaces."""

from __future__ import annotations

import netifaces

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
