"""Which answers a change of the policy may leave prepared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.application.answering import concerned_by
from gateway.lists.compiled import CompiledLists
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.tag import UNTAGGED
from gateway.model.verdict import Action
from gateway.policy.presets import Presets
from gateway.policy.snapshot import Snapshot

NOW = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)


def rule(kind: ScopeKind, value: str, number: int = 1, ends: datetime | None = None) -> Rule:
    return Rule(Action.BLOCK, Scope(kind, value), NOW, "test", None, ends, "", number)


LISTS = CompiledLists.empty()


def policy(*rules: Rule, at: datetime = NOW) -> Snapshot:
    return Snapshot(rules, LISTS, lambda name: UNTAGGED, 1, at)


def test_a_rule_on_a_name_concerns_that_name() -> None:
    added = rule(ScopeKind.NAME, "ads.example")
    concern = concerned_by(policy(), policy(added))
    assert concern is not None
    assert [name for name in ("ads.example", "x.ads.example", "example") if concern.has(name)] == ["ads.example"]


def test_a_rule_on_a_subtree_concerns_all_below_it_also_when_it_goes() -> None:
    gone = rule(ScopeKind.SUBTREE, "ads.example")
    concern = concerned_by(policy(gone), policy())
    assert concern is not None
    named = ("ads.example", "x.ads.example", "bads.example", "example")
    assert [name for name in named if concern.has(name)] == ["ads.example", "x.ads.example"]


def test_a_rule_that_ended_in_the_same_moment_is_not_forgotten() -> None:
    ended = rule(ScopeKind.NAME, "old.example", 1, NOW + timedelta(seconds=1))
    added = rule(ScopeKind.NAME, "new.example", 2)
    later = NOW + timedelta(seconds=5)
    concern = concerned_by(policy(ended), policy(ended, added, at=later))
    assert concern is not None
    assert concern.has("old.example")
    assert concern.has("new.example")


@pytest.mark.parametrize(
    "wide",
    [
        rule(ScopeKind.COMPANY, "Ads Inc"), rule(ScopeKind.CATEGORY, "acr"), rule(ScopeKind.EVERYTHING, ""),
        rule(ScopeKind.PRESET, "calm"),
    ],
)  # fmt: skip
def test_what_speaks_of_many_names_concerns_any(wide: Rule) -> None:
    assert concerned_by(policy(), policy(wide)) is None


def test_new_lists_or_devices_concern_any_name() -> None:
    lists = CompiledLists.empty()
    made = Presets(makers=lambda: {"tv": "Samsung"})
    before = Snapshot((), lists, lambda name: UNTAGGED, 1, NOW)
    assert concerned_by(before, Snapshot((), CompiledLists.empty(), lambda name: UNTAGGED, 2, NOW)) is None
    assert concerned_by(before, Snapshot((), lists, lambda name: UNTAGGED, 2, NOW, presets=made)) is None
    concern = concerned_by(before, Snapshot((), lists, lambda name: UNTAGGED, 2, NOW))
    assert concern is not None
    assert not concern.has("any.example")


def test_a_rule_on_the_root_concerns_every_name() -> None:
    concern = concerned_by(policy(), policy(rule(ScopeKind.SUBTREE, "")))
    assert concern is not None
    assert concern.has("any.example")
