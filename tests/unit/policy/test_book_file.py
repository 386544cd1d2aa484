"""People's decisions on disk: what is written comes back, and nothing else is believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.model.book import Book, Subscription
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from gateway.policy.book_file import decode_book, encode_book, load_book, save_book

NOW = datetime(2026, 11, 23, 20, 0, 0, 123456, tzinfo=UTC)
BOOK = Book(
    7,
    12,
    (
        Rule(Action.BLOCK, Scope(ScopeKind.SUBTREE, "ads.example"), NOW, "dashboard", "mac:aa", NOW, "why: ünïcode", 3),
        Rule(Action.ALLOW, Scope(ScopeKind.EVERYTHING), NOW, "command line", id=4),
        Rule(Action.BLOCK, Scope(ScopeKind.PRESET, "quiet"), NOW, "dashboard", "mac:aa", id=6),
    ),
    (Subscription(5, "https://lists.example/a.txt", "A", Action.ALLOW, NOW, False, "c"),),
)


def test_a_book_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    assert load_book(path) is None
    save_book(path, BOOK)
    assert load_book(path) == BOOK
    assert [each.name for each in tmp_path.iterdir()] == ["policy.json"]
    assert path.stat().st_mode & 0o007 == 0


def test_a_file_out_of_reach_is_not_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        load_book(tmp_path)


def test_a_truncated_or_altered_file_is_refused() -> None:
    data = encode_book(BOOK)
    for size in range(len(data) - 2):
        with pytest.raises(ValueError):
            decode_book(data[:size])
    with pytest.raises(ValueError, match="checksum"):
        decode_book(data.replace(b"ads.example", b"adz.example"))


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"[]", b"{}", b"null", b'{"format": 2}', b"[" * 5000, b"\xff\xfe"])
def test_what_is_no_book_is_refused_with_a_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"policy\.json cannot be read"):
        load_book(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("revision", -1), ("revision", True), ("next_id", "7"), ("rules", None), ("rules", [{"id": 1}]), ("lists", [3])],
)
def test_a_checksum_does_not_make_nonsense_true(field: str, value: object) -> None:
    from gateway.policy.book_file import _checksum

    whole = json.loads(encode_book(BOOK))
    whole["book"][field] = value
    whole["checksum"] = _checksum(whole["book"])
    with pytest.raises(ValueError):
        decode_book(json.dumps(whole).encode())
