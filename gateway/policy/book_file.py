"""People's decisions as a file beside the compiled lists, so that DNS starts correctly without a database."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gateway.errors import SettingsError
from gateway.files import write_atomically
from gateway.model.book import Book, Subscription
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action

FORMAT: Final = 1
_MAX_SIZE: Final = 16 << 20


def encode_book(book: Book) -> bytes:
    """Readable JSON with a checksum, so that a half-written file is told from a whole one."""
    content = {
        "revision": book.revision,
        "next_id": book.next_id,
        "rules": [_rule_to(rule) for rule in book.rules],
        "lists": [_list_to(each) for each in book.lists],
    }
    text = json.dumps({"format": FORMAT, "checksum": _checksum(content), "book": content}, indent=1)
    return text.encode() + b"\n"


def decode_book(data: bytes) -> Book:
    """The inverse of `encode_book`. Raises ValueError for anything it has not written."""
    try:
        whole = json.loads(data)
        if whole["format"] != FORMAT:
            raise ValueError("It was written by another version.")
        content = whole["book"]
        if whole["checksum"] != _checksum(content):
            raise ValueError("Its checksum is wrong.")
        book = Book(
            _number(content["revision"]),
            _number(content["next_id"]),
            tuple(_rule_from(fields) for fields in content["rules"]),
            tuple(_list_from(fields) for fields in content["lists"]),
        )
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError("Something is missing in it.") from error
    return book


def load_book(path: Path) -> Book | None:
    """The stored book, None when there is no file yet. Raises SettingsError when there is one that is broken, OSError
    when it cannot be read for the moment: then nobody knows what is in it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SIZE + 1)
        if len(data) > _MAX_SIZE:
            raise ValueError("It is too large.")
        return decode_book(data)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SettingsError(f"The rules in {path.name} cannot be read: {error}") from error


def save_book(path: Path, book: Book) -> None:
    """Atomic and forced to the medium. Raises OSError; then the file is as it was."""
    write_atomically(path, [encode_book(book)])


def _checksum(content: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _rule_to(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "action": rule.action.value,
        "scope": rule.scope.kind.value,
        "value": rule.scope.value,
        "device": rule.device,
        "ends": _time_to(rule.ends) if rule.ends else None,
        "made": _time_to(rule.made),
        "made_by": rule.made_by,
        "comment": rule.comment,
    }


def _rule_from(fields: Mapping[str, Any]) -> Rule:
    return Rule(
        action=Action(fields["action"]),
        scope=Scope(ScopeKind(fields["scope"]), _text(fields["value"])),
        made=_time_from(fields["made"]),
        made_by=_text(fields["made_by"]),
        device=None if fields["device"] is None else _text(fields["device"]),
        ends=None if fields["ends"] is None else _time_from(fields["ends"]),
        comment=_text(fields["comment"]),
        id=_number(fields["id"]),
    )


def _list_to(each: Subscription) -> dict[str, Any]:
    return {
        "id": each.id,
        "source": each.source,
        "title": each.title,
        "action": each.action.value,
        "added": _time_to(each.added),
        "enabled": each.enabled,
        "comment": each.comment,
    }


def _list_from(fields: Mapping[str, Any]) -> Subscription:
    return Subscription(
        id=_number(fields["id"]),
        source=_text(fields["source"]),
        title=_text(fields["title"]),
        action=Action(fields["action"]),
        added=_time_from(fields["added"]),
        enabled=bool(fields["enabled"]),
        comment=_text(fields["comment"]),
    )


def _time_to(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _time_from(text: object) -> datetime:
    time = datetime.fromisoformat(_text(text))
    if time.tzinfo is None:
        raise ValueError("A time in it has no zone.")
    return time.astimezone(UTC)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("not a number")
    return value
