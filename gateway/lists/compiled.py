"""Every list in one mapped file: a trie of names and, beside it, who says what about each.

Layout, little endian: magic, version, machine, CRC-32 of all that follows, size, then (offset, size) of the sections,
each aligned to eight bytes: `meta` JSON; `kinds`, for each key of the trie the number of its set of sayings (0: none);
`starts` and `members`, the sets; `trie`, marisa-trie over names written backwards (`com.roku.ads.`), so that one walk
finds the name and all its ancestors. marisa-trie trusts its bytes, so nothing is mapped before the checksum is right.
"""

from __future__ import annotations

import json
import mmap
import struct
import sys
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import marisa_trie

from gateway.errors import ListError
from gateway.lists.automaton import Automaton
from gateway.lists.parsers.entry import EVERY, Entry, includes
from gateway.model.listed import Extent, ListMatch, ListVerdict
from gateway.model.name import ancestors
from gateway.model.verdict import Action

VERSION: Final = 1
SECTIONS: Final = ("meta", "kinds", "starts", "members", "trie")
_MAGIC: Final = b"TELLLIST"
_MACHINE: Final = struct.calcsize("P") | (0x100 if sys.byteorder == "big" else 0)
_PREFACE: Final = struct.Struct("<8sHHI")
_TABLE: Final = struct.Struct("<Q" + "QQ" * len(SECTIONS))
_DAMAGED: Final = "The compiled lists are damaged; refresh the lists."


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

    def speaks_of(self, name: str, qtype: int, *, itself: bool) -> bool:
        """`itself`: the entry's name is the whole name, not an ancestor of it."""
        if self.extent is Extent.EXACT and not itself:
            return False
        if self.extent is Extent.BELOW and itself:
            return False
        if self.dnstypes and not includes(self.dnstypes, qtype):
            return False
        if not self.denyallow:
            return True
        return not any(name == parent or name.endswith("." + parent) for parent in self.denyallow)


class CompiledLists:
    """Immutable; safe to use until dropped, also after its file was replaced by a newer one."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        """Raises ListError when the data is not, byte for byte, what the compiler wrote."""
        self._data = data
        sections = _check(memoryview(data))
        try:
            meta = json.loads(bytes(sections["meta"]))
            self._lists = tuple((int(number), str(title)) for number, title in meta["lists"])
            self._sayings = tuple(_saying_from(fields) for fields in meta["sayings"])
            self._names = int(meta["names"])
            self._patterns = tuple((str(source), int(saying)) for source, saying in meta["regexes"])
            self._kinds = sections["kinds"].cast(meta["kind_code"])
            self._starts = sections["starts"].cast("I")
            self._members = sections["members"].cast("H")
            self._automaton = Automaton([source for source, _ in self._patterns])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ListError("lists.compiled-lists-damaged") from error
        self._trie = marisa_trie.Trie()
        if self._names:
            self._trie.map(sections["trie"])
        self._of_every = self._sayings_at(key_of(EVERY))
        named = {abs(number) for saying in self._sayings for number in saying.dnstypes}
        self.types_named: frozenset[int] = frozenset(named)

    @classmethod
    def open(cls, path: Path) -> CompiledLists:
        """Maps the file. Raises ListError when it is missing, truncated, damaged or from another version."""
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            lists = cls(mapped)
            # The checksum was read over all of it; only what is looked up from now on shall stay in memory.
            mapped.madvise(mmap.MADV_DONTNEED)
            return lists
        except FileNotFoundError:
            raise ListError("lists.lists-not-been") from None
        except (OSError, ValueError) as error:
            raise ListError("lists.compiled-lists-cannot") from error

    @classmethod
    def empty(cls) -> CompiledLists:
        """Lists that name nothing."""
        meta = {"lists": [], "sayings": [], "names": 0, "regexes": [], "kind_code": "B"}
        return cls(b"".join(assemble({"meta": json.dumps(meta).encode(), "starts": struct.pack("<II", 0, 0)})))

    def __len__(self) -> int:
        """How many different names and patterns the lists have together."""
        return self._names + len(self._patterns)

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of the lists that were compiled."""
        return tuple(title for _, title in self._lists)

    def match(self, name: str, qtype: int = 1) -> ListVerdict | None:
        """What the lists say of a canonical name, None when none names it."""
        found = self._find(name, qtype)
        if not found:
            return None
        indexes = [(False, found[0][1].list_index)]
        best = found[0]
        if len(found) > 1:
            best = max(found, key=_order)
            indexes = sorted({(hit[1].action is not best[1].action, hit[1].list_index) for hit in found})
        titles = tuple(dict.fromkeys(self._lists[index][1] for _, index in indexes))
        _, saying, _ = best
        return ListVerdict(saying.action, _spell(best), titles, saying.extent, saying.important)

    def lists_naming(self, name: str, qtype: int = 1) -> tuple[ListMatch, ...]:
        """Every entry that speaks of the name, the one that decides first."""
        found = sorted(self._find(name, qtype), key=_order, reverse=True)
        return tuple(
            ListMatch(*self._lists[hit[1].list_index], _spell(hit), hit[1].action, hit[1].extent, hit[1].important)
            for hit in found
        )

    def _sayings_at(self, key: str) -> tuple[Saying, ...]:
        kind = self._kinds[self._trie[key]] if key in self._trie else 0
        return tuple(self._sayings[member] for member in self._members[self._starts[kind] : self._starts[kind + 1]])

    def _find(self, name: str, qtype: int) -> list[_Hit]:
        found: list[_Hit] = []
        for saying in self._of_every:
            if saying.speaks_of(name, qtype, itself=True):
                found.append((_OF_EVERY, saying, EVERY))
        if self._names:
            starts, kinds = self._starts, self._kinds
            for prefix, number in self._trie.iter_prefixes_with_ids(key_of(name)):
                kind = kinds[number]
                if not kind:
                    continue
                length = len(prefix) - 1
                for member in self._members[starts[kind] : starts[kind + 1]]:
                    saying = self._sayings[member]
                    if saying.speaks_of(name, qtype, itself=length == len(name)):
                        found.append((length, saying, name[len(name) - length :]))
        if self._patterns:
            for index in self._automaton.match(name):
                source, member = self._patterns[index]
                saying = self._sayings[member]
                if saying.speaks_of(name, qtype, itself=True):
                    found.append((0, saying, source))
        return found


_OF_EVERY: Final = -1
_Hit = tuple[int, Saying, str]
"""Length of the name that the entry names (0: it is a pattern; _OF_EVERY), what it says, and that name or pattern."""


def _order(hit: _Hit) -> tuple[int, int, bool, int]:
    """Stronger first, then the longer name, then the exact one, then the list that was added first."""
    return hit[1].strength, hit[0], hit[1].extent is Extent.EXACT, -hit[1].list_index


def _spell(hit: _Hit) -> str:
    length, saying, text = hit
    name, regex = (text, "") if length else ("", text)
    return Entry(name, saying.extent, saying.action, saying.important, regex).text


def key_of(name: str) -> str:
    """The name backwards, each label closed with a dot, so that ancestors are prefixes: "com.roku.ads."."""
    if "\\" not in name:
        return ".".join(name.split(".")[::-1]) + "."
    chain = [*ancestors(name), ""]
    labels = [longer[: len(longer) - len(shorter)].removesuffix(".") for longer, shorter in pairwise(chain)]
    return ".".join(reversed(labels)) + "."


def _saying_from(fields: list[object]) -> Saying:
    index, extent, allows, important, dnstypes, denyallow = fields
    if not (
        isinstance(index, int)
        and isinstance(extent, int)
        and isinstance(dnstypes, list)
        and isinstance(denyallow, list)
    ):
        raise TypeError("not a saying")
    action = Action.ALLOW if allows else Action.BLOCK
    return Saying(index, Extent(extent), action, bool(important), tuple(dnstypes), tuple(denyallow))


def assemble(sections: dict[str, bytes | memoryview]) -> list[bytes | memoryview]:
    """The pieces of a file with these sections, header and checksum included."""
    position = _PREFACE.size + _TABLE.size
    table: list[int] = []
    pieces: list[bytes | memoryview] = []
    for name in SECTIONS:
        piece = sections.get(name, b"")
        padding = -position % 8
        pieces += (b"\0" * padding, piece)
        table += (position + padding, len(piece))
        position += padding + len(piece)
    head = _TABLE.pack(position, *table)
    checksum = zlib.crc32(head)
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
    return [_PREFACE.pack(_MAGIC, VERSION, _MACHINE, checksum), head, *pieces]


def _check(data: memoryview) -> dict[str, memoryview]:
    if len(data) < _PREFACE.size + _TABLE.size:
        raise ListError("lists.compiled-lists-damaged")
    magic, version, machine, checksum = _PREFACE.unpack_from(data)
    if magic != _MAGIC:
        raise ListError("lists.not-file-compiled")
    if (version, machine) != (VERSION, _MACHINE):
        raise ListError("lists.lists-compiled-another")
    size, *table = _TABLE.unpack_from(data, _PREFACE.size)
    if size != len(data) or zlib.crc32(data[_PREFACE.size :]) != checksum:
        raise ListError("lists.compiled-lists-damaged")
    return {name: data[table[2 * i] : table[2 * i] + table[2 * i + 1]] for i, name in enumerate(SECTIONS)}
