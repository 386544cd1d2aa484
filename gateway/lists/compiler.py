"""Lists to one mapped file, in little memory: names go through a spool, never through a million objects."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import marisa_trie

from gateway.errors import ListError
from gateway.files import write_atomically
from gateway.lists.automaton import MAX_POSITIONS, check_regex
from gateway.lists.compiled import Saying, assemble, key_of
from gateway.lists.parsers import Entry, Syntax, parse_list
from gateway.model.listed import Extent
from gateway.model.verdict import Action

TOO_MANY_PATTERNS: Final = "The patterns of all lists together are too many, and this is one too many."
TOO_MANY_SAYINGS: Final = "The lists have too many different modifiers, and this is one too many."
_MAX_SAYINGS: Final = 30_000
_SPOOL_SIZE: Final = 48 << 20
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class ListInput:
    """A subscription's last good copy. Entries of a list that allows all allow; `untitled` is what a list is called
    that neither a person nor its author gave a title.
    """

    subscription: int
    title: str
    action: Action
    path: Path
    untitled: str = ""


@dataclass(frozen=True, slots=True)
class ListReport:
    """What became of one list. `skipped` counts lines by the sentence that says why; `duplicates` are entries that the
    same list has twice; `error` says why the whole list was left out. `title` is its own when it was given none."""

    subscription: int
    title: str
    syntax: Syntax | None = None
    entries: int = 0
    duplicates: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CompileReport:
    """`names` counts different names and patterns of all lists together."""

    lists: tuple[ListReport, ...]
    names: int


def compile_lists(inputs: Sequence[ListInput], out: Path) -> CompileReport:
    """Compiles the lists and puts the file in the place of the old one, atomically.

    A list that cannot be read is left out and its report says why. Raises ListError when the file cannot be written.
    """
    try:
        with tempfile.SpooledTemporaryFile(_SPOOL_SIZE, dir=str(out.parent)) as spool:
            build = _Build(spool)
            reports = [build.read(each) for each in inputs]
            pieces, names = build.finish()
            write_atomically(out, pieces)
    except OSError as error:
        raise ListError("lists.compiled-lists-cannot-written", strerror=f"{error.strerror or error}") from error
    duplicates = build.duplicates
    done = [
        ListReport(r.subscription, r.title, r.syntax, r.entries, duplicates[i], r.skipped, r.error)
        for i, r in enumerate(reports)
    ]
    return CompileReport(tuple(done), names)


class _Build:
    """Pass one reads the lists into a spool of keys; pass two, over the finished trie, notes who said what."""

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool
        self._said = array("H")
        self._sayings: dict[Saying, int] = {}
        self._regexes: list[tuple[str, int]] = []
        self._room = MAX_POSITIONS
        self._disabled: set[tuple[str, Saying]] = set()
        self._titles: list[tuple[int, str]] = []
        self.duplicates: list[int] = []

    def read(self, source: ListInput) -> ListReport:
        """Adds one list; on any failure everything is as if it had not been there."""
        spooled, said, regexes, room = self._spool.tell(), len(self._said), len(self._regexes), self._room
        title = source.title
        index, disabled = len(self._titles), set(self._disabled)
        self._titles.append((source.subscription, title))
        self.duplicates.append(0)
        try:
            with source.path.open("rb") as file:
                parsed = parse_list(iter(lambda: file.read(_CHUNK), b""))
                title = title or parsed.title or source.untitled or source.path.name
                self._titles[index] = (source.subscription, title)
                entries = self._add(parsed.entries, index, source.action, parsed.skipped)
            return ListReport(source.subscription, title, parsed.syntax, entries, 0, dict(parsed.skipped))
        except FileNotFoundError:
            problem = "The list has not been fetched yet."
        except OSError as error:
            problem = f"The list cannot be read: {error.strerror or error}."
        except ListError as error:
            problem = str(error)
        self._spool.seek(spooled)
        self._spool.truncate()
        del self._said[said:], self._regexes[regexes:]
        self._room, self._disabled = room, disabled
        return ListReport(source.subscription, title, error=problem)

    def _add(self, entries: Iterator[Entry], index: int, action: Action, skipped: Counter[str]) -> int:
        count = 0
        spool, said, sayings = self._spool, self._said, self._sayings
        plain: dict[tuple[Extent, Action], int] = {}
        for entry in entries:
            name, extent, entry_action, important, regex, dnstypes, denyallow, badfilter = entry
            simple = not (important or regex or dnstypes or denyallow or badfilter)
            number = plain.get((extent, entry_action)) if simple else None
            if number is None:
                says = action if action is Action.ALLOW else entry_action
                saying = Saying(index, extent, says, important, dnstypes, denyallow)
                if badfilter:
                    self._disabled.add((regex or name, saying._replace(list_index=-1)))
                    count += 1
                    continue
                number = sayings.get(saying)
                if number is None:
                    if len(sayings) >= _MAX_SAYINGS:
                        skipped[TOO_MANY_SAYINGS] += 1
                        continue
                    number = sayings[saying] = len(sayings)
                if simple:
                    plain[extent, entry_action] = number
            if regex:
                size = check_regex(regex)
                if size > self._room:
                    skipped[TOO_MANY_PATTERNS] += 1
                    continue
                self._room -= size
                self._regexes.append((regex, number))
            else:
                spool.write(key_of(name).encode() + b"\n")
                said.append(number)
            count += 1
        return count

    def _keys(self) -> Iterator[str]:
        self._spool.seek(0)
        for line in self._spool:
            yield line[:-1].decode("ascii")

    def finish(self) -> tuple[list[bytes | memoryview], int]:
        """The pieces of the file, and how many different names and patterns it has."""
        trie = marisa_trie.Trie(self._keys())
        sayings = list(self._sayings)
        kinds = array("I", bytes(4 * len(trie)))
        sets: list[tuple[int, ...]] = [()]
        grown: dict[int, int] = {}
        numbers: dict[tuple[int, ...], int] = {(): 0}
        names = 0
        for key, said in zip(self._keys(), self._said, strict=True):
            if self._disabled and self._is_disabled(".".join(key[:-1].split(".")[::-1]), sayings[said]):
                continue
            place = trie[key]
            kind = kinds[place]
            names += not kind
            bigger = grown.get(kind << 16 | said)
            if bigger is None:
                members = tuple(sorted({*sets[kind], said}))
                bigger = grown[kind << 16 | said] = numbers.setdefault(members, len(sets))
                if bigger == len(sets):
                    sets.append(members)
            if bigger == kind:
                self.duplicates[sayings[said].list_index] += 1
            kinds[place] = bigger
        regexes = self._finish_regexes(sayings)
        narrow = "B" if len(sets) <= 0x100 else "H" if len(sets) <= 0x10000 else "I"
        starts, members_flat = array("I", [0]), array("H")
        for members in sets:
            members_flat.extend(members)
            starts.append(len(members_flat))
        meta = {
            "lists": self._titles,
            "sayings": [
                (s.list_index, int(s.extent), s.action is Action.ALLOW, s.important, s.dnstypes, s.denyallow)
                for s in sayings
            ],
            "names": names,
            "regexes": regexes,
            "kind_code": narrow,
        }
        return assemble(
            {
                "meta": json.dumps(meta, separators=(",", ":")).encode(),
                "kinds": (kinds if narrow == "I" else array(narrow, kinds)).tobytes(),
                "starts": starts.tobytes(),
                "members": members_flat.tobytes(),
                "trie": trie.tobytes(),
            }
        ), names + len(regexes)

    def _is_disabled(self, what: str, saying: Saying) -> bool:
        return (what, saying._replace(list_index=-1)) in self._disabled

    def _finish_regexes(self, sayings: list[Saying]) -> list[tuple[str, int]]:
        kept: dict[tuple[str, int], None] = {}
        for source, said in self._regexes:
            if self._is_disabled(source, sayings[said]):
                continue
            if (source, said) in kept:
                self.duplicates[sayings[said].list_index] += 1
            kept[source, said] = None
        return list(kept)
