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
from typing import Final, NamedTuple, TypeAlias

import marisa_trie

from gateway.errors import ListError
from gateway.lists.automaton import Automaton
from gateway.lists.parsers.entry import EVERY, Entry
from gateway.lists.sayings import Saying
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


class CompiledLists:
    """Immutable; safe to use until dropped, also after its file was replaced by a newer one."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        """Raises ListError when the data is not, byte for byte, what the compiler wrote."""
        self._data = data
        sections = sections_of(memoryview(data))
        try:
            meta = json.loads(bytes(sections["meta"]))
            self._lists = tuple((int(number), str(title)) for number, title in meta["lists"])
            self._spoken = tuple((saying, Limits.of(saying)) for saying in map(_saying_from, meta["sayings"]))
            self._names = int(meta["names"])
            self._patterns = tuple((str(source), int(saying)) for source, saying in meta["regexes"])
            self._kinds = sections["kinds"].cast(meta["kind_code"])
            self._starts = sections["starts"].cast("I")
            self._members = sections["members"].cast("H")
            self._automaton = Automaton([source for source, _ in self._patterns])
            self._patterns_of = self._by_saying()
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ListError("lists.compiled-lists-damaged") from error
        self._trie = marisa_trie.Trie()
        if self._names:
            self._trie.map(sections["trie"])
        self._of_every = self._sayings_at(key_of(EVERY))
        self._beside_names = bool(self._of_every or self._patterns)
        named = {abs(number) for saying, _ in self._spoken for number in saying.dnstypes}
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
        """Every entry that speaks of the name, the one that decides first; of many patterns that say the same, one."""
        found = sorted(self._find(name, qtype), key=_order, reverse=True)
        return tuple(
            ListMatch(*self._lists[hit[1].list_index], _spell(hit), hit[1].action, hit[1].extent, hit[1].important)
            for hit in found
        )

    def _find(self, name: str, qtype: int) -> list[_Hit]:
        """One hit for each list, label and kind of rule at most, whatever the lists say: see `gateway.lists.bounds`."""
        found: list[_Hit] = []
        under: frozenset[str] | None = None
        if self._names:
            kinds = self._kinds
            for prefix, number in self._trie.iter_prefixes_with_ids(key_of(name)):
                kind = kinds[number]
                if not kind:
                    continue
                starts, spoken, length, whole = self._starts, self._spoken, len(prefix) - 1, len(name)
                for member in self._members[starts[kind] : starts[kind + 1]]:
                    saying, limits = spoken[member]
                    extent = saying.extent
                    if extent is not Extent.SUBTREE and (extent is Extent.EXACT) is not (length == whole):
                        continue
                    if limits is not None:
                        under = under or frozenset(ancestors(name))
                        if not limits.hold(under, qtype):
                            continue
                    found.append((length, saying, name[whole - length :]))
        if self._beside_names:
            self._find_patterns(name, qtype, found)
        return found

    def _find_patterns(self, name: str, qtype: int, found: list[_Hit]) -> None:
        under = frozenset(ancestors(name)) if self._of_every else frozenset[str]()
        for saying, limits in self._of_every:
            if limits is None or limits.hold(under, qtype):
                found.append((_OF_EVERY, saying, EVERY))
        bits = self._automaton.run(name)
        if not bits:
            return
        under = under or frozenset(ancestors(name))
        for mask, (saying, limits) in self._patterns_of:
            if bits & mask and (limits is None or limits.hold(under, qtype)):
                first = next(self._automaton.owners_of(bits & mask))
                found.append((0, saying, self._patterns[first][0]))

    def _by_saying(self) -> list[tuple[int, _Spoken]]:
        """What patterns say, and the bits of all patterns that say it."""
        by_saying: dict[int, list[int]] = {}
        for index, (_, member) in enumerate(self._patterns):
            by_saying.setdefault(member, []).append(index)
        return [(self._automaton.mask_of(indexes), self._spoken[member]) for member, indexes in by_saying.items()]

    def _sayings_at(self, key: str) -> tuple[_Spoken, ...]:
        kind = self._kinds[self._trie[key]] if key in self._trie else 0
        return tuple(self._spoken[member] for member in self._members[self._starts[kind] : self._starts[kind + 1]])


class Limits(NamedTuple):
    """Which lookups something with record types or exceptions speaks of."""

    types: frozenset[int]
    all_but: bool
    exceptions: frozenset[str]

    @classmethod
    def of(cls, saying: Saying) -> Limits | None:
        """None for what has neither."""
        if not saying.details:
            return None
        types = saying.dnstypes
        return cls(frozenset(map(abs, types)), not types or types[0] < 0, frozenset(saying.denyallow))

    def hold(self, under: frozenset[str], qtype: int) -> bool:
        """`under`: the name that is asked for, and all its ancestors."""
        return (qtype in self.types) is not self.all_but and self.exceptions.isdisjoint(under)


_Spoken: TypeAlias = tuple[Saying, Limits | None]
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


def sections_of(data: memoryview) -> dict[str, memoryview]:
    """The sections of a file that `assemble` made. Raises ListError when it is not, byte for byte."""
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
