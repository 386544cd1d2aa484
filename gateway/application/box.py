"""What one resolver process is made of, once it is wired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.application.list_runner import ListRunner
from gateway.classifier.service import Classifier
from gateway.control.hub import Hub
from gateway.devices.inventory import Inventory
from gateway.journal.writer import Writer
from gateway.model.event import HealthChanged
from gateway.policy.service import PolicyService
from gateway.resolver.options import Address
from gateway.resolver.service import Resolver
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.application.accounts import Accounts
    from gateway.application.network_client import NetworkClient
    from gateway.application.workers import WorkerPool


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
class Box:
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
    accounts: Accounts | None = None
    """Set when somebody counts what devices exchange."""
    network_client: NetworkClient | None = None
    """Set when this box makes the televisions' network."""
    workers: WorkerPool | None = None
    """Set when more processes than this one answer DNS."""

    def forget_clients(self) -> None:
        """Which client is which device is looked up again, by whoever answers."""
        self.resolver.forget_clients()
        if self.workers is not None:
            self.workers.forget_clients()

    def name_leases(self, domain: str, names: Mapping[str, tuple[Address, ...]]) -> None:
        """What the devices of our own network are called, wherever somebody asks."""
        self.resolver.name_leases(domain, names)
        if self.workers is not None:
            self.workers.name_leases(domain, names)

    async def settled(self) -> None:
        """Returns when everybody who answers follows what was decided."""
        if self.workers is not None:
            await self.workers.settled()
