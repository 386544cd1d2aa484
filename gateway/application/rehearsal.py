"""What a demo begins with: four named televisions, and a past for the charts, all marked as simulated."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from datetime import UTC, datetime

from gateway.application.accounts import Accounts
from gateway.demo.exchange import pretend_attempts, pretend_flows
from gateway.demo.fleet import TELEVISIONS
from gateway.demo.history import history
from gateway.devices.inventory import Inventory
from gateway.model.lookup import Facts, LogRow
from gateway.model.policy import Policy
from gateway.model.response import Source

_TURN, _LATELY = 3.0, 40


def introduce_televisions(inventory: Inventory) -> None:
    """Makes the simulated televisions known by name, before they ask for anything."""
    for script in TELEVISIONS:
        device = inventory.identify(script.address)
        inventory.update(device, name=script.label, kind="television", maker=script.maker, simulated=True)


async def pretend_traffic(accounts: Accounts, inventory: Inventory) -> None:
    """For ever: what a kernel would count while the televisions play."""
    rng = random.Random()
    while True:
        await asyncio.sleep(_TURN)
        now = datetime.now(UTC)
        devices = {script.address: inventory.identify(script.address) for script in TELEVISIONS}
        told = {client: accounts.told.addresses(device)[-_LATELY:] for client, device in devices.items()}
        accounts.take_flows(pretend_flows(told, now, rng))
        accounts.note_attempts(pretend_attempts(list(devices.values()), now, rng))


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
