"""What a person may ask, and the field that is named when it is not possible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.errors import Refused
from gateway.model.rule import Scope, ScopeKind
from gateway.policy import validation

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ads.Example.", "ads.example"),
        (" roku.com ", "roku.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("_tcp.example", "_tcp.example"),
        ("zip", "zip"),
    ],
)
def test_a_name_is_taken_in_its_canonical_spelling(text: str, name: str) -> None:
    assert validation.name_of(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        "a" * 64 + ".org",
        "a." * 200,
        "x" * 5000,
        "https://a.org/",
        "a.org/x",
        "*.a.org",
        "a b.org",
        None,
        7,
        "a\nb.org",
        "a\x00.org",
        "me@a.org",
        "a.org:53",
    ],
)
def test_what_is_no_name_is_refused(text: object) -> None:
    with pytest.raises(Refused) as caught:
        validation.name_of(text)
    assert caught.value.field == "name"


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        (ScopeKind.NAME, "a..b", "name"),
        (ScopeKind.SUBTREE, "", "name"),
        (ScopeKind.COMPANY, "", "company"),
        (ScopeKind.COMPANY, "x" * 121, "company"),
        (ScopeKind.COMPANY, "evil\u202e", "company"),
        (ScopeKind.CATEGORY, "nonsense", "category"),
        (ScopeKind.EVERYTHING, "x", "name"),
    ],
)
def test_a_scope_that_makes_no_sense_is_refused(kind: ScopeKind, value: str, field: str) -> None:
    with pytest.raises(Refused) as caught:
        validation.scope_of(Scope(kind, value))
    assert caught.value.field == field


def test_a_scope_is_made_canonical() -> None:
    assert validation.scope_of(Scope(ScopeKind.SUBTREE, "Ads.Example.")) == Scope(ScopeKind.SUBTREE, "ads.example")
    assert validation.scope_of(Scope(ScopeKind.COMPANY, " Samba TV ")) == Scope(ScopeKind.COMPANY, "Samba TV")
    assert validation.scope_of(Scope(ScopeKind.CATEGORY, "acr")) == Scope(ScopeKind.CATEGORY, "acr")


def test_seconds_lie_between_one_and_a_year() -> None:
    assert validation.end_of(None, NOW) is None
    assert validation.end_of(1, NOW) == NOW + timedelta(seconds=1)
    assert validation.end_of(365 * 86400, NOW) == NOW + timedelta(days=365)
    bad: list[Any] = [0, -5, 0.5, 366 * 86400 + 1, float("nan"), float("inf"), True, "60"]
    for seconds in bad:
        with pytest.raises(Refused) as caught:
            validation.end_of(seconds, NOW)
        assert caught.value.field == "seconds"


def test_an_action_is_block_or_allow() -> None:
    assert validation.action_of("block") is validation.action_of(validation.action_of("block"))
    for action in ("deny", "", None, 3):
        with pytest.raises(Refused) as caught:
            validation.action_of(action)
        assert caught.value.field == "action"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "list.txt",
        "file:///etc/passwd",
        "ftp://a.example/x",
        "https://",
        "https://user:secret@a.example/",
        "http://a.example:99999/",
        "http://[::1",
        "/var/../etc/passwd",
        "//etc/passwd",
        "https://a.example/ b",
        "https://a.example/\r\nHost: b",
        "https://a.example/" + "x" * 3000,
        None,
    ],
)
def test_a_source_that_we_would_not_fetch_is_refused(source: object) -> None:
    with pytest.raises(Refused) as caught:
        validation.source_of(source)
    assert caught.value.field == "source"


def test_sources_are_web_addresses_or_absolute_paths() -> None:
    for source in ("https://a.example/list.txt", "http://a.example:8080/l?x=1", "/srv/lists/own.txt"):
        assert validation.source_of(source) == source


def test_texts_are_bounded_and_printable() -> None:
    assert validation.comment_of("") == validation.comment_of(None) == ""
    for check, field, text in (
        (validation.comment_of, "comment", "x" * 501),
        (validation.comment_of, "comment", "a\nb"),
        (validation.title_of, "title", "x" * 121),
        (validation.maker_of, "made_by", ""),
        (validation.device_of, "device", ""),
        (validation.device_of, "device", 5),
    ):
        with pytest.raises(Refused) as caught:
            check(text)
        assert caught.value.field == field
