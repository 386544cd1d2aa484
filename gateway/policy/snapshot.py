"""Everything that is in force at one moment, as a value that decides.

Strongest first: a pause, a rule for this device, a rule for everyone, the keep-list of names that a television cannot
do without, allow lists, presets, block lists. Among equals the more specific one: exact name, longer subtree, shorter
subtree, what watches in a service, the service, what watches at a company, the company, category, everything; and of
two rules on the same thing the one with an end, which lies over the other for a while, then the newer one.

A preset is a choice made wholesale, by somebody who has not read its names: so whatever speaks of a name in particular
is stronger, be it a rule or an allow list. A device's own preset, or its own "off", counts instead of everyone's.
Before a block list it only says the reason, for a person chose it; both block.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

from gateway.model.effect import Effect
from gateway.model.listed import Lists
from gateway.model.name import ancestors
from gateway.model.rule import PRESET_OFF, Rule, ScopeKind
from gateway.model.tag import Category, Need, Tag
from gateway.model.verdict import ALLOWED, KEPT, Action, Reason, Verdict
from gateway.policy.presets import LEFT_ALONE, Presets, Ruling

MEMO_LIMIT: Final = 4_000

# Profile, name, type where a list tells types apart, and whether somebody was led to the name.
_Key: TypeAlias = tuple[Hashable, str, int, bool]
# A member of an enum costs a look-up each time.
_REQUIRED: Final = Need.REQUIRED
_HOSTING: Final = frozenset({Category.CDN, Category.CLOUD})
_SWEEPING: Final = frozenset({ScopeKind.SERVICE, ScopeKind.TRACKERS, ScopeKind.COMPANY, ScopeKind.CATEGORY})
_SPELLED: Final = frozenset({ScopeKind.SERVICE, ScopeKind.TRACKERS, ScopeKind.COMPANY})


class RuleBook:
    """The rules for one device, or those for everyone, ready to be looked up."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_scope: dict[tuple[ScopeKind, str], Rule] = {}
        for rule in sorted(rules, key=lambda rule: (rule.ends is not None, rule.id)):
            self._by_scope[rule.scope.kind, _key(rule)] = rule
        self._kinds = {kind for kind, _ in self._by_scope}
        self._silent = self._kinds <= {ScopeKind.PRESET}

    @property
    def pause(self) -> Rule | None:
        """The rule that allows everything, when there is one."""
        rule = self._by_scope.get((ScopeKind.EVERYTHING, ""))
        return rule if rule is not None and rule.action is Action.ALLOW else None

    @property
    def preset(self) -> Rule | None:
        """The preset that was chosen here, be it off."""
        return self._by_scope.get((ScopeKind.PRESET, ""))

    def find(self, name: str, tag: Tag, *, is_target: bool) -> Rule | None:
        """The rule that decides about the name; a pause is none.

        Who blocks a whole company or category has not read what a television loses with each of its names, so such a
        rule spares those that it cannot do without.
        """
        if self._silent:
            return None
        for rule in self.speaking(name, tag, is_target=is_target):
            sweeps = rule.scope.kind in _SWEEPING and rule.action is Action.BLOCK
            if not (sweeps and tag.need is Need.REQUIRED):
                return rule
        return None

    def speaking(self, name: str, tag: Tag, *, is_target: bool) -> Iterator[Rule]:
        """Every rule that speaks of the name, the strongest first; a pause is none."""
        by_scope, kinds = self._by_scope, self._kinds
        if ScopeKind.NAME in kinds and (rule := by_scope.get((ScopeKind.NAME, name))):
            yield rule
        if ScopeKind.SUBTREE in kinds:
            for parent in ancestors(name):
                if rule := by_scope.get((ScopeKind.SUBTREE, parent)):
                    yield rule
        if not kinds.isdisjoint(_SWEEPING) and not (is_target and tag.category in _HOSTING):
            for owner, whole in ((tag.service, ScopeKind.SERVICE), (tag.company, ScopeKind.COMPANY)):
                folded = owner.casefold() if owner else ""
                if folded and tag.category.tracks and (rule := by_scope.get((ScopeKind.TRACKERS, folded))):
                    yield rule
                if folded and (rule := by_scope.get((whole, folded))):
                    yield rule
            if rule := by_scope.get((ScopeKind.CATEGORY, tag.category.value)):
                yield rule
        rule = by_scope.get((ScopeKind.EVERYTHING, ""))
        if rule is not None and rule.action is Action.BLOCK:
            yield rule


class Snapshot:
    """Implements gateway.model.policy.Policy. Rules that are over at `now` are left out; it never looks at a clock.

    Where a preset is in force, the first lookup of a service's own name notes that the service is used on the device,
    which leaves open what the service needs: the one thing that changes while a snapshot is in force, and the profile
    of the device with it. Verdicts are remembered, at most `memo_limit` of them.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        compiled: Lists,
        tag_of: Callable[[str], Tag],
        generation: int,
        now: datetime,
        *,
        presets: Presets = Presets(),  # noqa: B008 - frozen, and of a home without presets
        memo_limit: int = MEMO_LIMIT,
    ) -> None:
        self.rules = tuple(rule for rule in rules if not rule.is_over(now))
        self._generation = generation
        self._compiled = compiled
        self._tag_of = tag_of
        self._rule_on, self._usage = presets.rule_on, presets.usage
        self.makers = dict(presets.makers())
        self._memo: dict[_Key, Verdict] = {}
        self._memo_limit = memo_limit
        by_device: dict[str | None, list[Rule]] = {}
        for rule in self.rules:
            by_device.setdefault(rule.device, []).append(rule)
        self._everyone = RuleBook(by_device.pop(None, ()))
        self._devices: dict[str | None, RuleBook] = {id_: RuleBook(own) for id_, own in by_device.items()}
        self._pause, self._preset = self._everyone.pause, self._everyone.preset
        self._simple = self._preset is None
        self._unchosen = all(rule.scope.kind is not ScopeKind.PRESET for rule in self.rules)
        self._types_named = compiled.types_named

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def effect(self) -> Effect:
        """See Policy."""
        if self._pause:
            return Effect.PAUSED
        return Effect.BLOCKS if self.blocks else Effect.NOTHING

    @property
    def blocks(self) -> bool:
        """Whether any rule, preset or list is there that could block something."""
        return len(self._compiled) > 0 or any(rule.action is Action.BLOCK for rule in self.rules)

    def stands_on_the_same(self, other: Snapshot) -> bool:
        """Whether the two differ in their rules alone, not in their lists or in whose the devices are."""
        return self._compiled is other._compiled and self.makers == other.makers

    @property
    def next_end(self) -> datetime | None:
        """When the first of the timed rules is over."""
        return min((rule.ends for rule in self.rules if rule.ends is not None), default=None)

    def profile(self, device: str | None) -> Hashable:
        """See Policy: the device itself when it has rules of its own; else its maker while everyone has a preset, for
        that sees names from the maker's side; else None. Where a preset is in force, also the services in use; of whom
        nobody knows which device it is, nothing is known, so that no device may get the answers that it gets.
        """
        if device in self._devices:
            return (device, self._usage.state(device)) if self.preset_of(device) else device
        if self._preset is None:
            return None
        return ("nobody",) if device is None else ("maker", self._maker_of(device), self._usage.state(device))

    def decide(self, name: str, device: str | None, qtype: int = 1) -> Verdict:
        """See Policy."""
        # For every miss, twice: `_remember` and `profile` in a line each.
        profile = None if self._simple and device not in self._devices else self.profile(device)
        key = (profile, name, qtype if qtype in self._types_named else 0, False)
        return self._memo.get(key) or self._remember(key, device, qtype)

    def decide_target(self, target: str, device: str | None, qtype: int = 1) -> Verdict:
        """See Policy; a verdict for which there is a reason carries the target as `via`."""
        key = (self.profile(device), target, qtype if qtype in self._types_named else 0, True)
        return self._memo.get(key) or self._remember(key, device, qtype)

    def foresee(self, name: str, device: str | None, qtype: int = 1, *, is_target: bool = False) -> Verdict:
        """See Policy. From any thread, so nothing is remembered."""
        known = self._memo.get((self.profile(device), name, qtype if qtype in self._types_named else 0, is_target))
        return known or self._verdict(name, device, qtype, is_target)

    def _remember(self, key: _Key, device: str | None, qtype: int) -> Verdict:
        _, name, kind, is_target = key
        verdict = self._verdict(name, device, qtype, is_target)
        if not (self._unchosen or self._is_settled(name, device, verdict, is_target)):
            key = (self.profile(device), name, kind, is_target)
            verdict = self._verdict(name, device, qtype, is_target)
        if verdict.passing:
            return verdict
        if len(self._memo) >= self._memo_limit:
            self._memo.clear()
        self._memo[key] = verdict
        return verdict

    def _is_settled(self, name: str, device: str | None, verdict: Verdict, is_target: bool) -> bool:
        """False when more is known of the device by this very lookup, so that the verdict may be another one."""
        if self.preset_of(device) is None:
            return True
        if verdict.passing:
            return not self._usage.refresh(device)
        return verdict.blocked or is_target or not self._usage.note(device, name)

    def _verdict(self, name: str, device: str | None, qtype: int, is_target: bool) -> Verdict:
        verdict = self._decide(name, device, qtype, is_target)
        return replace(verdict, via=name) if is_target and verdict.reason is not Reason.NOTHING else verdict

    def _decide(self, name: str, device: str | None, qtype: int, is_target: bool) -> Verdict:
        own = self._devices.get(device)
        listed = self._compiled.match(name, qtype)
        titles = listed.lists if listed else ()
        pause = (own and own.pause) or self._pause
        if pause:
            return _verdict_of(pause, Reason.PAUSED, titles)
        tag = self._tag_of(name)
        if own and (rule := own.find(name, tag, is_target=is_target)):
            return _verdict_of(rule, Reason.DEVICE_RULE, titles)
        if rule := self._everyone.find(name, tag, is_target=is_target):
            return _verdict_of(rule, Reason.RULE, titles)
        if tag.need is _REQUIRED:
            return Verdict(Action.ALLOW, Reason.KEEP_LIST, tag.rule or name, lists=titles)
        if listed is not None and listed.action is Action.ALLOW:
            return Verdict(Action.ALLOW, Reason.ALLOW_LIST, listed.matched, lists=titles)
        if self._unchosen:
            preset, ruling = None, LEFT_ALONE
        else:
            preset, ruling = self._preset_on(name, device, tag, is_target)
        if preset is not None and ruling.blocks:
            value, category = preset.scope.value, tag.category.value
            return Verdict(
                Action.BLOCK, Reason.PRESET, value, rule=preset.id, lists=titles, category=category,
                passing=ruling.depends and not listed,
            )  # fmt: skip
        if listed:
            return Verdict(Action.BLOCK, Reason.BLOCK_LIST, listed.matched, lists=titles)
        if ruling.needed_by:
            return Verdict(Action.ALLOW, Reason.NEEDED, ", ".join(ruling.needed_by))
        return KEPT if ruling.kept else ALLOWED

    def preset_of(self, device: str | None) -> Rule | None:
        """The preset in force for the device; None when there is none, or off."""
        own = self._devices.get(device)
        preset = (own and own.preset) or self._preset
        return preset if preset is not None and preset.scope.value != PRESET_OFF else None

    def _preset_on(self, name: str, device: str | None, tag: Tag, is_target: bool) -> tuple[Rule | None, Ruling]:
        """The preset in force for this device, and what it says of the name. Of where a name leads to, a preset only
        stops what is known to watch: that the name itself may be contacted was decided before.
        """
        preset = self.preset_of(device)
        if preset is None or (is_target and not tag.category.tracks):
            return None, LEFT_ALONE
        return preset, self._rule_on(preset.scope.value, name, self._maker_of(device), self._usage.of(device))

    def _maker_of(self, device: str | None) -> str:
        return "" if device is None else self.makers.get(device, "")

    def rules_on(self, name: str, device: str | None) -> tuple[Rule, ...]:
        """Every rule that speaks of the name when this device asks for it, strongest first."""
        books = [self._devices[device]] if device in self._devices else []
        books.append(self._everyone)
        pauses = [book.pause for book in books if book.pause]
        tag = self._tag_of(name)
        preset, ruling = self._preset_on(name, device, tag, False)
        named = (rule for book in books for rule in book.speaking(name, tag, is_target=False))
        # A service and its company may bear one name; then what watches there is one rule.
        return tuple(dict.fromkeys((*pauses, *named, *([preset] if preset and ruling.blocks else []))))


def _key(rule: Rule) -> str:
    if rule.scope.kind is ScopeKind.PRESET:
        return ""
    return rule.scope.value.casefold() if rule.scope.kind in _SPELLED else rule.scope.value


def _verdict_of(rule: Rule, reason: Reason, lists: tuple[str, ...]) -> Verdict:
    kind, value = rule.scope.kind, rule.scope.value
    return Verdict(
        rule.action,
        reason,
        describe_scope(kind, value),
        rule=rule.id,
        lists=lists,
        company=value if kind is ScopeKind.COMPANY else None,
        category=value if kind is ScopeKind.CATEGORY else None,
    )


def describe_scope(kind: ScopeKind, value: str) -> str:
    """ "x.org", "||x.org^" for a subtree, the company's or category's own words, or "everything"."""
    if kind is ScopeKind.TRACKERS:
        return f"trackers of {value}"
    if kind is ScopeKind.SUBTREE:
        return f"||{value}^"
    return value or "everything"
