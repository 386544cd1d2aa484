"""What is part of the internet, and what of the home."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from gateway.model.special_addresses import HOME, Purpose, networks, translated

# Nobody reaches another company there.
_NOT_ABROAD = (*HOME, *networks(Purpose.UNSPECIFIED, Purpose.SHARED, Purpose.MULTICAST, Purpose.BROADCAST))


@lru_cache(maxsize=4_096)
def packed_if_abroad(text: str) -> bytes | None:
    """The packed address (4 or 16 bytes) of a textual one on the internet; None for one at home, or no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    plain = translated(address)
    return None if any(plain in network for network in _NOT_ABROAD) else address.packed
