"""What the arguments of verbs mean here, once their shape is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from gateway.devices.inventory import Inventory
from gateway.errors import Refused

Arguments: TypeAlias = Mapping[str, Any]


def known_device(inventory: Inventory, value: str | None) -> str | None:
    """The id of a device that is known; None for everyone. Raises Refused."""
    if value is None:
        return None
    if inventory.get(value) is None:
        raise Refused("box.no-such-device", "device")
    return value
