"""What dashboards hear of as it happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from gateway.catalogue.sentences import Notice
from gateway.catalogue.severity import Severity, severity_of
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
    """`part` ("upstream", "journal", "lists", ...) works again or does not; `notice` says how. `since` is when that was
    found first (aware UTC), None until somebody keeps it.
    """

    part: str
    healthy: bool
    notice: Notice
    since: datetime | None = None

    @property
    def severity(self) -> Severity:
        return severity_of(self.part, healthy=self.healthy)

    @property
    def says(self) -> str:
        """The English sentence, for our logs."""
        return str(self.notice)


Event: TypeAlias = LookupRecorded | DeviceSeen | PolicyChanged | HealthChanged
