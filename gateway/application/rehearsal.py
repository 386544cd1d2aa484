"""What a demo begins with: four named televisions, and a past for the charts, all marked as simulated."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from datetime import UTC, datetime

from gateway.application.core import Core
from gateway.application.registry import Registry
from gateway.demo.exchange import pretend_attempts, pretend_flows
from gateway.demo.fleet import TELEVISIONS
from gateway.demo.history import history
from gateway.devices.inventory import Inventory
from gateway.exposure.resolved import ResolvedNames
from gateway.model.lookup import Facts, LogRow
from gateway.model.policy import Policy
from gateway.model.response import Source

_EVERY, _LATELY = 3.0, 40


def register(core: Core, registry: Registry) -> None:
    """Brings the televisions' past and what a kernel would count, where the world is simulated."""
    if not core.settings.simulated:
        return
    introduce_televisions(core.inventory)
    if not core.settings.journal.exists():
        remember_past(datetime.now().astimezone(), core.inventory, core.policy.policy, core.log)
    traffic = PretendedTraffic(core)
    core.events.answered.listen(traffic.note)
    registry.add_task("rehearsal", traffic.run)


def introduce_televisions(inventory: Inventory) -> None:
    """Makes the simulated televisions known by name, before they ask for anything."""
    for script in TELEVISIONS:
        device = inventory.identify(script.address)
        inventory.update(device, name=script.label, kind="television", maker=script.maker, simulated=True)


class PretendedTraffic:
    """For ever: what a kernel would count while the televisions play."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._resolved = ResolvedNames()

    def note(self, client: str, facts: Facts, when: float) -> None:
        """A television was given an answer. In the journal's thread."""
        self._resolved.note(self._core.inventory.identify(client), facts.name, facts.addresses, when)

    async def run(self) -> None:
        rng, inventory, events = random.Random(), self._core.inventory, self._core.events
        while True:
            await asyncio.sleep(_EVERY)
            now = datetime.now(UTC)
            devices = {script.address: inventory.identify(script.address) for script in TELEVISIONS}
            lately = {client: self._resolved.addresses(device)[-_LATELY:] for client, device in devices.items()}
            events.flows_counted(pretend_flows(lately, now, rng))
            events.attempts_of_devices(pretend_attempts(list(devices.values()), now, rng))


def remember_past(until: datetime, inventory: Inventory, policy: Policy, log: deque[LogRow]) -> None:
    """Puts a simulated day before `until` (aware, in the viewers' zone) into the log, oldest first."""
    known: dict[tuple[object, ...], Facts] = {}
    met: set[str] = set()
    for past in history(until):
        device = inventory.identify(past.client)
        if device not in met:
            met.add(device)
            inventory.update(device, first_seen=past.when.astimezone(UTC))
        key = (past.name, past.qtype, past.cached, policy.profile(device))
        facts = known.get(key)
        if facts is None:
            verdict = policy.decide(past.name, device, past.qtype)
            for target in past.targets:
                if verdict.blocked:
                    break
                verdict = policy.decide_target(target, device, past.qtype)
            source = Source.POLICY if verdict.blocked else Source.CACHE if past.cached else Source.UPSTREAM
            rcode = 0 if verdict.blocked else past.rcode
            facts = known[key] = Facts(past.name, past.qtype, rcode, source, verdict, past.targets)
        log.append((past.when.timestamp(), past.client, facts, past.latency))
