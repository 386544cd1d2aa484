"""What one resolver process is made of, once it is wired."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.classifier.service import Classifier
from gateway.control.hub import Hub
from gateway.daemons.list_runner import ListRunner
from gateway.devices.inventory import Inventory
from gateway.journal.writer import Writer
from gateway.model.event import HealthChanged
from gateway.policy.service import PolicyService
from gateway.resolver.service import Resolver
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.daemons.gatekeeper import Gatekeeper


class HealthBoard:
    """What works and what does not, one sentence a part; the hub is told when that changes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._parts: dict[str, HealthChanged] = {}

    def report(self, change: HealthChanged) -> None:
        """On the loop only."""
        if self._parts.get(change.part) != change:
            self._parts[change.part] = change
            self._hub.publish(change)

    def parts(self) -> list[HealthChanged]:
        return list(self._parts.values())


@dataclass(slots=True)
class House:
    """The rooms of the resolver process; verbs of the control socket reach them through here."""

    settings: Settings
    started: datetime
    hub: Hub
    health: HealthBoard
    classifier: Classifier
    inventory: Inventory
    policy: PolicyService
    resolver: Resolver
    lists: ListRunner
    writer: Writer
    listening: list[str] = field(default_factory=list)
    gatekeeper: Gatekeeper | None = None
    """Set when this box makes the televisions' network."""
