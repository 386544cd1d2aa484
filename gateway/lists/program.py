"""Regular expressions as one nondeterministic automaton: a node a step, and which nodes follow which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, cast

from gateway.lists.regex import MAX_NODES, Chars, Tree, Unsupported

CHAR, SPLIT, START, END, MATCH = range(5)
_MAX_WORK: Final = 4000


class Closure(NamedTuple):
    """Nodes that wait for a character, and the indexes of expressions that have matched already."""

    waiting: frozenset[int]
    matched: frozenset[int]


class PatternProgram:
    """`nodes[i]` is (kind, argument, next, other next); `firsts` and `ranges` have a node and the nodes of each
    expression.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple[int, object, int, int]] = []
        self.firsts: list[int] = []
        self.ranges: list[range] = []
        self._work = self._limit = 0

    def add(self, tree: Tree) -> None:
        """Adds an expression. Raises Unsupported when it is too large."""
        began = len(self.nodes)
        self._work, self._limit = 0, began + MAX_NODES
        self.firsts.append(self._build(tree, self._node(MATCH, len(self.firsts), -1, -1)))
        self.ranges.append(range(began, len(self.nodes)))

    def _node(self, kind: int, argument: object, then: int, other: int) -> int:
        self.nodes.append((kind, argument, then, other))
        if len(self.nodes) > self._limit:
            raise Unsupported("Its regular expression is too large.")
        return len(self.nodes) - 1

    def _build(self, tree: Tree, then: int) -> int:
        self._work += 1
        if self._work > _MAX_WORK:
            raise Unsupported("Its regular expression is too large.")
        kind = tree[0]
        if kind == "char":
            return self._node(CHAR, tree[1], then, -1)
        if kind in ("start", "end"):
            return self._node(START if kind == "start" else END, None, then, -1)
        if kind == "all":
            for part in reversed(tree[1:]):
                then = self._build(cast(Tree, part), then)
            return then
        if kind == "any":
            firsts = [self._build(cast(Tree, part), then) for part in tree[1:]]
            first = firsts.pop()
            while firsts:
                first = self._node(SPLIT, None, firsts.pop(), first)
            return first
        return self._build_times(cast(Tree, tree[1]), cast(int, tree[2]), cast("int | None", tree[3]), then)

    def _build_times(self, body: Tree, low: int, high: int | None, then: int) -> int:
        if high is None:
            loop = self._node(SPLIT, None, then, then)
            self.nodes[loop] = (SPLIT, None, self._build(body, loop), then)
            then = loop
        else:
            after = then
            for _ in range(high - low):
                then = self._node(SPLIT, None, self._build(body, then), after)
        for _ in range(low):
            then = self._build(body, then)
        return then

    def chars(self, node: int) -> Chars | None:
        """What a node takes, None when it takes no character."""
        kind, argument, _, _ = self.nodes[node]
        return cast(Chars, argument) if kind == CHAR else None

    def closure(self, nodes: Iterable[int], *, start: bool = False, end: bool = False) -> Closure:
        """Where one can be without taking a character, at the `start` or the `end` of the text or in its middle."""
        seen: set[int] = set()
        waiting: set[int] = set()
        matched: set[int] = set()
        stack = list(nodes)
        while stack:
            i = stack.pop()
            if i in seen:
                continue
            seen.add(i)
            kind, argument, then, other = self.nodes[i]
            if kind == CHAR:
                waiting.add(i)
            elif kind == MATCH:
                matched.add(cast(int, argument))
            elif kind == SPLIT:
                stack += (then, other)
            elif start if kind == START else end:
                stack.append(then)
        return Closure(frozenset(waiting), frozenset(matched))
