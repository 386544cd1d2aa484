"""From a name to the rule that speaks of it."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.classifier.fact import Fact
from gateway.classifier.pattern import Kind, Pattern
from gateway.model.name import ancestors


class Index:
    """An exact name beats a regular expression, which beats a subtree; the longest of several subtrees wins."""

    def __init__(self) -> None:
        self._exact: dict[str, Fact] = {}
        self._subtrees: dict[str, Fact] = {}
        self._regexes: dict[str, list[tuple[Pattern, Fact]]] = {}
        self._domains: set[str] = set()

    def add(self, pattern: Pattern, fact: Fact) -> None:
        """Raises ValueError when this very pattern is there already."""
        if pattern.kind is not Kind.EXACT:
            self._domains.add(pattern.domain)
        if pattern.kind is Kind.REGEX:
            rules = self._regexes.setdefault(pattern.domain, [])
            if any(other.text == pattern.text for other, _ in rules):
                raise ValueError(f"{pattern.text} stands in two rules; keep one of them.")
            rules.append((pattern, fact))
            return
        table = self._exact if pattern.kind is Kind.EXACT else self._subtrees
        if pattern.domain in table:
            raise ValueError(f"{pattern.text} stands in two rules; keep one of them.")
        table[pattern.domain] = fact

    def find(self, name: str) -> tuple[str, Fact] | None:
        """The pattern's text and what it says about this canonical name, or None."""
        fact = self._exact.get(name)
        if fact is not None:
            return name, fact
        if not self.speaks_below(name):
            return None
        below: tuple[str, Fact] | None = None
        for parent in ancestors(name):
            for pattern, candidate in self._regexes.get(parent, ()):
                if pattern.matches(name):
                    return pattern.text, candidate
            if below is None and (fact := self._subtrees.get(parent)) is not None:
                below = "." + parent, fact
        return below

    def speaks_below(self, name: str) -> bool:
        """False when no rule is about names at or below this one, or at or below one of its parents."""
        # Nearly every name of the world stops here: no generator, no call. An escaped dot only makes it look further.
        domains, dot = self._domains, -1
        while True:
            if name[dot + 1 :] in domains:
                return True
            dot = name.find(".", dot + 1)
            if dot < 0:
                return False

    def names(self, name: str) -> bool:
        """True when a rule is about this very canonical name, or about names below it."""
        return name in self._exact or name in self._domains

    def __len__(self) -> int:
        return len(self._exact) + len(self._subtrees) + sum(map(len, self._regexes.values()))

    def items(self) -> Iterator[tuple[str, str, Fact]]:
        """(pattern, domain, fact) of every rule."""
        for domain, fact in self._exact.items():
            yield domain, domain, fact
        for domain, fact in self._subtrees.items():
            yield "." + domain, domain, fact
        for domain, rules in self._regexes.items():
            for pattern, fact in rules:
                yield pattern.text, domain, fact
