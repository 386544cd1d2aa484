"""The resolver's control socket: it listens at the best place that can be had, and again when its file is gone.

What it lies in may be read-only (an SD card that fails), full, or taken away (a runtime folder goes when its user logs
out). Nothing of it costs DNS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.application.core import Core
from gateway.catalogue.sentences import Notice
from gateway.control.places import ControlPlaces
from gateway.control.server import ControlServer, Handler
from gateway.model.event import HealthChanged

_PAUSE = 5.0


class ControlSocket:
    """One at a time; `keep` looks after it until it is cancelled."""

    def __init__(self, core: Core, verbs: Mapping[str, Handler]) -> None:
        self._core, self._verbs = core, verbs
        self._places: ControlPlaces = core.settings.control
        self._server: ControlServer | None = None

    async def keep(self) -> None:
        """Listens again a few seconds after it could not, or after nobody could call any more."""
        while True:
            if self._server is None or not self._server.listening:
                await self.listen()
            await asyncio.sleep(_PAUSE)

    async def listen(self) -> None:
        """At the first place where that can be; what happens is reported. Whoever speaks with us already goes on."""
        before, reason = self._server, ""
        for path in self._places.to_make():
            server = ControlServer(path, self._verbs, self._core.hub)
            try:
                await server.start()
            except OSError as error:
                self._places.leave(path)
                reason = error.strerror or str(error)
                continue
            self._server = server
            self._places.write_down(path)
            if before is not None:
                await before.stop()
            self._report(True, Notice("box.dashboard-reaches-resolver"))
            return
        self._report(False, Notice("box.dashboard-command-line", reason=reason))

    async def stop(self) -> None:
        """Ends every conversation; nothing of it is left."""
        if self._server is not None:
            await self._server.stop()
            self._places.leave(self._server.path)
            self._server = None

    def _report(self, healthy: bool, notice: Notice) -> None:
        self._core.health.report(HealthChanged("control", healthy, notice))
