"""The parts of a box: the one place where a new one is named.

They start in this order and end in the opposite one, so that what others need begins first and ends last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from gateway.application import (
    accounts,
    devices,
    dns,
    explaining,
    journaling,
    naming,
    network_client,
    preset_effects,
    rehearsal,
    rules,
    status,
    subscriptions,
    timekeeping,
    usage,
    workers,
)
from gateway.application.core import Core
from gateway.application.registry import Registry

Register: TypeAlias = Callable[[Core, Registry], None]

PARTS: Final[list[Register]] = [
    journaling.register,
    accounts.register,
    rules.register,
    usage.register,
    dns.register,
    workers.register,
    devices.register,
    naming.register,
    subscriptions.register,
    preset_effects.register,
    explaining.register,
    network_client.register,
    rehearsal.register,
    timekeeping.register,
    status.register,
]


def register_all(core: Core, parts: Sequence[Register] = PARTS) -> Registry:
    """Everything that the parts bring along."""
    registry = Registry()
    for register in parts:
        register(core, registry)
    return registry
