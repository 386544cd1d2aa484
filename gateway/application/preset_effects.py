"""What each preset would do to the names that this home asked for lately."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.application.core import Core, utc_now
from gateway.application.presets import judge
from gateway.application.registry import Registry
from gateway.classifier.presets import Preset
from gateway.errors import JournalError
from gateway.journal.reader import Reader
from gateway.model.tag import Need
from gateway.policy.presets import PresetRules

_EVERY, _AT_MOST_EVERY, _PATIENCE = 3_600.0, 30.0, 1.0
_LOOK_BACK = timedelta(days=28)
# A home of televisions asks for some hundred names; of more, the latest count.
_MOST = 5_000
# Judging goes on beside DNS, which must not wait for the interpreter: so many names, then a rest.
_PORTION, _REST = 10, 0.002
_MISSED = frozenset({Need.REQUIRED, Need.DEGRADES, Need.DISPUTED})


@dataclass(slots=True)
class Effects:
    """What one preset does: of `names` it stops `stops`, and leaves `open` for services and makers, `needed_by`.
    `missed` are those of what it stops of which a source says that something is missing without them.
    """

    names: set[str] = field(default_factory=set)
    stops: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)
    needed_by: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        counts = {key: len(getattr(self, key)) for key in ("names", "stops", "open", "missed")}
        return {**counts, "needed_by": sorted(self.needed_by)}

    def add(self, other: Effects) -> None:
        for key in ("names", "stops", "open", "missed", "needed_by"):
            getattr(self, key).update(getattr(other, key))


def register(core: Core, registry: Registry) -> None:
    """Brings the task "preset effects" and the verb "presets.effects"."""
    effects = AtHome(core)
    core.usage.listen(effects.use_changed)
    core.events.device_seen.listen(lambda device: effects.change() if device.id not in effects.known else None)
    registry.add_task("preset effects", effects.run)
    registry.add_verbs({"presets.effects": lambda _: effects.figures()})


def effects_on(
    names: Iterable[str],
    rule_on: PresetRules,
    needed: Callable[[str], bool],
    maker: str,
    services: frozenset[str],
    rest: Callable[[], None] = lambda: None,
) -> dict[str, Effects]:
    """What each preset does on a device of this maker that uses these services. `needed` is whether a source says that
    something, somewhere, is missing without a name; `rest` is called now and then.
    """
    found = {preset.value: Effects() for preset in Preset}
    for number, name in enumerate(names, 1):
        for preset, effects in found.items():
            effects.names.add(name)
            ruling = rule_on(preset, name, maker, services)
            if ruling.blocks:
                effects.stops.add(name)
                if not ruling.depends and needed(name):
                    effects.missed.add(name)
            elif ruling.needed_by:
                effects.open.add(name)
                effects.needed_by.update(ruling.needed_by)
        if number % _PORTION == 0:
            rest()
    return found


class AtHome:
    """Counts when somebody looks, and something has changed since or an hour has gone by: nobody else pays for it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._rule_on = judge(core.classifier)
        self._changed, self._wanted, self._counted = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._stale_at = 0.0
        self._by_device: dict[str, dict[str, Effects]] = {}
        self._used: dict[str, list[str]] = {}
        self.known: set[str] = set()

    def use_changed(self, device: str) -> None:
        """What counts for the moment only comes and goes every few minutes, and changes nothing here."""
        if self._core.usage.lasting(device) != self._used.get(device, []):
            self.change()

    @property
    def is_due(self) -> bool:
        """Whether something has changed since it was counted last."""
        return self._changed.is_set()

    def change(self) -> None:
        self._changed.set()

    def to_json(self) -> dict[str, Any]:
        """For "home", all devices together, and for each device: preset -> figures. Empty until they were counted."""
        home: dict[str, Effects] = {}
        for effects in self._by_device.values():
            for preset, each in effects.items():
                home.setdefault(preset, Effects()).add(each)
        return {
            "home": {preset: each.to_json() for preset, each in home.items()},
            "devices": {
                device: {preset: each.to_json() for preset, each in effects.items()}
                for device, effects in self._by_device.items()
            },
        }

    async def figures(self) -> dict[str, Any]:
        """As `to_json`, and has them counted soon where they are old; the first time it waits a moment for them."""
        self._wanted.set()
        if not self._counted.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._counted.wait(), _PATIENCE)
        return self.to_json()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self._counted.is_set() and not self.is_due and loop.time() < self._stale_at:
                continue
            self._changed.clear()
            self._used = self._core.usage.table()
            try:
                self._by_device = await asyncio.to_thread(self._count, self._used)
            except JournalError:
                # There is no history yet, or none that can be read: its own part says so.
                self._by_device = {}
            self.known = set(self._by_device)
            self._counted.set()
            self._stale_at = loop.time() + _EVERY
            await asyncio.sleep(_AT_MOST_EVERY)

    def _count(self, used: Mapping[str, list[str]]) -> dict[str, dict[str, Effects]]:
        core = self._core
        if not core.settings.journal.exists():
            return {}
        with closing(Reader(core.settings.journal)) as reader:
            asked = reader.asked_names(utc_now() - _LOOK_BACK, _MOST)
        names: dict[str, list[str]] = {}
        for device, name in asked:
            names.setdefault(device, []).append(name)
        makers = core.policy.policy.makers
        return {
            device: effects_on(
                theirs, self._rule_on, self._is_needed, makers.get(device, ""),
                frozenset(used.get(device, ())), lambda: time.sleep(_REST),
            )
            for device, theirs in names.items()
        }  # fmt: skip

    def _is_needed(self, name: str) -> bool:
        fact = self._core.classifier.fact(name)
        return fact is not None and fact.need in _MISSED
