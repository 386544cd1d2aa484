"""What a person may ask of the policy: each function returns the clean value or says, per field, what to do."""

from __future__ import annotations

import os.path
import unicodedata
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from gateway.errors import Refused
from gateway.model.name import Name
from gateway.model.rule import PRESET_OFF, PRESETS, Scope, ScopeKind
from gateway.model.tag import Category
from gateway.model.verdict import Action
from gateway.schema.texts import MAX_COMMENT, MAX_SECONDS, MAX_SOURCE, MAX_TITLE, MAX_WORD

MAX_RULES: Final = 10_000
MAX_LISTS: Final = 200
_OWNERS: Final = {
    ScopeKind.SERVICE: "Give the name of the service.",
    ScopeKind.TRACKERS: "Give the name of the service or the company.",
    ScopeKind.COMPANY: "Give the name of the company.",
}


def action_of(action: object) -> Action:
    """An Action, or its word."""
    try:
        return Action(action)
    except ValueError:
        raise Refused("rules.action-either-block", "action") from None


def scope_of(scope: Scope) -> Scope:
    """The scope with its value in canonical spelling."""
    kind, value = scope.kind, scope.value
    if kind in (ScopeKind.NAME, ScopeKind.SUBTREE):
        return Scope(kind, name_of(value))
    if kind in _OWNERS:
        return Scope(kind, _words(value, kind.value, MAX_WORD, _OWNERS[kind]))
    if kind is ScopeKind.CATEGORY:
        try:
            return Scope(kind, Category(value).value)
        except ValueError:
            known = ", ".join(category.value for category in Category)
            raise Refused("rules.category", "category", known=known) from None
    if kind is ScopeKind.PRESET:
        if value not in (*PRESETS, PRESET_OFF):
            raise Refused("rules.preset", "preset", join=f"{', '.join((PRESET_OFF, *PRESETS))}")
        return scope
    if value:
        raise Refused("rules.rule-everything-no", "name")
    return scope


def action_on(scope: Scope, action: object) -> Action:
    """The action of a rule with this scope: a preset blocks, and its absence allows."""
    if scope.kind is not ScopeKind.PRESET:
        return action_of(action)
    if scope.value == PRESET_OFF:
        return Action.ALLOW
    if action_of(action) is Action.ALLOW:
        raise Refused("rules.preset-blocks-preset", "action")
    return Action.BLOCK


def name_of(text: object) -> str:
    """A domain name in canonical spelling."""
    if not isinstance(text, str) or len(text) > 1024:
        raise Refused("rules.domain-name-most", "name")
    try:
        name = Name.typed(text).text
    except ValueError as error:
        raise Refused.saying(str(error), "name") from None
    if not name:
        raise Refused("rules.give-domain-name", "name")
    if any(char.isspace() or not char.isprintable() or char in "/:@*" for char in text.strip()):
        raise Refused("rules.give-only-domain", "name")
    return name


def end_of(seconds: object, now: datetime) -> datetime | None:
    """When a rule made now is over; None stands for ever."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= MAX_SECONDS:
        raise Refused("rules.seconds-lie-between", "seconds")
    return now + timedelta(seconds=seconds)


def device_of(device: object) -> str | None:
    """A device id, or None for everyone."""
    return None if device is None else _words(device, "device", MAX_WORD, "Give the id of a device, or none at all.")


def comment_of(comment: object) -> str:
    """Free text of bounded length."""
    return _words(comment, "comment", MAX_COMMENT) if comment else ""


def maker_of(made_by: object) -> str:
    """Who made a rule."""
    return _words(made_by, "made_by", MAX_WORD, "Say who makes the rule.")


def title_of(title: object) -> str:
    """What people see for a list, "" to take its own title."""
    return _words(title, "title", MAX_TITLE) if title else ""


def source_of(source: object) -> str:
    """An http(s) URL without a password, or an absolute path."""
    hint = "Give an https:// address or an absolute path of a list."
    text = _words(source, "source", MAX_SOURCE, hint)
    if text.startswith("/"):
        if os.path.normpath(text) != text or text.startswith("//"):
            raise Refused("rules.give-path-without", "source")
        return text
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or " " in text:
        raise Refused.saying(hint, "source")
    if parts.username is not None or parts.password is not None:
        raise Refused("rules.leave-user-name", "source")
    return text


def _words(text: object, field: str, limit: int, hint: str = "") -> str:
    if not isinstance(text, str):
        raise Refused.saying(hint or "Give text.", field)
    text = text.strip()
    if hint and not text:
        raise Refused.saying(hint, field)
    if len(text) > limit:
        raise Refused("rules.longer-than-characters", field, limit=limit)
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text):
        raise Refused("rules.leave-out-control", field)
    return text
