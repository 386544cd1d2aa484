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


@dataclass(frozen=True, slots=True)
class ListedOwner:
    """Whose a name is, as an owner list says: `listed` is the name in the list, at or above the one that was asked for,
    `site` the company's web site or "". `title`, `source` and `licence` are the list's; the licence may be "".
    """

    company: str
    site: str
    listed: str
    title: str
    source: str
    licence: str


class Owners(Protocol):
    """Who knows what owner lists say; its length is how many names they have."""

    def __len__(self) -> int: ...

    def names(self, name: str) -> bool:
        """True when a list speaks of this very canonical name."""
        ...

    def find(self, name: str) -> ListedOwner | None:
        """Whose a canonical name is, by the longest name that a list has at or above it."""
        ...

    def company(self, company: str, title: str) -> ListedOwner | None:
        """What the list of this title says of a company."""
        ...
