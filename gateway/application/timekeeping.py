"""Once a second: rules that are over end, and systemd hears that we live."""

from __future__ import annotations

import asyncio
from functools import partial

from gateway.application.core import Core, utc_now
from gateway.application.registry import Registry
from gateway.linux.process import notify

_HEARTBEAT = 1.0


def register(core: Core, registry: Registry) -> None:
    """Brings the task "time"."""
    registry.add_task("time", partial(_keep_time, core))


async def _keep_time(core: Core) -> None:
    while True:
        await asyncio.sleep(_HEARTBEAT)
        notify("WATCHDOG=1")
        ending = core.policy.next_end()
        if ending is not None and ending <= utc_now():
            await core.policy.expire(utc_now())
