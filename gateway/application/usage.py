"""Which services are used on which device: what the journal's last four weeks say of it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any

from gateway.application.core import Core, utc_now
from gateway.application.registry import Registry
from gateway.errors import JournalError
from gateway.journal.reader import Reader
from gateway.model.event import PolicyChanged
from gateway.model.policy import Policy
from gateway.model.rule import ScopeKind
from gateway.policy.usage import KEPT
from gateway.schema.checking import Message, checked

_EVERY, _SWEEP = 3_600.0, 60.0
_WITHOUT_JOURNAL, _AT_START = 10.0, 0.5


def register(core: Core, registry: Registry) -> None:
    """Brings a look before DNS answers, the task "usage" and the verb "services"."""
    remembering = Remembering(core)
    core.events.policy_changed.listen(remembering.preset_chosen)
    core.events.device_joined.listen(core.usage.join)
    registry.add_start(remembering.look_first)
    registry.add_task("usage", remembering.run)
    registry.add_task("what is used no more", remembering.sweep)
    registry.add_verbs({"services": checked(Message, partial(_services, core))})


def _services(core: Core, _: Message) -> dict[str, Any]:
    """Every service, with the devices that use it."""
    used: dict[str, list[str]] = {}
    for device, services in core.usage.table().items():
        for service in services:
            used.setdefault(service, []).append(device)
    known = [
        {"service": each.name, "company": each.company, "kind": each.kind, "stops": each.stops,
         "watched": bool(core.classifier.names_of(each.name)[1]), "devices": used.get(each.name, [])}
        for each in core.classifier.services()
    ]  # fmt: skip
    return {"services": known}


class Remembering:
    """Reads the journal at the start, every hour, and when somebody chooses a preset."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._wanted = asyncio.Event()
        self._looked = False

    def preset_chosen(self, _: Policy, change: PolicyChanged) -> None:
        """Only while a preset is in force the resolver notes by itself what is used; one that goes may leave another
        in force.
        """
        if change.rule is not None and change.rule.scope.kind is ScopeKind.PRESET:
            self._wanted.set()

    async def look_first(self) -> None:
        """Before DNS answers, where a preset is in force: an app that is open while a box starts again misses nothing.
        Questions wait meanwhile, so it never takes long; the task makes up for what it did not find.
        """
        if any(rule.scope.kind is ScopeKind.PRESET for rule in self._core.policy.rules()):
            try:
                self._looked = await asyncio.wait_for(self.look(), _AT_START)
            except Exception:  # noqa: BLE001 - DNS starts whatever the journal is like; the task says what is wrong
                return

    async def run(self) -> None:
        while True:
            self._wanted.clear()
            found = self._looked or await self.look()
            self._looked = False
            try:
                await asyncio.wait_for(self._wanted.wait(), _EVERY if found else _WITHOUT_JOURNAL)
            except TimeoutError:
                continue

    async def sweep(self) -> None:
        """What was in use for the moment only is over by itself."""
        while True:
            await asyncio.sleep(_SWEEP)
            self._core.usage.sweep()

    async def look(self) -> bool:
        """Whether the journal could be read."""
        try:
            recent = await asyncio.to_thread(self._read)
        except JournalError:
            return False
        for device, services in recent.items():
            self._core.usage.add(device, services.items())
        self._core.usage.sweep()
        return True

    def _read(self) -> dict[str, dict[str, float]]:
        """Device -> service -> seconds since its last use."""
        core, now = self._core, utc_now()
        if not core.settings.journal.exists():
            raise JournalError("history.is-missing", name=core.settings.journal.name)
        recent: dict[str, dict[str, float]] = {}
        with closing(Reader(core.settings.journal)) as reader:
            rows = reader.recent_names(now - timedelta(seconds=KEPT), core.classifier.service_companies())
        for device, name, last in rows:
            if (service := core.classifier.service_of(name)) is not None:
                ago = max((now - last).total_seconds(), 0.0)
                known = recent.setdefault(device, {})
                known[service] = min(known.get(service, ago), ago)
        return recent
