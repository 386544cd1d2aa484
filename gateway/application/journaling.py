"""The journal's part: opened behind DNS's back once everything answers, closed when all else has ended."""

from __future__ import annotations

import asyncio
from functools import partial

from gateway.application.core import Core
from gateway.application.registry import Figures, Registry
from gateway.linux.process import spare_the_collector


def register(core: Core, registry: Registry) -> None:
    """Brings the task "prepare" and the journal's counters."""
    registry.add_task("prepare", partial(_prepare, core))
    registry.add_end(partial(asyncio.to_thread, core.recording.close))
    registry.add_counters(partial(_count, core))


async def _prepare(core: Core) -> None:
    """What may take a moment: the knowledge, the journal, the neighbours."""
    await asyncio.to_thread(core.classifier.get_ready)
    core.recording.start(core.inventory)
    core.policy.journal_is_open()
    core.inventory.refresh()
    core.events.clients_forgotten()
    spare_the_collector()


def _count(core: Core, figures: Figures) -> Figures:
    return {**figures, **{f"journal_{name}": count for name, count in core.recording.writer.counters().items()}}
