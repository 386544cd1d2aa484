"""Words survive the trip through JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.codec import decode_line, encode_line, rule_to_json, scope_from_json, time_to_json
from gateway.errors import Refused
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_a_value_is_one_line_and_comes_back(value: Any) -> None:
    line = encode_line(value)
    assert line.count(b"\n") == 1
    assert decode_line(line) == value


@given(st.binary())
def test_no_bytes_do_more_than_be_refused(line: bytes) -> None:
    try:
        decode_line(line)
    except Refused:
        pass


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Refused):
        decode_line(b"[" * 100_000)


def test_a_time_is_utc_with_a_z() -> None:
    assert time_to_json(datetime(2026, 11, 23, 20, 15, tzinfo=UTC)) == "2026-11-23T20:15:00.000Z"


@pytest.mark.parametrize(
    ("request_", "scope"),
    [
        ({"name": "Ads.Example."}, Scope(ScopeKind.NAME, "ads.example")),
        ({"name": "ads.example", "subtree": True}, Scope(ScopeKind.SUBTREE, "ads.example")),
        ({"name": "*.ads.example"}, Scope(ScopeKind.SUBTREE, "ads.example")),
        ({"company": "Samba TV"}, Scope(ScopeKind.COMPANY, "Samba TV")),
        ({"category": "acr"}, Scope(ScopeKind.CATEGORY, "acr")),
        ({"everything": True}, Scope(ScopeKind.EVERYTHING)),
        ({"preset": "calm"}, Scope(ScopeKind.PRESET, "calm")),
    ],
)
def test_a_rule_says_what_it_speaks_of(request_: dict[str, Any], scope: Scope) -> None:
    assert scope_from_json(request_) == scope
    rule = Rule(Action.BLOCK, scope, datetime(2026, 1, 1, tzinfo=UTC), "test", id=4)
    assert scope_from_json(rule_to_json(rule)) == scope


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({}, "name"),
        ({"name": "a.b", "company": "C"}, "company"),
        ({"name": "."}, "name"),
        ({"name": "a..b"}, "name"),
        ({"name": "a b.example"}, "name"),
        ({"name": "a.example\tb.example", "subtree": True}, "name"),
        ({"name": 7}, "name"),
        ({"name": "a.b", "subtree": "yes"}, "subtree"),
        ({"category": "x" * 2000}, "category"),
    ],
)
def test_a_wrong_scope_names_its_field(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        scope_from_json(request_)
    assert refusal.value.field == field
