"""Where the names of addresses stand (RFC 1035 section 3.5, RFC 3596 section 2.5)."""

from __future__ import annotations

from ipaddress import ip_network

from gateway.model.name import Name
from gateway.model.special_addresses import IPNetwork

_LABEL_BITS = {4: 8, 6: 4}


def reverse_zones(network: IPNetwork) -> tuple[str, ...]:
    """The canonical names below which all addresses of this network have theirs: one, or, where the network ends
    inside a label, up to 128.
    """
    bits = _LABEL_BITS[network.version]
    labels = -(-network.prefixlen // bits)
    return tuple(
        ".".join(part[0].reverse_pointer.split(".")[network.max_prefixlen // bits - labels :])
        for part in network.subnets(new_prefix=labels * bits)
    )


def zones_of(text: str) -> tuple[str, ...]:
    """The canonical zones that somebody means by a name, "fritz.box", or by a network, "192.168.178.0/24": those of its
    reverse lookups. Raises ValueError.
    """
    if "/" in text:
        return reverse_zones(ip_network(text, strict=False))
    name = Name.typed(text).text
    if not name:
        raise ValueError("The root is no zone of its own; give an upstream for everything.")
    return (name,)
