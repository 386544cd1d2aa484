"""Which addresses a list may be fetched from: none inside the house, whatever a name or a redirect says."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

from gateway.errors import ListError

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_TUNNELS: Final = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))

Target = tuple[socket.AddressFamily, tuple[str, int]]


def is_public(address: str) -> bool:
    """True for a unicast address of the public internet (IANA special-purpose registries).

    An IPv4 address inside an IPv6 one is judged itself (mapped, NAT64); tunnels that could lead back are not public.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed in _NAT64:
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        elif parsed not in _GLOBAL_UNICAST or any(parsed in tunnel for tunnel in _TUNNELS):
            return False
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved)


def resolve(host: str, port: int, *, allow_private: bool) -> list[Target]:
    """The addresses of a host that may be connected to, in the system's order, at most four.

    Whoever connects must use these addresses and not the name, so that a second answer (DNS rebinding) changes nothing.
    Raises ListError when there are none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise ListError(f"The address of {host} cannot be found; is the internet reachable?") from error
    targets: list[Target] = []
    for family, _, _, _, sockaddr in found:
        address = str(sockaddr[0])
        if allow_private or is_public(address):
            targets.append((family, (address, port)))
    if not targets:
        raise ListError(f"{host} is an address inside a private network; lists are fetched from the internet only.")
    return targets[:4]
