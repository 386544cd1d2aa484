"""Public encrypted resolvers by address and by name, from resolvers.toml beside this module."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from gateway.errors import NetworkError
from gateway.network.limits import check_address

_FILE: Final = "resolvers.toml"


@dataclass(frozen=True, slots=True)
class KnownResolvers:
    """`addresses` serve DNS and nothing else; `names` are lower case, without a final dot. `operators` maps the text
    of both to whose they are."""

    addresses: tuple[IPv4Address | IPv6Address, ...]
    names: frozenset[str]
    operators: dict[str, str]


@cache
def known_resolvers() -> KnownResolvers:
    """What comes with this release. Raises NetworkError only when the installation is damaged."""
    return parse_resolvers(files("gateway.network").joinpath(_FILE).read_text())


def parse_resolvers(text: str) -> KnownResolvers:
    """Raises NetworkError with the entry that is wrong."""
    try:
        entries = tomllib.loads(text)["resolver"]
    except (tomllib.TOMLDecodeError, KeyError):
        raise NetworkError(f"{_FILE} is not a list of [[resolver]] entries.") from None
    addresses: dict[IPv4Address | IPv6Address, None] = {}
    names: set[str] = set()
    operators: dict[str, str] = {}
    for entry in entries:
        operator = str(entry.get("operator", ""))
        try:
            for line in entry["addresses"]:
                address = ip_address(line)
                check_address(address)
                addresses[address] = None
                operators[str(address)] = operator
            for name in entry["names"]:
                names.add(name)
                operators[name] = operator
        except (KeyError, TypeError, ValueError, NetworkError) as error:
            raise NetworkError(f"{_FILE}: the entry of {operator!r:.60} cannot be read ({error}).") from None
    return KnownResolvers(tuple(addresses), frozenset(names), operators)
