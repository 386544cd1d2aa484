"""Once a second rules that are over end, and systemd hears that we live; the time is asked of others when in doubt."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial

from gateway.application.core import Core
from gateway.application.registry import Registry
from gateway.catalogue.sentences import Notice
from gateway.errors import UpstreamError
from gateway.linux.process import notify, since_boot
from gateway.model.event import HealthChanged
from gateway.resolver.upstream.clock import BUILT
from gateway.resolver.upstream.encryption import time_servers
from gateway.resolver.upstream.sntp import ask_time

_HEARTBEAT = 1.0
_ASK_AGAIN = 600.0


def register(core: Core, registry: Registry) -> None:
    """Brings the tasks "heartbeat", "time" and "time server"."""
    registry.add_task("heartbeat", _beat)
    registry.add_task("time", partial(_keep_time, core))
    registry.add_task("time server", partial(_ask_when_in_doubt, core))


async def _beat() -> None:
    """By itself: a card that takes half a minute for what ended must not look as if nobody lived here."""
    while True:
        await asyncio.sleep(_HEARTBEAT)
        notify("WATCHDOG=1")


async def _keep_time(core: Core) -> None:
    while True:
        await asyncio.sleep(_HEARTBEAT)
        if core.policy.is_due():
            await core.policy.expire()


async def _ask_when_in_doubt(core: Core) -> None:
    """While the clock shows another day than it must be by the journal, a time server is asked which one is right. A
    simulated world asks nobody outside.
    """
    if core.settings.simulated:
        return
    horizon, asked = core.recording.horizon, float("-inf")
    servers = time_servers([(each.host, each.port) for each in core.settings.time_servers])
    said = False
    while True:
        await asyncio.sleep(_HEARTBEAT)
        if horizon.in_doubt and since_boot() - asked >= _ASK_AGAIN:
            asked = since_boot()
            with suppress(UpstreamError):
                at, _ = await ask_time(servers, BUILT)
                horizon.vouch(at)
        if horizon.in_doubt != said:
            said = horizon.in_doubt
            notice = Notice("history.clock-in-doubt" if said else "history.clock-trusted")
            core.health.report(HealthChanged("history", not said, notice))
