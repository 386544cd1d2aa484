"""Public encrypted resolvers by address and by name, from resolvers.toml in the knowledge."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from typing import Final

from gateway.errors import SettingsError
from gateway.model.address import Address

_FILE: Final = "resolvers.toml"


@dataclass(frozen=True, slots=True)
class KnownResolvers:
    """`addresses` serve DNS and nothing else; `names` are lower case, without a final dot. `operators` maps the text
    of both to whose they are."""

    addresses: tuple[Address, ...]
    names: frozenset[str]
    operators: dict[str, str]


@cache
def known_resolvers() -> KnownResolvers:
    """What comes with this release. Raises SettingsError only when the installation is damaged."""
    return parse_resolvers(files("gateway.classifier").joinpath("knowledge", _FILE).read_text())


def parse_resolvers(text: str) -> KnownResolvers:
    """Raises SettingsError with the entry that is wrong."""
    try:
        entries = tomllib.loads(text)["resolver"]
    except (tomllib.TOMLDecodeError, KeyError):
        raise SettingsError("knowledge.not-list-resolver", file=_FILE) from None
    addresses: dict[Address, None] = {}
    names: set[str] = set()
    operators: dict[str, str] = {}
    for entry in entries:
        operator = str(entry.get("operator", ""))
        try:
            for line in entry["addresses"]:
                address = ip_address(line)
                if address.is_multicast or address.is_unspecified or getattr(address, "scope_id", None):
                    raise ValueError(f"{address} is not the address of one server")
                addresses[address] = None
                operators[str(address)] = operator
            for name in entry["names"]:
                names.add(name)
                operators[name] = operator
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(
                "knowledge.entry-cannot-read", file=_FILE, operator=f"{operator!r:.60}", error=error
            ) from None
    return KnownResolvers(tuple(addresses), frozenset(names), operators)
