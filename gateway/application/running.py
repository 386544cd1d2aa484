"""Has the parts of a box run: starts, tasks that begin again when they fail, the control socket, and the ends."""

from __future__ import annotations

import asyncio
import logging

from gateway.application.control_socket import ControlSocket
from gateway.application.core import Core
from gateway.application.registry import Registry, Work
from gateway.linux.process import notify

log = logging.getLogger(__name__)

_PAUSE = 5.0


async def run(core: Core, registry: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set; leaves nothing unsaved."""
    for begin in registry.starts:
        await begin()
    control = ControlSocket(core, registry.verbs)
    await control.listen()
    tasks = [asyncio.create_task(_persist(name, work)) for name, work in registry.tasks]
    tasks.append(asyncio.create_task(control.keep()))
    notify("READY=1")
    try:
        await stop.wait()
    finally:
        notify("STOPPING=1")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await control.stop()
        for end in reversed(registry.ends):
            await end()


async def _persist(name: str, work: Work) -> None:
    """One that fails is reported and begins again: DNS goes on."""
    while True:
        try:
            await work()
            return
        except Exception:
            log.exception("%s failed; it begins again in %.0f s", name, _PAUSE)
            await asyncio.sleep(_PAUSE)
