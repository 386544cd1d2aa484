"""Has the parts of a box run: starts, tasks that begin again when they fail, the control socket, and the ends."""

from __future__ import annotations

import asyncio
import logging

from gateway.application.core import Core
from gateway.application.registry import Registry, Work
from gateway.catalogue.sentences import Notice
from gateway.control.server import ControlServer
from gateway.linux.process import notify
from gateway.model.event import HealthChanged

log = logging.getLogger(__name__)

_PAUSE = 5.0


async def run(core: Core, registry: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set; leaves nothing unsaved."""
    for begin in registry.starts:
        await begin()
    server = ControlServer(core.settings.control, registry.verbs, core.hub)
    await _listen(server, core)
    tasks = [asyncio.create_task(_persist(name, work)) for name, work in registry.tasks]
    tasks.append(asyncio.create_task(_keep_listening(server, core)))
    notify("READY=1")
    try:
        await stop.wait()
    finally:
        notify("STOPPING=1")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.stop()
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


async def _listen(server: ControlServer, core: Core) -> bool:
    try:
        await server.start()
    except OSError as error:
        reason = error.strerror or error
        notice = Notice("box.dashboard-command-line", reason=reason)
        core.health.report(HealthChanged("control", False, notice))
        return False
    core.health.report(HealthChanged("control", True, Notice("box.dashboard-reaches-resolver")))
    return True


async def _keep_listening(server: ControlServer, core: Core) -> None:
    """A data folder that cannot be written (an SD card gone read only) must not cost DNS; it may come back."""
    while True:
        if server.listening or await _listen(server, core):
            return
        await asyncio.sleep(_PAUSE)
