"""Many regular expressions matched at once in one pass over a name, whatever their authors wrote.

A hostile list can make a backtracking matcher run for hours on one name. Here the time is bounded by the length of
the name times the number of positions of all expressions, and the states that real names reach are remembered, so
that the usual cost is one dictionary hit per character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from gateway.lists.regex import MAX_NODES, Chars, Tree, Unsupported, parse_regex

MAX_POSITIONS: Final = 4096
_MAX_STATES: Final = 2000
_MAX_WORK: Final = 4000
_PROBES: Final = ("q", "zq7-xv.invalid", "w.k3v9x.example", "0.9-8.test")

_CHAR, _SPLIT, _START, _END, _MATCH = range(5)
_State = frozenset[int]


class _Program:
    """Nodes of one or more expressions; `nodes[i]` is (kind, argument, next, other next)."""

    def __init__(self) -> None:
        self.nodes: list[tuple[int, object, int, int]] = []
        self._work = self._limit = 0

    def add(self, tree: Tree, index: int) -> int:
        """Compiles a tree so that it ends in a match of `index`; returns its first node."""
        self._work, self._limit = 0, len(self.nodes) + MAX_NODES
        return self._build(tree, self._node(_MATCH, index, -1, -1))

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
            return self._node(_CHAR, tree[1], then, -1)
        if kind in ("start", "end"):
            return self._node(_START if kind == "start" else _END, None, then, -1)
        if kind == "all":
            for part in reversed(tree[1:]):
                then = self._build(cast(Tree, part), then)
            return then
        if kind == "any":
            firsts = [self._build(cast(Tree, part), then) for part in tree[1:]]
            first = firsts.pop()
            while firsts:
                first = self._node(_SPLIT, None, firsts.pop(), first)
            return first
        body, low, high = cast(Tree, tree[1]), cast(int, tree[2]), cast("int | None", tree[3])
        if high is None:
            loop = self._node(_SPLIT, None, then, then)
            self.nodes[loop] = (_SPLIT, None, self._build(body, loop), then)
            then = loop
        else:
            after = then
            for _ in range(high - low):
                then = self._node(_SPLIT, None, self._build(body, then), after)
        for _ in range(low):
            then = self._build(body, then)
        return then


class Automaton:
    """Matches expressions, each found anywhere in the name unless anchored. Not for use by two threads at once."""

    def __init__(self, sources: Sequence[str]) -> None:
        """Raises Unsupported when one of them, or all together, cannot be matched within the bounds."""
        program = _Program()
        self._firsts = [program.add(parse_regex(source), index) for index, source in enumerate(sources)]
        self._nodes = program.nodes
        if len(self._nodes) > MAX_POSITIONS + MAX_NODES:
            raise Unsupported("There are too many regular expressions.")
        self._sources = tuple(sources)
        self._again, _ = self._closure(self._firsts, start=False, end=False)
        self._numbers: dict[tuple[_State, frozenset[int]], int] = {}
        self._states: list[_State] = []
        self._steps: list[dict[str, int]] = []
        self._accepts: list[frozenset[int]] = []
        self._ends: dict[int, frozenset[int]] = {}
        self._forget()

    def __len__(self) -> int:
        return len(self._sources)

    @property
    def size(self) -> int:
        """Positions used, of MAX_POSITIONS."""
        return len(self._nodes)

    def match(self, text: str) -> frozenset[int]:
        """The indexes of all expressions that the text matches."""
        if not self._sources:
            return frozenset()
        steps, accepts = self._steps, self._accepts
        state = 0
        found = accepts[0]
        for char in text:
            following = steps[state].get(char)
            state = self._grow(state, char) if following is None else following
            if accepts[state]:
                found |= accepts[state]
        return found | self._at_end(state, empty=not text)

    def _forget(self) -> None:
        for memory in (self._numbers, self._states, self._steps, self._accepts, self._ends):
            memory.clear()
        self._number(*self._closure(self._firsts, start=True, end=False))

    def _number(self, state: _State, accepted: frozenset[int]) -> int:
        number = self._numbers.get((state, accepted))
        if number is None:
            number = self._numbers[state, accepted] = len(self._states)
            self._states.append(state)
            self._steps.append({})
            self._accepts.append(accepted)
        return number

    def _grow(self, number: int, char: str) -> int:
        state, steps = self._states[number], self._steps[number]
        if len(self._states) >= _MAX_STATES:
            self._forget()
            steps = {}
        nodes = self._nodes
        nexts = [nodes[i][2] for i in state if nodes[i][0] == _CHAR and char in cast(Chars, nodes[i][1])]
        after, accepted = self._closure(nexts, start=False, end=False)
        following = self._number(after | self._again, accepted)
        steps[char] = following
        return following

    def _at_end(self, number: int, *, empty: bool) -> frozenset[int]:
        if empty:
            return self._closure(self._firsts, start=True, end=True)[1]
        found = self._ends.get(number)
        if found is None:
            waiting = [self._nodes[i][2] for i in self._states[number] if self._nodes[i][0] == _END]
            found = self._ends[number] = self._closure(waiting, start=False, end=True)[1]
        return found

    def _closure(self, nodes: Sequence[int], *, start: bool, end: bool) -> tuple[_State, frozenset[int]]:
        """The nodes that wait for a character or the end, and the indexes that have matched already."""
        seen: set[int] = set()
        waiting: set[int] = set()
        matched: set[int] = set()
        stack = list(nodes)
        while stack:
            i = stack.pop()
            if i in seen:
                continue
            seen.add(i)
            kind, argument, then, other = self._nodes[i]
            if kind == _MATCH:
                matched.add(cast(int, argument))
            elif kind == _SPLIT:
                stack += (then, other)
            elif kind == _START:
                if start:
                    stack.append(then)
            elif kind == _END and end:
                stack.append(then)
            else:
                waiting.add(i)
        return frozenset(waiting), frozenset(matched)


def check_regex(source: str) -> int:
    """The number of positions the expression needs. Raises Unsupported, also when it would match every name."""
    automaton = Automaton((source,))
    if all(automaton.match(probe) for probe in _PROBES):
        raise Unsupported("It would match every name.")
    return automaton.size
