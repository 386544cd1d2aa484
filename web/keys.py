"""What `web.json` holds: the password's hash, the keys that sign cookies, and API tokens. Pure; no file is touched."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError

# Without 0 o 1 l i: it is read from one screen and typed at another.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_LONGEST_CODE = 64
CODE_HOLDS = 3600.0
"""Seconds in which another password can be chosen."""
_SET_BACK = 60.0
_MOST_MEMORY, _MOST_PASSES, _MOST_LANES = 256 * 1024, 16, 8


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token for programs; only the SHA-256 of its 256 random bits is kept. `made` is ISO 8601 in UTC."""

    id: str
    label: str
    sha256: str
    made: str


@dataclass(frozen=True, slots=True)
class Code:
    """Who knows it may choose the password, once. `until` is in seconds since the epoch; None for the first password,
    which may be chosen at any time.
    """

    text: str
    until: float | None = None

    @classmethod
    def new(cls, until: float | None = None) -> Code:
        """Three groups of four signs, 59 bits."""
        return cls("-".join("".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(3)), until)

    def is_meant_by(self, typed: str, now: float) -> bool:
        """However it was typed: with capitals, without the dashes."""
        # A clock that went back must not make it hold for longer than it was made for.
        if len(typed) > _LONGEST_CODE or (
            self.until is not None and not 0 < self.until - now <= CODE_HOLDS + _SET_BACK
        ):
            return False
        bare = re.sub(r"[^a-z0-9]", "", typed.lower())
        return hmac.compare_digest(bare.encode(), self.text.replace("-", "").encode())


@dataclass(frozen=True, slots=True)
class Keys:
    """`secret` signs sessions, and is another one with every password; `browsers` signs what tells that a browser was
    logged in before, and stays. `generation` is part of every session: raising it ends them all. `password` is an
    argon2id hash, or None before the first visit. `ended` are the ids of sessions that were logged out, each with the
    time (seconds since the epoch) at which it would have ended anyway. Without a password there is always a `code`.
    """

    secret: str
    generation: int = 1
    password: str | None = None
    tokens: tuple[Token, ...] = ()
    ended: Mapping[str, float] = field(default_factory=dict)
    browsers: str = ""
    code: Code | None = None

    @classmethod
    def new(cls, password: str | None = None, tokens: tuple[Token, ...] = ()) -> Keys:
        """With secrets that nobody has seen."""
        return cls(secrets.token_hex(32), 1, password, tokens).completed()

    def with_password(self, hashed: str) -> Keys:
        """A new password: nobody is logged in any more, no cookie of before can be forged again, no code is left."""
        new = secrets.token_hex(32)
        return replace(self, password=hashed, secret=new, generation=self.generation + 1, ended={}, code=None)

    def completed(self) -> Keys:
        """With what a file of an earlier version lacks."""
        browsers = self.browsers or secrets.token_hex(32)
        code = self.code or (None if self.password else Code.new())
        return replace(self, browsers=browsers, code=code)


def keys_to_json(keys: Keys) -> bytes:
    """The file's bytes; `keys_from_json` reads them back."""
    value = {
        "version": 1,
        "secret": keys.secret,
        "generation": keys.generation,
        "password": keys.password,
        "tokens": tokens_to_json(keys.tokens),
        "ended": dict(keys.ended),
        "browsers": keys.browsers,
        "code": None if keys.code is None else {"text": keys.code.text, "until": keys.code.until},
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
            None if value["password"] is None else password_hash(value["password"]),
            tokens_from_json(value["tokens"]),
            {_text(session): float(until) for session, until in value["ended"].items()},
            _text(value.get("browsers", "")),
            _code(value.get("code")),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it lacks something") from error
    if len(keys.secret) < 64:
        raise ValueError("its secret is too short")
    return keys


def password_hash(value: Any) -> str:
    """An argon2 hash that this box can afford to verify. Raises ValueError, TypeError."""
    try:
        cost = extract_parameters(_text(value))
    except InvalidHashError as error:
        raise ValueError("its password is none") from error
    if cost.memory_cost > _MOST_MEMORY or cost.time_cost > _MOST_PASSES or cost.parallelism > _MOST_LANES:
        raise ValueError("its password costs too much to verify")
    return str(value)


def tokens_from_json(value: Any) -> tuple[Token, ...]:
    """Raises KeyError, TypeError."""
    return tuple(Token(*(_text(token[key]) for key in ("id", "label", "sha256", "made"))) for token in value)


def tokens_to_json(tokens: tuple[Token, ...]) -> list[dict[str, str]]:
    return [{"id": t.id, "label": t.label, "sha256": t.sha256, "made": t.made} for t in tokens]


def _code(value: Any) -> Code | None:
    if value is None:
        return None
    until = value["until"]
    return Code(_text(value["text"]), None if until is None else float(until))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value
