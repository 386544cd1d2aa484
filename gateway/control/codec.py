"""Words of the model to JSON, and JSON lines to words. Pure; times are ISO 8601 in UTC with a Z."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from gateway.control.messages import MAX_LINE
from gateway.errors import Refused
from gateway.model.device import Device
from gateway.model.event import DeviceSeen, Event, HealthChanged, LookupRecorded, PolicyChanged
from gateway.model.lookup import Lookup
from gateway.model.rule import Rule, ScopeKind

_MOST_TARGETS = 8
_ENVELOPE = 256


def encode_line(value: Any) -> bytes:
    """One line of JSON with its newline."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def decode_line(line: bytes, most: int = MAX_LINE) -> Any:
    """The JSON value of one line. Raises Refused for anything that is not one, or has more than `most` bytes."""
    if len(line) > most:
        raise Refused("control.message-most-mib", most=f"{most >> 20}")
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise Refused("control.message-line-json") from None


def time_to_json(when: datetime | None) -> str | None:
    """ "2026-11-23T20:15:00.250Z", or None."""
    if when is None:
        return None
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """A rule as the outside knows it: exactly one of name, service, trackers, company, category, everything and preset
    is set.
    """
    kind = rule.scope.kind
    scope: dict[str, Any] = {"name": rule.scope.value}
    if kind is ScopeKind.EVERYTHING:
        scope = {"everything": True}
    elif kind not in (ScopeKind.NAME, ScopeKind.SUBTREE):
        scope = {kind.value: rule.scope.value}
    return {
        "id": rule.id,
        "action": rule.action.value,
        **scope,
        "subtree": kind is ScopeKind.SUBTREE,
        "device": rule.device,
        "ends": time_to_json(rule.ends),
        "made": time_to_json(rule.made),
        "made_by": rule.made_by,
        "comment": rule.comment,
    }


def device_to_json(device: Device) -> dict[str, Any]:
    """A device as the outside knows it."""
    return {
        "id": device.id,
        "mac": device.mac,
        "addresses": list(device.addresses),
        "first_seen": time_to_json(device.first_seen),
        "last_seen": time_to_json(device.last_seen),
        "name": device.name,
        "host": device.host,
        "vendor": device.vendor,
        "maker": device.maker,
        "kind": device.kind,
        "simulated": device.simulated,
        "label": device.label,
    }


def health_to_json(found: HealthChanged) -> dict[str, Any]:
    """A finding by its code; whoever shows it makes the sentence."""
    return {
        "part": found.part,
        "healthy": found.healthy,
        "severity": found.severity.value,
        "code": found.notice.code,
        "arguments": found.notice.arguments,
        "since": time_to_json(found.since),
    }


def lookup_to_json(lookup: Lookup) -> dict[str, Any]:
    """A lookup as the outside knows it; the fields of `GET /api/v1/lookups`."""
    return {
        "id": lookup.id,
        "time": time_to_json(lookup.time),
        "name": lookup.name,
        "type": lookup.type,
        "device": lookup.device,
        "device_name": lookup.device_name,
        "client": lookup.client,
        "verdict": lookup.verdict,
        "reason": lookup.reason,
        "company": lookup.company,
        "category": lookup.category,
        "party": lookup.party,
        "source": lookup.source,
        "rcode": lookup.rcode,
        "latency_ms": round(lookup.latency_ms, 3),
        "matched": lookup.matched,
        "rule": lookup.rule,
        "lists": list(lookup.lists),
        "via": lookup.via,
        "targets": list(lookup.targets),
        "times": lookup.times,
    }


def encode_event(event: Event) -> bytes | None:
    """The line of an event, never longer than MAX_LINE; None when it does not fit into so few bytes.

    Lookups name at most eight targets each; where that does not help, the oldest are left out and counted.
    """
    value = event_to_json(event)
    lookups = value.get("lookups", [])
    for lookup in lookups:
        del lookup["targets"][_MOST_TARGETS:]
    line = encode_line(value)
    if len(line) <= MAX_LINE or not lookups:
        return line if len(line) <= MAX_LINE else None
    room, kept = MAX_LINE - _ENVELOPE, len(lookups)
    for lookup in reversed(lookups):
        room -= len(encode_line(lookup))
        if room < 0:
            break
        kept -= 1
    return encode_line({**value, "lookups": lookups[kept:], "left_out": value["left_out"] + kept})


def event_to_json(event: Event) -> dict[str, Any]:
    """An event as dashboards get it; `event` says which of the four it is."""
    match event:
        case LookupRecorded():
            lookups = [lookup_to_json(lookup) for lookup in event.lookups]
            return {"event": "lookups", "lookups": lookups, "left_out": event.left_out}
        case DeviceSeen():
            return {"event": "device", "device": device_to_json(event.device)}
        case PolicyChanged():
            rule = rule_to_json(event.rule) if event.rule else None
            return {"event": "policy", "generation": event.generation, "rule": rule, "removed": event.removed}
        case HealthChanged():
            return {"event": "health", **health_to_json(event)}
