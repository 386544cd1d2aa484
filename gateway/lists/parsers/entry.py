"""What one line of a block list says, in the same words for every syntax."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, TypeAlias

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


class Entry(NamedTuple):
    """One rule of a list. Either `name` (canonical) or `regex` (see gateway.lists.regex) is set.

    `dnstypes` are record types it speaks of (negative: all but these; empty: all); names under `denyallow` are
    excepted; `badfilter` says that it disables the entry that is otherwise equal. A tuple, because a list has a
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


LineParser: TypeAlias = Callable[[str], tuple[Entry, ...]]
"""One stripped, non-empty line to its entries; () for a comment or a declaration. Raises Skip."""


def spell(name: str, extent: Extent) -> str:
    """ "x.org" for the name alone, "||x.org^" for its subtree, "||*.x.org^" for what is below it."""
    if extent is Extent.EXACT:
        return name
    return f"||{name}^" if extent is Extent.SUBTREE else f"||*.{name}^"
