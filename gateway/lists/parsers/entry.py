"""What one line of a block list says, in the same words for every syntax."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple, TypeAlias, TypeVar

from gateway.model.listed import Extent
from gateway.model.verdict import Action


class Syntax(Enum):
    """The ways of writing a block list that we read."""

    HOSTS = "hosts"
    PLAIN = "plain names"
    WILDCARD = "wildcards"
    ADBLOCK = "adblock"
    DNSMASQ = "dnsmasq"
    UNBOUND = "unbound"
    RPZ = "response policy zone"
    REGEX = "regular expressions"


_Word = TypeVar("_Word")

EVERY = "*"
"""The name of an entry that speaks of every name; it has exceptions, or speaks of few record types."""


class Entry(NamedTuple):
    """One rule of a list. Either `name` (canonical, or EVERY) or `regex` (see gateway.lists.regex) is set.

    `dnstypes` are record types it speaks of (negative: all but these; empty: all); names under `denyallow` are
    excepted; `badfilter` says that it disables the entry that is otherwise equal; `passes` that it allows nothing by
    itself, but ends the block around it in the same list. A tuple, because a list has a
    million of them and a tuple is made three times as fast as a dataclass.
    """

    name: str
    extent: Extent = Extent.EXACT
    action: Action = Action.BLOCK
    important: bool = False
    regex: str = ""
    dnstypes: tuple[int, ...] = ()
    denyallow: tuple[str, ...] = ()
    badfilter: bool = False
    passes: bool = False

    @property
    def subtree(self) -> bool:
        return self.extent is Extent.SUBTREE

    @property
    def text(self) -> str:
        """The entry in the notation of adblock lists, whatever syntax its list has."""
        if self.regex:
            pattern = f"/{self.regex}/"
        else:
            pattern = spell(self.name, self.extent)
        return ("@@" if self.action is Action.ALLOW else "") + pattern + ("$important" if self.important else "")


class Skip(Exception):
    """This line says nothing that we can use; the message, a sentence, is the key under which it is counted."""


class BadPattern(Skip):
    """As Skip, for a pattern or expression; to find that out has cost time, so that they are counted."""


class Partly(Exception):
    """Some words of this line are entries, and others say nothing that we can use; `reasons` are their sentences."""

    def __init__(self, entries: tuple[Entry, ...], reasons: frozenset[str]) -> None:
        super().__init__(*reasons)
        self.entries, self.reasons = entries, reasons


def each_of(words: Iterable[_Word], read: Callable[[_Word], Entry]) -> tuple[Entry, ...]:
    """The entries of a line of several words; a bad one never takes its neighbours with it. Raises Skip and Partly."""
    entries: list[Entry] = []
    reasons: dict[str, Skip] = {}
    for word in words:
        try:
            entries.append(read(word))
        except Skip as reason:
            reasons[str(reason)] = reason
    if not reasons:
        return tuple(entries)
    if not entries and len(reasons) == 1:
        raise reasons.popitem()[1]
    raise Partly(tuple(entries), frozenset(reasons))


LineParser: TypeAlias = Callable[[str], tuple[Entry, ...]]
"""One stripped, non-empty line to its entries; () for a comment or a declaration. Raises Skip and Partly."""


def spell(name: str, extent: Extent) -> str:
    """ "x.org" for the name alone, "||x.org^" for its subtree, "||*.x.org^" for what is below it."""
    if extent is Extent.EXACT:
        return name
    return f"||{name}^" if extent is Extent.SUBTREE else f"||*.{name}^"


def includes(dnstypes: tuple[int, ...], qtype: int) -> bool:
    """Whether an entry with these `dnstypes`, which are not empty, speaks of the record type."""
    return -qtype not in dnstypes if dnstypes[0] < 0 else qtype in dnstypes
