"""What one resolver process is made of, once it is wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.classifier.service import Classifier
from gateway.control.hub import Hub
from gateway.daemons.list_runner import ListRunner
from gateway.devices.inventory import Inventory
from gateway.journal.writer import Writer
from gateway.model.event import HealthChanged, PolicyChanged
from gateway.model.name import Name
from gateway.model.policy import Policy
from gateway.model.rule import ScopeKind
from gateway.policy.service import PolicyService
from gateway.policy.snapshot import Snapshot
from gateway.resolver.service import Resolver
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.daemons.accounts import Accounts
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


def concerned_by(change: PolicyChanged, before: Policy, after: Policy) -> Callable[[str], bool] | None:
    """For which canonical names it makes a difference that one policy follows the other; None: perhaps for any.

    The rules of both are compared, for a rule may have ended in the same moment.
    """
    if change.rule is None or not (isinstance(before, Snapshot) and isinstance(after, Snapshot)):
        return None
    scopes = [rule.scope for rule in set(before.rules) ^ set(after.rules)]
    if any(scope.kind not in (ScopeKind.NAME, ScopeKind.SUBTREE) for scope in scopes):
        return None
    names = {scope.value for scope in scopes if scope.kind is ScopeKind.NAME}
    above = [Name(scope.value) for scope in scopes if scope.kind is ScopeKind.SUBTREE]
    return lambda name: name in names or any(top.has_below(name) for top in above)


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
    accounts: Accounts | None = None
    """Set when somebody counts what devices exchange."""
    gatekeeper: Gatekeeper | None = None
    """Set when this box makes the televisions' network."""
