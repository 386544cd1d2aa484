"""Who holds which address now, kept over restarts, and reported as it happens."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path

from gateway.errors import Refused
from gateway.files import write_atomically
from gateway.model.lease import Lease
from gateway.network.leases import LeaseEvent
from gateway.schema.values import from_json, to_json

log = logging.getLogger(__name__)

_MOST = 4096


class LeaseBook:
    """On one event loop. `path` is its file; a broken or missing one is an empty book, as dnsmasq tells again."""

    def __init__(self, path: Path) -> None:
        self.sequence = 1
        """Rises with every change."""
        self._path = path
        self._leases: dict[str, Lease] = {}
        self._changed = asyncio.Event()
        self._load()

    def all(self) -> list[Lease]:
        return list(self._leases.values())

    def take(self, event: LeaseEvent) -> None:
        """One event of the hook. After a restart dnsmasq tells of old leases without what it once knew of the device:
        that is kept."""
        key, lease = str(event.lease.address), event.lease
        before = self._leases.get(key)
        if event.ended:
            if self._leases.pop(key, None) is None:
                return
        else:
            if before is not None and before.mac == lease.mac:
                lease = replace(
                    lease,
                    host=lease.host or before.host,
                    vendor_class=lease.vendor_class or before.vendor_class,
                    requested=lease.requested or before.requested,
                )
            if before == lease or (before is None and len(self._leases) >= _MOST):
                return
            self._leases[key] = lease
        self._tell()

    def clear(self) -> None:
        """The network is gone, and every lease with it."""
        self._leases.clear()
        self._tell()

    async def wait(self, after: int, seconds: float) -> None:
        """Until there is something newer than `after`, or the time is over."""
        if self.sequence > after:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _tell(self) -> None:
        self.sequence += 1
        self._changed.set()
        self._changed = asyncio.Event()
        try:
            write_atomically(self._path, [json.dumps([to_json(each) for each in self.all()]).encode()], 0o600)
        except OSError as error:
            log.warning("the list of leases cannot be written: %s", error.strerror)

    def _load(self) -> None:
        try:
            value = json.loads(self._path.read_bytes())
            leases = [from_json(Lease, each, "lease") for each in value[:_MOST]]
        except (OSError, ValueError, TypeError, KeyError, Refused):
            return
        self._leases = {str(lease.address): lease for lease in leases}
