"""What a running house does by itself: keep the time, look for devices, and mend what failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from gateway.application.box import Box
from gateway.control.server import ControlServer
from gateway.linux.process import notify
from gateway.model.event import HealthChanged

log = logging.getLogger(__name__)

_HEARTBEAT = 1.0
_NEIGHBOURS_EVERY = 15.0
_LISTS_EVERY = 30
_BREATH = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


async def keep_time(house: Box) -> None:
    """Once a second: rules that are over end, systemd hears that we live, lists that are due are fetched."""
    ticks = 0
    max_age = timedelta(hours=house.settings.refresh_hours)
    while True:
        await asyncio.sleep(_HEARTBEAT)
        ticks += 1
        notify("WATCHDOG=1")
        ending = house.policy.next_end()
        if ending is not None and ending <= _now():
            await house.policy.expire(_now())
        if ticks % _LISTS_EVERY == 0:
            house.lists.look(_now(), max_age)


async def watch_devices(house: Box) -> None:
    """Every few seconds, in a thread of its own: new neighbours."""
    while True:
        await asyncio.sleep(_NEIGHBOURS_EVERY)
        before = {device.id for device in house.inventory.all()}
        await asyncio.to_thread(house.inventory.refresh)
        if before != {device.id for device in house.inventory.all()}:
            house.forget_clients()


async def persist(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Runs a part of the house for as long as it wants; one that fails is told of and begins again: DNS goes on."""
    while True:
        try:
            await work()
            return
        except Exception:
            log.exception("%s failed; it begins again in %.0f s", name, _BREATH)
            await asyncio.sleep(_BREATH)


async def listen(server: ControlServer, house: Box) -> bool:
    try:
        await server.start()
    except OSError as error:
        says = f"The dashboard and the command line cannot reach the resolver: {error.strerror or error}."
        house.health.report(HealthChanged("control", False, says))
        return False
    house.health.report(HealthChanged("control", True, "The dashboard reaches the resolver."))
    return True


async def keep_listening(server: ControlServer, house: Box) -> None:
    """A data folder that cannot be written (an SD card gone read only) must not cost DNS; it may come back."""
    while True:
        if server.listening or await listen(server, house):
            return
        await asyncio.sleep(_BREATH)
