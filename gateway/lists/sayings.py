"""What lists say of names, without the names: numbered, in sets, and bounded."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Final, NamedTuple

from gateway.lists.bounds import (
    MAX_ALIKE,
    MAX_DETAILS,
    MAX_DETAILS_OF_A_LIST,
    MAX_SETS,
    MAX_SPECIAL,
    MAX_SPECIAL_OF_A_LIST,
    TOO_MANY_ALIKE,
    TOO_MANY_DETAILS,
    TOO_MANY_SETS,
    TOO_MANY_SPECIAL,
)
from gateway.model.listed import Extent
from gateway.model.verdict import Action

_MAX_NUMBER: Final = 0xFFFE
_CACHED: Final = 200_000


class Saying(NamedTuple):
    """What one list says of a name: everything of an Entry but the name. `list_index` counts the lists from 0."""

    list_index: int
    extent: Extent
    action: Action
    important: bool = False
    dnstypes: tuple[int, ...] = ()
    denyallow: tuple[str, ...] = ()

    @property
    def strength(self) -> int:
        """Exceptions win over blocks, unless only the block is important (AdGuard, `$important`)."""
        return 2 * self.important + (self.action is Action.ALLOW)

    @property
    def details(self) -> int:
        """How many record types and exceptions it has."""
        return len(self.dnstypes) + len(self.denyallow)


class OutOfRoom(Exception):
    """The lists ask for more than there is; the message is the sentence under which the entry is counted."""


class SayingTable:
    """Numbers sayings in the order in which they come up."""

    def __init__(self) -> None:
        self._numbers: dict[Saying, int] = {}
        self._special: Counter[int] = Counter()
        self._details: Counter[int] = Counter()
        self.sayings: list[Saying] = []

    def __getitem__(self, number: int) -> Saying:
        return self.sayings[number]

    def number(self, saying: Saying) -> int:
        """The number of a saying. Raises OutOfRoom."""
        number = self._numbers.get(saying)
        if number is not None:
            return number
        if saying.details:
            self._take_room(saying)
        if len(self.sayings) >= _MAX_NUMBER:
            raise OutOfRoom(TOO_MANY_SPECIAL)
        number = self._numbers[saying] = len(self.sayings)
        self.sayings.append(saying)
        return number

    def _take_room(self, saying: Saying) -> None:
        index = saying.list_index
        if self._special[index] >= MAX_SPECIAL_OF_A_LIST or self._special.total() >= MAX_SPECIAL:
            raise OutOfRoom(TOO_MANY_SPECIAL)
        if (
            self._details[index] + saying.details > MAX_DETAILS_OF_A_LIST
            or self._details.total() + saying.details > MAX_DETAILS
        ):
            raise OutOfRoom(TOO_MANY_DETAILS)
        self._special[index] += 1
        self._details[index] += saying.details


class SetTable:
    """Sets of sayings, numbered from 1; 0 is the empty one. Each is what all lists together say of some name."""

    def __init__(self, table: SayingTable) -> None:
        self._table = table
        self._sets: list[tuple[int, ...]] = [()]
        self._numbers: dict[tuple[int, ...], int] = {(): 0}
        self._grown: dict[int, int | str] = {}

    def __len__(self) -> int:
        return len(self._sets)

    def grow(self, number: int, said: int) -> int:
        """The number of this set with one saying more. Raises OutOfRoom."""
        grown = self._grown.get(number << 16 | said)
        if grown is None:
            if len(self._grown) >= _CACHED:
                self._grown.clear()
            grown = self._grown[number << 16 | said] = self._find(number, said)
        if isinstance(grown, str):
            raise OutOfRoom(grown)
        return grown

    def _find(self, number: int, said: int) -> int | str:
        members = tuple(sorted({*self._sets[number], said}))
        known = self._numbers.get(members)
        if known is not None:
            return known
        index = self._table[said].list_index
        if sum(self._table[member].list_index == index for member in members) > MAX_ALIKE:
            return TOO_MANY_ALIKE
        if len(self._sets) >= MAX_SETS:
            return TOO_MANY_SETS
        self._numbers[members] = len(self._sets)
        self._sets.append(members)
        return len(self._sets) - 1

    def flat(self) -> tuple[array[int], array[int]]:
        """Where the members of each set begin, with one place more at the end; and all members, one set after the
        other.
        """
        starts, members = array("I", [0]), array("H")
        for each in self._sets:
            members.extend(each)
            starts.append(len(members))
        return starts, members
