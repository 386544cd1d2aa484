"""A stored row as people see it."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, select

from gateway.journal.schema import clients, devices, facts, lookups, names, streams
from gateway.journal.times import from_millis
from gateway.model.dns import rcode_name, type_name
from gateway.model.lookup import Lookup
from gateway.model.verdict import Action

_DEVICE = ("id", "name", "host", "vendor", "addresses")
_FACT = ("type", "rcode", "source", "reason", "party", "matched", "rule", "lists", "via", "targets")

# Outer joins: a lookup is shown also when a word of it is lost.
SHOWN = (
    select(
        lookups.c.id,
        lookups.c.time,
        lookups.c.latency,
        lookups.c.times,
        streams.c.blocked,
        names.c.name,
        names.c.company,
        names.c.category,
        clients.c.address.label("client"),
        *(devices.c[column].label(f"device_{column}") for column in _DEVICE),
        *(facts.c[column] for column in _FACT),
    )
    .outerjoin(streams, streams.c.id == lookups.c.stream)
    .outerjoin(names, names.c.id == streams.c.name)
    .outerjoin(devices, devices.c.number == streams.c.device)
    .outerjoin(facts, facts.c.id == lookups.c.fact)
    .outerjoin(clients, clients.c.id == lookups.c.client)
)


def lookup_of(row: Row[Any]) -> Lookup:
    """The lookup in a row of SHOWN."""
    return Lookup(
        id=row.id,
        time=from_millis(row.time),
        name=row.name or "",
        type=type_name(row.type or 0),
        device=row.device_id or "",
        device_name=label_of(row),
        client=row.client or "",
        verdict=(Action.BLOCK if row.blocked else Action.ALLOW).value,
        reason=row.reason or "",
        company=row.company,
        category=row.category or "unknown",
        party=row.party or "unknown",
        source=row.source or "",
        rcode=rcode_name(row.rcode or 0),
        latency_ms=row.latency / 1000,
        matched=row.matched,
        rule=row.rule,
        lists=texts_of(row.lists),
        via=row.via,
        targets=texts_of(row.targets),
        times=row.times,
    )


def label_of(row: Any) -> str:
    """What the dashboard calls the device in a row with its columns; as `Device.label`."""
    if row.device_id is None:
        return ""
    addresses = texts_of(row.device_addresses)
    return str(row.device_name or row.device_host or row.device_vendor or (addresses or (row.device_id,))[0])


def texts_of(stored: str | None) -> tuple[str, ...]:
    return tuple(json.loads(stored)) if stored else ()
