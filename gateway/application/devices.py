"""The devices' part: who they are, new neighbours, and what follows when one goes by another id."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

from gateway.application.arguments import Arguments, known_device
from gateway.application.core import Core
from gateway.application.registry import Registry
from gateway.control.codec import device_to_json
from gateway.errors import JournalError, Refused, TelltaleError
from gateway.model.event import HealthChanged
from gateway.schema.checking import checked
from gateway.schema.requests import UpdateDevice

_NEIGHBOURS_EVERY = 15.0


def register(core: Core, registry: Registry) -> None:
    """Brings the verbs on devices and the task "devices"."""
    registry.add_verbs(
        {"devices.list": partial(_list, core), "devices.update": checked(UpdateDevice, _Labels(core, registry).update)}
    )
    registry.add_task("devices", partial(_watch, core))
    core.events.device_joined.listen(_Moves(core).begin)


def _list(core: Core, _: Arguments) -> dict[str, Any]:
    return {"devices": [device_to_json(device) for device in core.inventory.all()]}


class _Labels:
    """What people say of devices. An answer comes when it is on the medium, and everybody who answers DNS follows it;
    what cannot be stored is taken back.

    It is in force a moment before: whatever else of the device is stored meanwhile carries it then.
    """

    def __init__(self, core: Core, registry: Registry) -> None:
        self._inventory, self._recording = core.inventory, core.recording
        self._settled = registry.settled
        self._saying = asyncio.Lock()

    async def update(self, asked: UpdateDevice) -> dict[str, Any]:
        device_id = known_device(self._inventory, asked.id) or ""
        async with self._saying:
            before = self._inventory.get(device_id)
            device = self._inventory.update(device_id, name=asked.name, kind=asked.kind, maker=asked.maker)
            try:
                kept = await asyncio.to_thread(self._recording.keep_device, partial(self._inventory.get, device_id))
            except TelltaleError as error:
                said = [field for field in ("name", "kind", "maker") if getattr(asked, field) is not None]
                with suppress(Refused):
                    self._inventory.update(device_id, **{field: getattr(before, field) for field in said})
                raise JournalError("devices.change-not-stored", reason=error) from None
        if not kept:
            raise Refused("devices.device-not-known", "id")
        await self._settled()
        return device_to_json(device)


async def _watch(core: Core) -> None:
    """Every few seconds, in a thread of its own: new neighbours."""
    while True:
        await asyncio.sleep(_NEIGHBOURS_EVERY)
        before = {device.id for device in core.inventory.all()}
        await asyncio.to_thread(core.inventory.refresh)
        if before != {device.id for device in core.inventory.all()}:
            core.events.clients_forgotten()


class _Moves:
    """What people decided about a device goes along when it goes by another id."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, old: str, new: str) -> None:
        task = asyncio.get_running_loop().create_task(self._move(old, new))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _move(self, old: str, new: str) -> None:
        try:
            await self._core.policy.move_device(old, new)
        except TelltaleError as error:
            self._core.health.report(HealthChanged("rules", False, error.notice))
        self._core.events.clients_forgotten()
