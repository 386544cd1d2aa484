"""Lists to one mapped file, in little memory: names go through a spool, never through a million objects."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import marisa_trie

from gateway.errors import ListError
from gateway.files import write_atomically
from gateway.lists.compiled import assemble, key_of
from gateway.lists.merging import merged
from gateway.lists.nesting import name_of
from gateway.lists.reading import GatheredLists, ListInput, ListReport
from gateway.lists.sayings import OutOfRoom, Saying, SetTable
from gateway.lists.spool import LEFT_OUT, Spool
from gateway.model.verdict import Action

__all__ = ["CompileReport", "ListInput", "ListReport", "compile_lists"]

_SPOOL_SIZE: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class CompileReport:
    """`names` counts different names and patterns of all lists together."""

    lists: tuple[ListReport, ...]
    names: int


def compile_lists(inputs: Sequence[ListInput], out: Path) -> CompileReport:
    """Compiles the lists and puts the file in the place of the old one, atomically.

    A list that cannot be read is left out and its report says why; what is over the bounds of `gateway.lists.bounds` is
    counted there. Raises ListError when the file cannot be written.
    """
    try:
        with tempfile.SpooledTemporaryFile(_SPOOL_SIZE, dir=str(out.parent)) as file:
            lists = GatheredLists(Spool(file))
            for each in inputs:
                lists.read(each)
            pieces, names = _Build(lists).finish()
            write_atomically(out, pieces)
    except OSError as error:
        raise ListError("lists.compiled-lists-cannot-written", strerror=error.strerror or error) from error
    return CompileReport(tuple(lists.reports), names)


class _Build:
    """Pass two, over the finished trie: who said what of each name."""

    def __init__(self, lists: GatheredLists) -> None:
        self._lists, self._spool, self._table = lists, lists.spool, lists.table
        self._disabled = lists.disabled
        self._sets = SetTable(self._table)

    def finish(self) -> tuple[list[bytes | memoryview], int]:
        """The pieces of the file, and how many different names and patterns it has."""
        self._add_modified()
        trie = marisa_trie.Trie(self._spool.keys())
        kinds = array("I", bytes(4 * len(trie)))
        names = self._fill(trie, kinds)
        regexes = self._finish_regexes()
        narrow = "B" if len(self._sets) <= 0x100 else "H" if len(self._sets) <= 0x10000 else "I"
        starts, members = self._sets.flat()
        meta = {
            "lists": [(report.subscription, report.title) for report in self._lists.reports],
            "sayings": [
                (s.list_index, int(s.extent), s.action is Action.ALLOW, s.important, s.dnstypes, s.denyallow)
                for s in self._table.sayings
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
                "members": members.tobytes(),
                "trie": trie.tobytes(),
            }
        ), names + len(regexes)

    def _add_modified(self) -> None:
        """What differs in types and exceptions only becomes one saying where it can."""
        for place, variants in self._lists.modified.items():
            kept = [each for each in variants if not self._is_disabled(place.name, place.saying(each))]
            for variant in merged(kept):
                try:
                    self._spool.add(key_of(place.name), self._table.number(place.saying(variant)))
                except OutOfRoom as reason:
                    self._leave_out(place.list_index, reason)

    def _fill(self, trie: marisa_trie.Trie, kinds: array[int]) -> int:
        """Sets the number of each name's set; how many names have one."""
        grow, sayings, disabled = self._sets.grow, self._table.sayings, self._disabled
        names = 0
        for key, said in zip(self._spool.keys(), self._spool.said, strict=True):
            if said == LEFT_OUT or (disabled and self._is_disabled(name_of(key), sayings[said])):
                continue
            place = trie[key]
            kind = kinds[place]
            try:
                grown = grow(kind, said)
            except OutOfRoom as reason:
                self._leave_out(sayings[said].list_index, reason)
                continue
            names += not kind
            if grown == kind:
                self._lists.reports[sayings[said].list_index].duplicates += 1
            kinds[place] = grown
        return names

    def _leave_out(self, index: int, reason: OutOfRoom) -> None:
        report = self._lists.reports[index]
        report.skipped[str(reason)] += 1
        report.entries -= 1

    def _is_disabled(self, what: str, saying: Saying) -> bool:
        return (what, saying._replace(list_index=-1)) in self._disabled

    def _finish_regexes(self) -> list[tuple[str, int]]:
        kept: dict[tuple[str, int], None] = {}
        for source, said in self._lists.regexes:
            saying = self._table[said]
            if self._is_disabled(source, saying):
                continue
            if (source, said) in kept:
                self._lists.reports[saying.list_index].duplicates += 1
            kept[source, said] = None
        return list(kept)
