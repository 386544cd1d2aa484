"""Which of a person's rules speaks of exactly this thing: what a button beside it has to say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_KINDS = ("name", "service", "trackers", "company", "category", "everything", "preset")


def scope_key(rule: Mapping[str, Any]) -> tuple[str, str, bool, str | None]:
    """What two rules share when one replaces the other: kind, value, subtree, device."""
    for kind in _KINDS:
        if value := rule.get(kind):
            if kind == "preset":
                return kind, "", False, rule.get("device")
            return kind, str(value), kind == "name" and bool(rule.get("subtree")), rule.get("device")
    return "", "", False, rule.get("device")


class RuleIndex:
    """The rules in force, found by what they speak of. A rule is a JSON object as the resolver gives it."""

    def __init__(self, rules: Iterable[Mapping[str, Any]]) -> None:
        self._rules = {scope_key(rule): rule for rule in rules}

    def __iter__(self) -> Any:
        return iter(self._rules.values())

    def same_as(self, rule: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The rule that a new one with this scope and device would replace."""
        return self._rules.get(scope_key(rule))

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
            if rule := self._rules.get((kind, value, subtree, whom)):
                return rule
        return None
