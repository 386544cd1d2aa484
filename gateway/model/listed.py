"""What block lists say of a name, and the shape of who knows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from gateway.model.verdict import Action


class Extent(IntEnum):
    """How far an entry reaches: the name alone, the name and everything below, or only what is below."""

    EXACT = 0
    SUBTREE = 1
    BELOW = 2


@dataclass(frozen=True, slots=True)
class ListMatch:
    """One entry that speaks of a name, in one list. `matched` is written as adblock lists write it."""

    subscription: int
    title: str
    matched: str
    action: Action
    extent: Extent
    important: bool = False


@dataclass(frozen=True, slots=True)
class ListVerdict:
    """What the lists together say: the strongest, most specific entry, and the titles of all that name the name."""

    action: Action
    matched: str
    lists: tuple[str, ...]
    extent: Extent = Extent.EXACT
    important: bool = False


class Lists(Protocol):
    """All lists in force, immutable. `types_named` are the record types that any entry tells apart."""

    @property
    def types_named(self) -> frozenset[int]: ...

    def __len__(self) -> int:
        """How many different names and patterns the lists have together."""
        ...

    def match(self, name: str, qtype: int = 1) -> ListVerdict | None:
        """What the lists say of a canonical name, None when none names it."""
        ...

    def lists_naming(self, name: str, qtype: int = 1) -> tuple[ListMatch, ...]:
        """Every entry that speaks of the name, the one that decides first."""
        ...
