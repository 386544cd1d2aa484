"""Which rule speaks of exactly this."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

from gateway.control.codec import rule_to_json
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from web.rule_index import RuleIndex

EVERYONE = {"id": 1, "action": "block", "company": "Roku", "subtree": False, "device": None}
KITCHEN = {"id": 2, "action": "allow", "company": "Roku", "subtree": False, "device": "mac:1"}
BELOW = {"id": 3, "action": "block", "name": "example.com", "subtree": True, "device": None}


def test_the_rule_of_a_device_stands_before_the_one_for_everyone() -> None:
    rule_index = RuleIndex([EVERYONE, KITCHEN])
    assert rule_index.of("company", "Roku", "mac:1") is KITCHEN
    assert rule_index.of("company", "Roku", "mac:2") is EVERYONE
    assert rule_index.of("company", "Roku") is EVERYONE


def test_a_name_and_what_lies_below_it_are_two_things() -> None:
    rule_index = RuleIndex([BELOW])
    assert rule_index.of("name", "example.com") is None
    assert rule_index.of("name", "example.com", subtree=True) is BELOW
    assert rule_index.of("name", None) is None


def test_a_new_rule_replaces_the_one_with_its_scope_and_device() -> None:
    rule_index = RuleIndex([EVERYONE, KITCHEN, BELOW])
    assert rule_index.replaced_by({"action": "allow", "company": "roku", "device": None}) == [EVERYONE]
    assert rule_index.of("company", "ROKU") is EVERYONE
    assert rule_index.replaced_by({"name": "example.com", "subtree": True}) == [BELOW]
    assert rule_index.replaced_by({"name": "example.com"}) == []
    assert {rule["id"] for rule in rule_index} == {1, 2, 3}


def test_there_is_one_preset_for_everyone_and_one_for_each_device() -> None:
    calm = {"id": 4, "action": "block", "preset": "calm", "subtree": False, "device": None}
    off = {"id": 5, "action": "allow", "preset": "off", "subtree": False, "device": "mac:1"}
    rule_index = RuleIndex([calm, off, EVERYONE])
    assert (rule_index.preset(), rule_index.preset("mac:1"), rule_index.preset("mac:2")) == (calm, off, None)
    assert rule_index.replaced_by({"preset": "silent", "device": None}) == [calm]


SCOPES = [
    Scope(ScopeKind.NAME, "a.example"), Scope(ScopeKind.SUBTREE, "a.example"), Scope(ScopeKind.NAME, "b.example"),
    Scope(ScopeKind.SERVICE, "Player"), Scope(ScopeKind.SERVICE, "player"), Scope(ScopeKind.TRACKERS, "Player"),
    Scope(ScopeKind.COMPANY, "Player"), Scope(ScopeKind.CATEGORY, "advertising"), Scope(ScopeKind.PRESET, "calm"),
    Scope(ScopeKind.PRESET, "quiet"),
]  # fmt: skip


def test_the_rules_that_would_go_are_those_that_the_resolver_takes_out() -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    rules = [
        Rule(Action.BLOCK, scope, now, "dashboard", device, ends, id=number)
        for number, (scope, device, ends) in enumerate(
            product(SCOPES, [None, "mac:1"], [None, now + timedelta(hours=1)]), 1
        )
    ]
    rule_index = RuleIndex(map(rule_to_json, rules))
    for new in rules:
        asked = {**rule_to_json(new), "seconds": 60 if new.ends else None}
        assert [each["id"] for each in rule_index.replaced_by(asked)] == [old.id for old in rules if new.replaces(old)]
