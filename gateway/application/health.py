"""What works and what does not, one finding a part."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from gateway.control.hub import Hub
from gateway.model.event import HealthChanged


class HealthBoard:
    """Keeps the newest finding of each part; the hub hears when one changes."""

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop) -> None:
        self._hub, self._loop = hub, loop
        self._parts: dict[str, HealthChanged] = {}

    def report(self, change: HealthChanged) -> None:
        """On the loop only."""
        before = self._parts.get(change.part)
        if before is None or (before.healthy, before.notice) != (change.healthy, change.notice):
            change = replace(change, since=datetime.now(UTC))
            self._parts[change.part] = change
            self._hub.publish(change)

    def report_from_thread(self, change: HealthChanged) -> None:
        self._loop.call_soon_threadsafe(self.report, change)

    def parts(self) -> list[HealthChanged]:
        return list(self._parts.values())
