"""The arguments of verbs are strangers' JSON: each function answers the clean value or says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from gateway.devices.inventory import Inventory
from gateway.errors import Refused
from gateway.model.name import Name

Arguments: TypeAlias = Mapping[str, Any]


def known_device(inventory: Inventory, value: Any) -> str | None:
    """The id of a device that is known; None for everyone. Raises Refused."""
    if value is None:
        return None
    if not isinstance(value, str) or inventory.get(value) is None:
        raise Refused("There is no such device; `telltale devices` lists them.", "device")
    return value


def domain_name(value: Any) -> str:
    """A canonical domain name. Raises Refused."""
    if not isinstance(value, str) or not 0 < len(value) <= 1024:
        raise Refused("Say a domain name.", "name")
    try:
        return Name.typed(value).text
    except ValueError as error:
        raise Refused(str(error), "name") from None


def number(value: Any, key: str) -> int:
    """A whole number. Raises Refused."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(f"{key} is a whole number.", key)
    return value


def text(arguments: Arguments, key: str, most: int) -> str:
    """A text of at most `most` characters; "" when there is none. Raises Refused."""
    value = arguments.get(key) or ""
    if not isinstance(value, str) or len(value) > most:
        raise Refused(f"{key} is a text of at most {most} characters.", key)
    return value.strip()
