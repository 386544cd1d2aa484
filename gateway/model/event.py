"""What dashboards are informed as it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gateway.model.device import Device
from gateway.model.lookup import Lookup
from gateway.model.rule import Rule


@dataclass(frozen=True, slots=True)
class LookupRecorded:
    """A batch that is safe on disk, oldest first; `left_out` counts those of a busy moment that were not sent along."""

    lookups: tuple[Lookup, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class DeviceSeen:
    """A device that is new, or of which something new is known."""

    device: Device


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    """A new snapshot is in force. `rule` is the one that was added or removed, when it was a person's click."""

    generation: int
    rule: Rule | None = None
    removed: bool = False


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """`part` ("upstream", "journal", "lists", ...) works again or does not; `says` is one sentence for a person."""

    part: str
    healthy: bool
    says: str


Event: TypeAlias = LookupRecorded | DeviceSeen | PolicyChanged | HealthChanged
