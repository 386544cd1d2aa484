"""Writes what the gateway counted: bytes by the hour and detours by the day, added to what is there."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects.sqlite import insert

from gateway.journal.device_rows import DEVICE_NUMBER, SAVE_DEVICE, device_row
from gateway.journal.engine import raw_connection
from gateway.journal.exchanges import MICROS_A_DAY, MICROS_AN_HOUR
from gateway.journal.schema import detours, exchanges, names
from gateway.journal.stores import RunsWrites
from gateway.journal.times import to_micros
from gateway.model.device import Device
from gateway.model.flow import Attempt, Exchange

_LONGEST = 255
_NOBODY = 0


class ExchangeStore:
    """What the gateway counted, in the journal."""

    def __init__(self, writer: RunsWrites) -> None:
        self._writer = writer

    def add(
        self, exchanged: Sequence[Exchange], tried: Sequence[tuple[str, Attempt]], known: Sequence[Device]
    ) -> Future[None]:
        """Adds all of it to what is there, soon, in one transaction; the future is for who must know.

        Device ids stand in front of attempts; `known` are the devices that are spoken of. What belongs to another
        device, or to a name that was never looked up, counts for nobody.
        """
        by_id = {device.id: device for device in known}

        def write(connection: Connection) -> None:
            numbers = _device_numbers(connection, by_id)
            ids = _name_ids(connection, {each.name for each in exchanged if each.name is not None})
            rows: list[dict[str, Any]] = [
                {
                    "hour": to_micros(each.when) // MICROS_AN_HOUR,
                    "device": numbers[each.device],
                    "name": _NOBODY if each.name is None else ids.get(each.name, _NOBODY),
                    "up": each.up,
                    "down": each.down,
                    "connections": each.connections,
                }
                for each in exchanged
                if each.device in numbers
            ]
            _add(connection, exchanges, rows, sums=("up", "down", "connections"))
            rows = [_detour_row(numbers[device], each) for device, each in tried if device in numbers]
            _add(connection, detours, rows, sums=("count", "bytes"))

        return self._writer.run(write)


def _add(connection: Connection, table: Table, rows: list[dict[str, Any]], *, sums: tuple[str, ...]) -> None:
    if not rows:
        return
    statement = insert(table)
    added = statement.excluded
    changed: dict[str, Any] = {name: table.c[name] + added[name] for name in sums}
    if "first" in table.c:
        changed |= {"first": func.min(table.c.first, added["first"]), "last": func.max(table.c["last"], added["last"])}
    keys = [column.name for column in table.primary_key]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def _detour_row(number: int, attempt: Attempt) -> dict[str, Any]:
    return {
        "day": to_micros(attempt.last) // MICROS_A_DAY,
        "device": number,
        "detour": attempt.detour.value,
        "server": attempt.server[:_LONGEST],
        "protocol": attempt.protocol[:_LONGEST],
        "port": attempt.port,
        "outcome": attempt.outcome.value,
        "count": attempt.count,
        "bytes": attempt.bytes,
        "first": to_micros(attempt.first) // 1000,
        "last": to_micros(attempt.last) // 1000,
    }


def _device_numbers(connection: Connection, by_id: dict[str, Device]) -> dict[str, int]:
    cursor, numbers = raw_connection(connection).cursor(), {}
    for device_id, device in by_id.items():
        found = cursor.execute(DEVICE_NUMBER, (device_id,)).fetchone()
        found = found or cursor.execute(SAVE_DEVICE, device_row(device)).fetchall()[0]
        numbers[device_id] = int(found[0])
    return numbers


def _name_ids(connection: Connection, wanted: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    asked = sorted(wanted)
    for start in range(0, len(asked), 500):
        some = select(names.c.name, names.c.id).where(names.c.name.in_(asked[start : start + 500]))
        found.update((row[0], row[1]) for row in connection.execute(some))
    return found
