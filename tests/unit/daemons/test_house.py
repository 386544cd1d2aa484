"""Which answers a change of the policy may leave prepared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.daemons.house import concerned_by
from gateway.model.event import PolicyChanged
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.tag import UNTAGGED
from gateway.model.verdict import Action
from gateway.policy.compiled import CompiledLists
from gateway.policy.snapshot import Snapshot

NOW = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)


def rule(kind: ScopeKind, value: str, number: int = 1, ends: datetime | None = None) -> Rule:
    return Rule(Action.BLOCK, Scope(kind, value), NOW, "test", None, ends, "", number)


def policy(*rules: Rule, at: datetime = NOW) -> Snapshot:
    return Snapshot(rules, CompiledLists.empty(), lambda name: UNTAGGED, 1, at)


def test_a_rule_on_a_name_concerns_that_name() -> None:
    added = rule(ScopeKind.NAME, "ads.example")
    concerns = concerned_by(PolicyChanged(2, added), policy(), policy(added))
    assert concerns is not None
    assert [name for name in ("ads.example", "x.ads.example", "example") if concerns(name)] == ["ads.example"]


def test_a_rule_on_a_subtree_concerns_all_below_it_also_when_it_goes() -> None:
    gone = rule(ScopeKind.SUBTREE, "ads.example")
    concerns = concerned_by(PolicyChanged(2, gone, removed=True), policy(gone), policy())
    assert concerns is not None
    named = ("ads.example", "x.ads.example", "bads.example", "example")
    assert [name for name in named if concerns(name)] == ["ads.example", "x.ads.example"]


def test_a_rule_that_ended_in_the_same_moment_is_not_forgotten() -> None:
    ended = rule(ScopeKind.NAME, "old.example", 1, NOW + timedelta(seconds=1))
    added = rule(ScopeKind.NAME, "new.example", 2)
    later = NOW + timedelta(seconds=5)
    concerns = concerned_by(PolicyChanged(2, added), policy(ended), policy(ended, added, at=later))
    assert concerns is not None
    assert concerns("old.example")
    assert concerns("new.example")


@pytest.mark.parametrize(
    "wide",
    [
        rule(ScopeKind.COMPANY, "Ads Inc"), rule(ScopeKind.CATEGORY, "acr"), rule(ScopeKind.EVERYTHING, ""),
        rule(ScopeKind.PRESET, "calm"),
    ],
)  # fmt: skip
def test_what_speaks_of_many_names_concerns_any(wide: Rule) -> None:
    assert concerned_by(PolicyChanged(2, wide), policy(), policy(wide)) is None


def test_new_lists_concern_any_name() -> None:
    assert concerned_by(PolicyChanged(2), policy(), policy()) is None
