"""The quick decision against one that writes every statement down and takes the strongest."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.tag import Category, Need, Tag
from gateway.model.verdict import Action, Reason
from gateway.policy.presets import Presets, Ruling
from gateway.policy.snapshot import Snapshot
from tests.support.policy_lists import compile_texts

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
NAMES = ["a", "b.a", "c.b.a", "d.c.b.a", "x.b.a", "z", "y.z"]
DEVICES = ["tv", "phone", "radio", None]
MAKERS = {"tv": "Acme", "phone": "Other"}
names = st.sampled_from(NAMES)

scopes = (
    st.builds(Scope, st.sampled_from([ScopeKind.NAME, ScopeKind.SUBTREE]), names)
    | st.builds(Scope, st.just(ScopeKind.COMPANY), st.sampled_from(["Acme", "Other"]))
    | st.builds(Scope, st.just(ScopeKind.CATEGORY), st.sampled_from(["advertising", "cdn"]))
    | st.just(Scope(ScopeKind.EVERYTHING))
    | st.builds(Scope, st.just(ScopeKind.PRESET), st.sampled_from(["off", "calm", "silent"]))
)
rules = st.lists(
    st.builds(
        Rule,
        st.sampled_from(Action),
        scopes,
        st.just(NOW),
        st.just("test"),
        st.sampled_from(DEVICES),
        st.sampled_from([None, NOW - timedelta(1), NOW, NOW + timedelta(1)]),
    ),
    max_size=8,
).map(lambda made: [Rule(r.action, r.scope, r.made, r.made_by, r.device, r.ends, id=i) for i, r in enumerate(made, 1)])
tags = st.dictionaries(
    names,
    st.builds(
        Tag,
        st.sampled_from(["Acme", "Other", None]),
        st.sampled_from([Category.ADVERTISING, Category.CDN, Category.CONTENT, Category.UNKNOWN]),
        need=st.sampled_from([Need.REQUIRED, Need.UNKNOWN, Need.UNKNOWN]),
    ),
)
entries = st.lists(
    st.tuples(names, st.sampled_from(["exact", "subtree", "below"]), st.sampled_from(Action), st.booleans()), max_size=8
)


def stops(preset: str, name: str, maker: str) -> bool:
    """Calm stops one name, for devices of Acme two; Silent stops most."""
    return name in {"calm": ["z", *(["b.a"] if maker == "Acme" else [])], "silent": NAMES[1:]}[preset]


def is_under(name: str, parent: str) -> bool:
    return name == parent or name.endswith("." + parent)


def reaches(entry: tuple[str, str, Action, bool], name: str) -> bool:
    own, extent, _, _ = entry
    if extent == "exact":
        return name == own
    return is_under(name, own) and (extent == "subtree" or name != own)


def rule_weight(rule: Rule, name: str, tag: Tag, is_target: bool) -> tuple[int, ...] | None:
    """How strongly a rule speaks of the name; None when it does not."""
    hosts = is_target and tag.category in (Category.CDN, Category.CLOUD)
    kind, value = rule.scope.kind, rule.scope.value
    specific = {
        ScopeKind.NAME: (5, 0) if value == name else None,
        ScopeKind.SUBTREE: (4, len(value)) if is_under(name, value) else None,
        ScopeKind.COMPANY: (3, 0) if tag.company == value and not hosts else None,
        ScopeKind.CATEGORY: (2, 0) if tag.category.value == value and not hosts else None,
        ScopeKind.EVERYTHING: (1, 0),
        ScopeKind.PRESET: None,
    }[kind]
    if specific is None:
        return None
    return (rule.device is not None, *specific, rule.ends is not None, rule.id)


def decide_slowly(
    name: str,
    device: str | None,
    rules: list[Rule],
    tag: Tag,
    entries: list[tuple[str, str, Action, bool]],
    *,
    is_target: bool,
) -> tuple[Action, Reason, int | None]:
    live = [r for r in rules if (r.ends is None or r.ends > NOW) and r.device in (None, device)]
    for owner in (device, None):
        everything = [r for r in live if r.scope.kind is ScopeKind.EVERYTHING and r.device == owner]
        if everything:
            top = max(everything, key=lambda r: (r.ends is not None, r.id))
            if top.action is Action.ALLOW:
                return Action.ALLOW, Reason.PAUSED, top.id
            live = [r for r in live if r not in everything or r is top]
    live = [r for r in live if not (r.scope.kind is ScopeKind.EVERYTHING and r.action is Action.ALLOW)]
    speaking = [(weight, r) for r in live if (weight := rule_weight(r, name, tag, is_target)) is not None]
    overlaid = set()
    for _, best in sorted(speaking, key=lambda pair: pair[0], reverse=True):
        spared = best.scope.kind in (ScopeKind.COMPANY, ScopeKind.CATEGORY) and best.action is Action.BLOCK
        if (best.scope, best.device) in overlaid or (spared and tag.need is Need.REQUIRED):
            overlaid.add((best.scope, best.device))
            continue
        return best.action, Reason.DEVICE_RULE if best.device is not None else Reason.RULE, best.id
    if tag.need is Need.REQUIRED:
        return Action.ALLOW, Reason.KEEP_LIST, None
    actions = {entry[2] for entry in entries if entry[3] and reaches(entry, name)}
    allowed = Action.ALLOW in (actions or {entry[2] for entry in entries if reaches(entry, name)})
    chosen = [r for r in live if r.scope.kind is ScopeKind.PRESET]
    if chosen and not allowed:
        preset = max(chosen, key=lambda r: (r.device is not None, r.ends is not None, r.id))
        speaks = tag.category is Category.ADVERTISING or not is_target
        if preset.scope.value != "off" and speaks and stops(preset.scope.value, name, MAKERS.get(device or "", "")):
            return Action.BLOCK, Reason.PRESET, preset.id
    for important in (True, False):
        actions = {entry[2] for entry in entries if entry[3] is important and reaches(entry, name)}
        if Action.ALLOW in actions:
            return Action.ALLOW, Reason.ALLOW_LIST, None
        if actions:
            return Action.BLOCK, Reason.BLOCK_LIST, None
    return Action.ALLOW, Reason.NOTHING, None


def spell(entry: tuple[str, str, Action, bool]) -> str:
    name, extent, action, important = entry
    pattern = {"exact": f"|{name}^", "subtree": f"||{name}^", "below": f"||*.{name}^"}[extent]
    return ("@@" if action is Action.ALLOW else "") + pattern + ("$important" if important else "")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(rules, tags, entries)
def test_the_quick_decision_is_the_slow_one(
    rules: list[Rule], tags: dict[str, Tag], entries: list[tuple[str, str, Action, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(map(spell, entries))
        lists, report = compile_texts(Path(folder), ("L", Action.BLOCK, text))
    assert report.lists[0].entries == len(entries)
    presets = Presets(lambda *said: Ruling(stops(*said[:3])), lambda: MAKERS)
    snapshot = Snapshot(rules, lists, lambda name: tags.get(name, Tag()), 1, NOW, presets=presets)
    for name in NAMES:
        tag = tags.get(name, Tag())
        for device in DEVICES:
            for is_target in (False, True):
                decide = snapshot.decide_target if is_target else snapshot.decide
                quick = decide(name, device)
                slow = decide_slowly(name, device, rules, tag, entries, is_target=is_target)
                assert (quick.action, quick.reason, quick.rule) == slow, (name, device, is_target)
    for one in DEVICES:
        for other in DEVICES:
            if snapshot.profile(one) == snapshot.profile(other):
                assert all(snapshot.decide(name, one) == snapshot.decide(name, other) for name in NAMES)
