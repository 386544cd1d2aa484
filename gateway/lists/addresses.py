"""Which addresses a list may be fetched from: none inside the home, whatever a name or a redirect says."""

from __future__ import annotations

import ipaddress
import socket

from gateway.errors import ListError
from gateway.model import special_addresses

Target = tuple[socket.AddressFamily, tuple[str, int]]


def is_public(address: str) -> bool:
    """True for a unicast address of the public internet; false for tunnels, which could lead back, and for what is no
    address.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return special_addresses.is_public(parsed)


def resolve(host: str, port: int, *, allow_private: bool) -> list[Target]:
    """The addresses of a host that may be connected to, in the system's order, at most four.

    Whoever connects must use these addresses and not the name, so that a second answer (DNS rebinding) changes nothing.
    Raises ListError when there are none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise ListError("lists.address-cannot-found", host=host) from error
    targets: list[Target] = []
    for family, _, _, _, sockaddr in found:
        address = str(sockaddr[0])
        if allow_private or is_public(address):
            targets.append((family, (address, port)))
    if not targets:
        raise ListError("lists.address-inside-private", host=host)
    return targets[:4]
