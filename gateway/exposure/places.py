"""What is part of the internet, and what of the house."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network

# RFC 1122, 1918, 3927, 5771, 6598, 4193, 4291: nobody reaches another company there.
_HOME = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "224.0.0.0/4", "255.255.255.255/32"),
        *("::/127", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
)


@lru_cache(maxsize=4_096)
def packed_if_abroad(text: str) -> bytes | None:
    """The packed address (4 or 16 bytes) of a textual one on the internet; None for one at home, or no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if any(address in network for network in _HOME) else address.packed
