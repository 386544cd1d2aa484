"""What `web.json` holds: the password's hash, the key that signs sessions, and API tokens. Pure; no file is touched."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token for programs; only the SHA-256 of its 256 random bits is kept. `made` is ISO 8601 in UTC."""

    id: str
    label: str
    sha256: str
    made: str


@dataclass(frozen=True, slots=True)
class Keys:
    """`generation` is part of every session: raising it ends them all. `password` is an argon2id hash, or None before
    the first visit. `ended` are the ids of sessions that were logged out, each with the time (seconds since the epoch)
    at which it would have ended anyway.
    """

    secret: str
    generation: int = 1
    password: str | None = None
    tokens: tuple[Token, ...] = ()
    ended: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def new(cls) -> Keys:
        return cls(secrets.token_hex(32))


def keys_to_json(keys: Keys) -> bytes:
    """The file's bytes; `keys_from_json` turns them back."""
    tokens = [{"id": t.id, "label": t.label, "sha256": t.sha256, "made": t.made} for t in keys.tokens]
    value = {
        "version": 1,
        "secret": keys.secret,
        "generation": keys.generation,
        "password": keys.password,
        "tokens": tokens,
        "ended": dict(keys.ended),
    }
    return json.dumps(value, indent=1).encode() + b"\n"


def keys_from_json(raw: bytes) -> Keys:
    """The keys in a file. Raises ValueError when it is not one of ours: half a file must never open a door."""
    try:
        value = json.loads(raw)
        if value["version"] != 1:
            raise ValueError("it was written by a newer Telltale")
        keys = Keys(
            _text(value["secret"]),
            _whole(value["generation"]),
            None if value["password"] is None else _text(value["password"]),
            tuple(
                Token(*(_text(token[key]) for key in ("id", "label", "sha256", "made"))) for token in value["tokens"]
            ),
            {_text(session): float(until) for session, until in value["ended"].items()},
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it lacks something") from error
    if len(keys.secret) < 64:
        raise ValueError("its secret is too short")
    return keys


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value
