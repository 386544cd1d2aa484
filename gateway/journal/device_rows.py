"""A device as a row and back."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert

from gateway.journal.schema import devices
from gateway.journal.times import from_micros, to_micros
from gateway.model.device import Device
from gateway.model.mac import Mac

_DIALECT = sqlite.dialect(paramstyle="qmark")
_COLUMNS = [column.name for column in devices.c if column.name != "number"]


def _save() -> str:
    statement = insert(devices).values({name: bindparam(name) for name in _COLUMNS})
    given = {name: statement.excluded[name] for name in _COLUMNS if name != "id"}
    upsert = statement.on_conflict_do_update(index_elements=["id"], set_=given).returning(devices.c.number)
    return str(upsert.compile(dialect=_DIALECT))


SAVE_DEVICE = _save()
DEVICE_NUMBER = str(select(devices.c.number).where(devices.c.id == bindparam("id")).compile(dialect=_DIALECT))


def device_row(device: Device) -> tuple[Any, ...]:
    """The values of SAVE_DEVICE, in its order."""
    return (
        device.id,
        device.mac,
        json.dumps(device.addresses),
        to_micros(device.first_seen),
        to_micros(device.last_seen),
        device.name,
        device.host,
        device.vendor,
        device.maker,
        device.kind,
        int(device.simulated),
    )


def device_of_row(row: Row[Any]) -> Device:
    """The device that a row of the whole table says."""
    return Device(
        id=row.id,
        mac=Mac.read(row.mac),
        addresses=tuple(json.loads(row.addresses)),
        first_seen=from_micros(row.first_seen),
        last_seen=from_micros(row.last_seen),
        name=row.name,
        host=row.host,
        vendor=row.vendor,
        maker=row.maker,
        kind=row.kind,
        simulated=bool(row.simulated),
    )
