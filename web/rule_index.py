"""Which of a person's rules speaks of exactly this thing: what a button beside it has to say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_SPELLED = frozenset({"service", "trackers", "company"})
_KINDS = ("name", "service", "trackers", "company", "category", "everything", "preset")


def scope_key(rule: Mapping[str, Any]) -> tuple[str, str, bool, str | None]:
    """What two rules on the same thing share: kind, value, subtree, device."""
    for kind in _KINDS:
        if value := rule.get(kind):
            if kind == "preset":
                return kind, "", False, rule.get("device")
            return kind, _folded(kind, str(value)), kind == "name" and bool(rule.get("subtree")), rule.get("device")
    return "", "", False, rule.get("device")


class RuleIndex:
    """The rules in force, found by what they speak of. A rule is a JSON object as the resolver gives it."""

    def __init__(self, rules: Iterable[Mapping[str, Any]]) -> None:
        self._all = list(rules)
        self._rules = {scope_key(rule): rule for rule in self._all}

    def __iter__(self) -> Any:
        return iter(self._rules.values())

    def replaced_by(self, rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The rules that a new one with this scope and device would replace, oldest first (see `Rule.replaces`); it has
        an end when it has "seconds".
        """
        gone = [scope_key(rule)]
        if rule.get("subtree"):
            gone.append(scope_key({**rule, "subtree": False}))
        return [
            each for each in self._all if scope_key(each) in gone and not (rule.get("seconds") and not each.get("ends"))
        ]

    def preset(self, device: str | None = None) -> Mapping[str, Any] | None:
        """The preset that was chosen for this device itself, or for everyone."""
        return self._rules.get(("preset", "", False, device))

    def of(
        self, kind: str, value: str | None, device: str | None = None, *, subtree: bool = False
    ) -> Mapping[str, Any] | None:
        """The rule on this name, company or category for this device, else the one for everyone."""
        if not value:
            return None
        for whom in (device, None) if device else (None,):
            if rule := self._rules.get((kind, _folded(kind, value), subtree, whom)):
                return rule
        return None


def _folded(kind: str, value: str) -> str:
    """A service or a company is the same in capitals."""
    return value.casefold() if kind in _SPELLED else value
