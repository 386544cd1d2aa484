"""Many regular expressions matched at once in one pass over a name, whatever their authors wrote.

A hostile list can make a backtracking matcher run for hours on one name. Here a step takes all expressions together:
each of their positions is a bit of one number, and where one position leads to is a shift by few places for all of
them at once (Baeza-Yates and Gonnet, CACM 1992; Navarro and Raffinot 2001). The few that lead further away are looked
up, eight at a time, and bounded in number. So a character costs some microseconds at most, and one dictionary hit for
what real names reach again and again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from gateway.lists.program import PatternProgram
from gateway.lists.regex import MAX_NODES, Chars, Unsupported, parse_regex

MAX_POSITIONS: Final = 4096
MAX_JUMPS: Final = 128
_NEAR: Final = range(-4, 9)
_MAX_STATES: Final = 1000
_PROBES: Final = ("q", "zq7-xv.invalid", "w.k3v9x.example", "0.9-8.test")


class Size(NamedTuple):
    """Nodes used, of MAX_POSITIONS, and positions that lead far away, of MAX_JUMPS; those of several add up."""

    positions: int
    jumps: int


class _State(dict[str, "tuple[_State, int, int]"]):
    """Positions that wait for a character; for characters that came here: the next state, the bits of the positions
    that ended an expression, and of those that end one if the text ends here.
    """

    __slots__ = ("waiting",)

    def __init__(self, waiting: int) -> None:
        super().__init__()
        self.waiting = waiting


class Automaton:
    """Matches expressions, each found anywhere in the name unless anchored. Not for use by two threads at once."""

    def __init__(self, sources: Sequence[str]) -> None:
        """Raises Unsupported when one of them, or all together, cannot be matched within the bounds."""
        program = PatternProgram()
        for source in sources:
            program.add(parse_regex(source))
            if len(program.nodes) > MAX_POSITIONS + MAX_NODES:
                raise Unsupported("There are too many regular expressions.")
        self._sources = tuple(sources)
        self._chars: dict[str, int] = {}
        self._owners: list[int] = []
        self._ends = self._ends_last = 0
        self._near: list[tuple[int, int]] = []
        self._far: dict[int, int] = {}
        self._far_bits = 0
        self._place(program)
        self._size = Size(len(program.nodes), len(self._far))
        if self._size.jumps > MAX_JUMPS:
            raise Unsupported("Its regular expression has too many alternatives.")
        self._states: dict[int, _State] = {}

    def __len__(self) -> int:
        return len(self._sources)

    @property
    def size(self) -> Size:
        return self._size

    def run(self, text: str) -> int:
        """The bits of positions at which some expression matched the text; see `owners_of` and `mask_of`."""
        if not self._sources:
            return 0
        if len(self._states) >= _MAX_STATES:
            self._states.clear()
        state = self._state(self._first)
        found, ends = (self._at_once, 0) if text else (self._in_nothing, 0)
        for char in text:
            step = state.get(char) or self._step(state, char)
            state, ended, ends = step
            if ended:
                found |= ended
        return found | ends | self._at_last

    def match(self, text: str) -> frozenset[int]:
        """The indexes of all expressions that the text matches."""
        return frozenset(self.owners_of(self.run(text)))

    def mask_of(self, indexes: Iterable[int]) -> int:
        """All bits that belong to these expressions."""
        wanted = set(indexes)
        return sum(1 << bit for bit, owner in enumerate(self._owners) if owner in wanted)

    def owners_of(self, bits: int) -> Iterator[int]:
        """The indexes of the expressions that these bits belong to, the first one first; some come more than once."""
        while bits:
            lowest = bits & -bits
            yield self._owners[lowest.bit_length() - 1]
            bits ^= lowest

    def _state(self, waiting: int) -> _State:
        known = self._states.get(waiting)
        if known is None:
            known = _State(waiting)
            if len(self._states) < _MAX_STATES:
                self._states[waiting] = known
        return known

    def _step(self, state: _State, char: str) -> tuple[_State, int, int]:
        taken = state.waiting & self._chars.get(char, 0)
        waiting = self._again
        if taken:
            for places, mask in self._near:
                if hit := taken & mask:
                    waiting |= hit << places if places >= 0 else hit >> -places
            if taken & self._far_bits:
                waiting |= self._jump(taken)
        following = self._state(waiting), taken & self._ends, taken & self._ends_last
        if len(self._states) < _MAX_STATES:
            state[char] = following
        return following

    def _jump(self, taken: int) -> int:
        data = (taken & self._far_bits).to_bytes(self._width, "little")
        waiting = 0
        for group in self._groups:
            if byte := data[group]:
                key = group << 8 | byte
                known = self._jumps.get(key)
                if known is None:
                    known = self._jumps[key] = self._jump_of(group, byte)
                waiting |= known
        return waiting

    def _jump_of(self, group: int, byte: int) -> int:
        waiting = 0
        for i in range(8):
            if byte >> i & 1:
                waiting |= self._far.get(8 * group + i, 0)
        return waiting

    def _place(self, program: PatternProgram) -> None:
        """Gives each position its bit, in the order of the text, so that most lead to the next one."""
        bits: dict[int, int] = {}
        spare: list[int] = []
        by_chars: defaultdict[Chars, int] = defaultdict(int)
        for index, nodes in enumerate(program.ranges):
            # One bit more for an expression that matches without taking anything.
            spare.append(len(self._owners))
            self._owners.append(index)
            for node in reversed(nodes):
                chars = program.chars(node)
                if chars is not None:
                    bits[node] = len(self._owners)
                    by_chars[chars] |= 1 << len(self._owners)
                    self._owners.append(index)
        self._width = len(self._owners) // 8 + 1
        for chars, mask in by_chars.items():
            for char in chars:
                self._chars[char] = self._chars.get(char, 0) | mask
        self._connect(program, bits)

        def bits_of(found: Iterable[int], place: Sequence[int] | dict[int, int]) -> int:
            return sum(1 << place[each] for each in found)

        first = program.closure(program.firsts, start=True)
        again = program.closure(program.firsts)
        self._first, self._again = bits_of(first.waiting, bits), bits_of(again.waiting, bits)
        self._at_once = bits_of(first.matched, spare)
        self._at_last = bits_of(program.closure(program.firsts, end=True).matched, spare)
        self._in_nothing = bits_of(program.closure(program.firsts, start=True, end=True).matched, spare)

    def _connect(self, program: PatternProgram, bits: dict[int, int]) -> None:
        near: defaultdict[int, int] = defaultdict(int)
        far: defaultdict[int, int] = defaultdict(int)
        for node, bit in bits.items():
            then = program.nodes[node][2]
            after = program.closure((then,))
            for other in after.waiting:
                places = bits[other] - bit
                if places in _NEAR:
                    near[places] |= 1 << bit
                else:
                    far[bit] |= 1 << bits[other]
            if after.matched:
                self._ends |= 1 << bit
            if program.closure((then,), end=True).matched:
                self._ends_last |= 1 << bit
        self._near = sorted(near.items())
        self._far = dict(far)
        self._far_bits = sum(1 << bit for bit in far)
        self._groups = sorted({bit // 8 for bit in far})
        self._jumps: dict[int, int] = {}


def check_regex(source: str) -> Size:
    """What the expression needs. Raises Unsupported, also when it would match every name."""
    automaton = Automaton((source,))
    if all(automaton.match(probe) for probe in _PROBES):
        raise Unsupported("It would match every name.")
    return automaton.size
