"""Pass one over the lists: plain entries go to the spool as they come, those with more to them are kept apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from gateway.errors import ListError
from gateway.lists.automaton import MAX_JUMPS, MAX_POSITIONS, Size, check_regex
from gateway.lists.bounds import (
    MAX_DETAILS_OF_A_LIST,
    MAX_DISABLED,
    MAX_MODIFIED,
    MAX_NAME_BYTES,
    MAX_NAMES,
    MAX_PATTERN_SAYINGS,
    TOO_MANY_DETAILS,
    TOO_MANY_DISABLED,
    TOO_MANY_PATTERNS,
    TOO_MANY_SPECIAL,
)
from gateway.lists.compiled import key_of
from gateway.lists.merging import Variant
from gateway.lists.nesting import Nesting
from gateway.lists.parsers import Entry, ParsedList, Syntax, parse_list
from gateway.lists.sayings import OutOfRoom, Saying, SayingTable
from gateway.lists.spool import LEFT_OUT, Spool
from gateway.model.listed import Extent
from gateway.model.verdict import Action

_CHUNK: Final = 1 << 16
_NEAREST_DECIDES: Final = frozenset({Syntax.DNSMASQ, Syntax.UNBOUND, Syntax.RPZ})


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


@dataclass(slots=True)
class ListReport:
    """What became of one list. `skipped` counts lines by the sentence that says why; `duplicates` are entries that the
    same list has twice; `error` says why the whole list was left out. `title` is its own when it was given none."""

    subscription: int
    title: str
    syntax: Syntax | None = None
    entries: int = 0
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    error: str | None = None


class RulePlace(NamedTuple):
    """Where rules of one list meet that may differ in record types and exceptions only."""

    name: str
    list_index: int
    extent: Extent
    action: Action
    important: bool

    def saying(self, variant: Variant) -> Saying:
        return Saying(self.list_index, self.extent, self.action, self.important, *variant)


class GatheredLists:
    """What has been read. `disabled` are names or expressions with what was said of them by a list of the index -1."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.table = SayingTable()
        self.reports: list[ListReport] = []
        self.modified: dict[RulePlace, list[Variant]] = {}
        self.regexes: list[tuple[str, int]] = []
        self.disabled: dict[tuple[str, Saying], None] = {}
        self.said_by_patterns: set[int] = set()
        self.room_for_patterns = Size(MAX_POSITIONS, MAX_JUMPS)

    def read(self, source: ListInput) -> None:
        """Adds one list; on any failure everything is as if it had not been there, but for a report that says why."""
        mark = self.spool.mark()
        regexes, room, disabled, modified = (
            len(self.regexes),
            self.room_for_patterns,
            len(self.disabled),
            len(self.modified),
        )
        report = ListReport(source.subscription, source.title)
        self.reports.append(report)
        try:
            with source.path.open("rb") as file:
                parsed = parse_list(iter(lambda: file.read(_CHUNK), b""))
                report.title = source.title or parsed.title or source.untitled or source.path.name
                reading = _Reading(self, len(self.reports) - 1, source.action, parsed)
                report.entries = reading.run()
            report.syntax, report.skipped = parsed.syntax, parsed.skipped
            return
        except FileNotFoundError:
            report.error = "The list has not been fetched yet."
        except OSError as error:
            report.error = f"The list cannot be read: {error.strerror or error}."
        except (ListError, OutOfRoom) as error:
            report.error = str(error)
        self.spool.cut(mark)
        self.room_for_patterns = room
        del self.regexes[regexes:]
        for late, length in ((self.disabled, disabled), (self.modified, modified)):
            while len(late) > length:
                late.popitem()


class _Reading:
    """One list on its way."""

    def __init__(self, lists: GatheredLists, index: int, action: Action, parsed: ParsedList) -> None:
        self._lists, self._index, self._parsed = lists, index, parsed
        self._allows_all = action is Action.ALLOW
        self._skipped = parsed.skipped
        self._nesting = Nesting()
        self._nearest_decides = parsed.syntax in _NEAREST_DECIDES and not self._allows_all
        self._variants: dict[Variant, Variant] = {}
        self._details = self._modified = 0

    def run(self) -> int:
        """Reads all entries; how many there are. Raises ListError."""
        spool, table, index = self._lists.spool, self._lists.table, self._index
        mark = spool.mark()
        room = MAX_NAMES - len(spool.said)
        add, held_back = spool.add, Action.ALLOW if self._nearest_decides else None
        plain: dict[tuple[Extent, Action], int] = {}
        count = 0
        for entry in self._parsed.entries:
            name, extent, action, important, regex, dnstypes, denyallow, badfilter, passes = entry
            if important or regex or dnstypes or denyallow or badfilter or passes or action is held_back:
                try:
                    self._add_special(entry)
                except OutOfRoom as reason:
                    self._skipped[str(reason)] += 1
                    continue
            else:
                number = plain.get((extent, action))
                if number is None:
                    says = Action.ALLOW if self._allows_all else action
                    number = plain[extent, action] = table.number(Saying(index, extent, says))
                add(key_of(name), number)
            count += 1
            if count > room:
                raise ListError("lists.too-many-names", most=f"{MAX_NAMES:,}")
        if spool.size > MAX_NAME_BYTES:
            raise ListError("lists.too-many-names", most=f"{MAX_NAMES:,}")
        if self._nesting:
            count -= self._settle(mark)
        return count

    def _add_special(self, entry: Entry) -> None:
        lists = self._lists
        action = Action.ALLOW if self._allows_all else entry.action
        place = RulePlace(entry.name, self._index, entry.extent, action, entry.important)
        variant = entry.dnstypes, entry.denyallow
        if entry.badfilter:
            if len(lists.disabled) >= MAX_DISABLED:
                raise OutOfRoom(TOO_MANY_DISABLED)
            lists.disabled[entry.regex or entry.name, place._replace(list_index=-1).saying(variant)] = None
        elif entry.regex:
            self._add_regex(entry.regex, place.saying(variant))
        elif entry.passes:
            self._nesting.add_pass(key_of(entry.name))
        elif any(variant):
            self._add_modified(place, variant)
        elif self._nearest_decides and action is Action.ALLOW:
            self._nesting.add_allow(key_of(entry.name), entry.extent)
        else:
            lists.spool.add(key_of(entry.name), lists.table.number(place.saying(variant)))

    def _add_regex(self, regex: str, saying: Saying) -> None:
        lists = self._lists
        positions, jumps = check_regex(regex)
        room = lists.room_for_patterns
        if positions > room.positions or jumps > room.jumps:
            raise OutOfRoom(TOO_MANY_PATTERNS)
        number = lists.table.number(saying)
        if len({*lists.said_by_patterns, number}) > MAX_PATTERN_SAYINGS:
            raise OutOfRoom(TOO_MANY_SPECIAL)
        lists.said_by_patterns.add(number)
        lists.room_for_patterns = Size(room.positions - positions, room.jumps - jumps)
        lists.regexes.append((regex, number))

    def _add_modified(self, place: RulePlace, variant: Variant) -> None:
        if self._modified >= MAX_MODIFIED:
            raise OutOfRoom(TOO_MANY_SPECIAL)
        known = self._variants.get(variant)
        if known is None:
            details = len(variant[0]) + len(variant[1])
            if self._details + details > MAX_DETAILS_OF_A_LIST:
                raise OutOfRoom(TOO_MANY_DETAILS)
            self._details += details
            known = self._variants[variant] = variant
        self._modified += 1
        self._lists.modified.setdefault(place, []).append(known)

    def _settle(self, mark: tuple[int, int]) -> int:
        """Puts the holes into what lies around them; how many entries fell away because there was no room for that."""
        lists, nesting, lost = self._lists, self._nesting, 0
        said, table = lists.spool.said, lists.table
        for place, key in lists.spool.since(mark):
            saying = table[said[place]]
            try:
                if holes := nesting.see_block(key, saying.extent):
                    said[place] = table.number(saying._replace(denyallow=holes))
            except OutOfRoom as reason:
                said[place] = LEFT_OUT
                lost += self._skip(reason)
        for where, variants in lists.modified.items():
            if where.list_index != self._index:
                continue
            try:
                holes = nesting.see_block(key_of(where.name), where.extent)
                variants[:] = [(types, tuple(sorted({*spared, *holes}))) for types, spared in variants]
            except OutOfRoom as reason:
                variants.clear()
                lost += self._skip(reason)
        for name, extent, holes in nesting.allows():
            try:
                number = table.number(Saying(self._index, extent, Action.ALLOW, denyallow=holes))
                lists.spool.add(key_of(name), number)
            except OutOfRoom as reason:
                lost += self._skip(reason)
        return lost

    def _skip(self, reason: OutOfRoom) -> int:
        self._skipped[str(reason)] += 1
        return 1
