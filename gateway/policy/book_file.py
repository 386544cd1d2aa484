"""People's decisions as a file beside the compiled lists, so that DNS starts correctly without a database."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from gateway.errors import SettingsError
from gateway.files import write_atomically
from gateway.model.book import Book, Subscription
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from gateway.schema.texts import Id

FORMAT: Final = 1
_MAX_SIZE: Final = 16 << 20
_Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class _StoredRule(msgspec.Struct, frozen=True):
    id: Id
    action: Action
    scope: ScopeKind
    value: str
    device: str | None
    ends: _Time | None
    made: _Time
    made_by: str
    comment: str


class _StoredList(msgspec.Struct, frozen=True):
    id: Id
    source: str
    title: str
    action: Action
    added: _Time
    enabled: bool
    comment: str


class _StoredBook(msgspec.Struct, frozen=True):
    """What stands in the file under "book"."""

    revision: Id
    next_id: Id
    rules: tuple[_StoredRule, ...]
    lists: tuple[_StoredList, ...]


def encode_book(book: Book) -> bytes:
    """Readable JSON with a checksum, so that a half-written file is distinguished from a whole one."""
    rules = tuple(
        _StoredRule(r.id, r.action, r.scope.kind, r.scope.value, r.device, r.ends, r.made, r.made_by, r.comment)
        for r in book.rules
    )
    lists = tuple(
        _StoredList(each.id, each.source, each.title, each.action, each.added, each.enabled, each.comment)
        for each in book.lists
    )
    content = msgspec.to_builtins(_StoredBook(book.revision, book.next_id, rules, lists))
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
        stored = msgspec.convert(content, _StoredBook)
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError, msgspec.ValidationError) as error:
        raise ValueError("Something is missing in it.") from error
    rules = tuple(_rule(each) for each in stored.rules)
    lists = tuple(
        Subscription(each.id, each.source, each.title, each.action, _utc(each.added), each.enabled, each.comment)
        for each in stored.lists
    )
    return Book(stored.revision, stored.next_id, rules, lists)


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
        raise SettingsError("rules.rules-cannot-read", name=path.name, error=error) from error


def save_book(path: Path, book: Book) -> None:
    """Atomic and forced to the medium. Raises OSError; then the file is as it was."""
    write_atomically(path, [encode_book(book)])


def _checksum(content: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _rule(stored: _StoredRule) -> Rule:
    ends = None if stored.ends is None else _utc(stored.ends)
    scope, made = Scope(stored.scope, stored.value), _utc(stored.made)
    return Rule(stored.action, scope, made, stored.made_by, stored.device, ends, stored.comment, stored.id)


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)
