"""What travels over the control socket: a request, then its reply; or, after `subscribe`, one event a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Refused

MAX_LINE = 1 << 20
"""Bytes that one request or event may have, its newline included."""

MAX_REPLY = 16 << 20
"""Bytes that one reply may have: ten thousand rules are more than a request ever is."""


@dataclass(frozen=True, slots=True)
class Request:
    """A verb ("rules.add") and its arguments, which are JSON values."""

    verb: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """The verb was carried out; `result` is a JSON value."""

    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """It was not. `kind` is "refused" when the asker can mend it, "unavailable" when not; the `code` says how."""

    kind: str
    code: str
    field: str | None = None
    arguments: Mapping[str, int | float | str] = dataclasses.field(default_factory=dict)


Reply = Done | Failed


def request_from(value: Any) -> Request:
    """The request in a decoded line. Raises Refused."""
    if not isinstance(value, dict) or not isinstance(value.get("verb"), str):
        raise Refused("control.request-object-verb", "verb")
    arguments = value.get("arguments", {})
    if not isinstance(arguments, dict):
        raise Refused("control.arguments-request-object", "arguments")
    return Request(value["verb"], arguments)


def reply_to_json(reply: Reply) -> dict[str, Any]:
    """A reply as a JSON object; `reply_from` reads it back."""
    if isinstance(reply, Done):
        return {"ok": True, "result": reply.result}
    return {
        "ok": False, "kind": reply.kind, "code": reply.code, "field": reply.field, "arguments": dict(reply.arguments)
    }  # fmt: skip


def reply_from(value: Any) -> Reply:
    """The reply in a decoded line; anything that is none counts as a failure of the other side."""
    if isinstance(value, dict) and value.get("ok") is True:
        return Done(value.get("result"))
    if isinstance(value, dict) and isinstance(value.get("code"), str):
        named, said = value.get("field"), value.get("arguments")
        arguments = {
            name: one
            for name, one in (said.items() if isinstance(said, dict) else ())
            if isinstance(name, str) and isinstance(one, int | float | str)
        }
        return Failed(str(value.get("kind")), value["code"], named if isinstance(named, str) else None, arguments)
    return Failed("unavailable", "control.resolver-said-something")
