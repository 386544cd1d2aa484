"""The ids that stand for names, clients, devices and facts in a row of numbers."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias, TypeVar

from gateway.journal import statements as say
from gateway.journal.device_rows import DEVICE_NUMBER, SAVE_DEVICE, device_row
from gateway.journal.pacing import execute_many, handfuls, paced
from gateway.model.device import Device
from gateway.model.lookup import Facts
from gateway.model.response import Source
from gateway.model.tag import UNTAGGED, Category, Tag
from gateway.model.verdict import ALLOWED, Action, Verdict

_LOG = logging.getLogger(__name__)
_MAX_FACTS = 12_000
_MAX_TEXTS = 12_000
_MAX_CLIENTS = 5_000
_LONGEST = 1024
_MOST = 32

TagOf: TypeAlias = Callable[[str, tuple[str, ...], Device], Tag]
DeviceOf: TypeAlias = Callable[[str, float], Device]


T = TypeVar("T")


class Known(NamedTuple):
    """What the rows of one fact on one device have in common."""

    stream: int
    fact: int
    tag: Tag


@dataclass(slots=True)
class KnownDevice:
    """A device as the writer knows it. `known` is asked once a row, so it is the dictionary itself.

    Facts are compared by identity; `alike` finds the same content in another object, which every miss makes.
    """

    device: Device
    number: int
    known: dict[Facts, Known] = field(default_factory=dict)
    alike: dict[_Content, Known] = field(default_factory=dict)


_Content: TypeAlias = tuple[str, int, int, Source, Verdict | None, tuple[str, ...]]
_Named: TypeAlias = tuple[str, str | None, Category]
# (id of the name, id of the device, 1 if blocked)
_Stream: TypeAlias = tuple[int, int, int]
_New: TypeAlias = tuple[KnownDevice, Facts, _Content, Tag, _Named, int]
# A member of an enum costs a look-up each time.
_BLOCK, _UNKNOWN, _UPSTREAM = Action.BLOCK, Category.UNKNOWN, Source.UPSTREAM
# Stands for what `learn` is about to find out.
_UNDER_WAY = Known(0, 0, UNTAGGED)
_SPELLED = {category: category.value for category in Category}

News: TypeAlias = tuple[KnownDevice, Facts, int]
"""Who asked what, and when, in milliseconds since the epoch."""


class Dictionary:
    """Looks ids up in memory, then in the tables, and makes them there. Belongs to one transaction after another on
    one connection; after a rollback a new one is needed, since ids were undone.

    `tag` and `device_of` are the neighbours' and may fail: then a lookup is untagged, or belongs to its address.
    """

    def __init__(self, cursor: sqlite3.Cursor, *, tag: TagOf, device_of: DeviceOf) -> None:
        self._cursor = cursor
        self._tag = tag
        self._device_of = device_of
        self._askers: dict[tuple[str, str], KnownDevice] = {}
        self._clients: dict[tuple[str, int], int] = {}
        self._names: dict[_Named, int] = {}
        self._fact_ids: dict[tuple[Any, ...], int] = {}
        self._facts = 0
        self._passing: list[tuple[KnownDevice, Facts]] = []
        self._day = 0
        self._complained: set[str] = set()
        self.fresh: dict[int, int] = {}
        """Streams that the last `learn` added, with the time up to which their rows say so themselves."""

    def forget(self) -> None:
        """The next lookups read the tables again: after rows were deleted, and once a day to say they are in use."""
        self._askers.clear()
        self._clients.clear()
        self._names.clear()
        self._fact_ids.clear()
        self._passing.clear()
        self._facts = 0

    def set_day(self, day: int) -> None:
        """Ids that are learned from now on count as used on this day; those of another day are learned again."""
        if day != self._day:
            self._day = day
            self.forget()

    def make_room(self) -> None:
        """Forgets facts that will not come again, and all when they have become many. Never in the midst of a batch, of
        which some are known already.
        """
        for some in handfuls(self._passing):
            for asker, facts in some:
                asker.known.pop(facts, None)
        self._passing.clear()
        if self._facts >= _MAX_FACTS:
            for each in self._askers.values():
                _empty(each.known)
                _empty(each.alike)
            self._facts = 0

    def asker(self, client: str, when: float) -> tuple[int, KnownDevice]:
        """(id of the client, its device) for an address that asked at `when` (seconds since the epoch)."""
        device = self._ask_device(client, when)
        key = (device.id, device.maker)
        asker = self._askers.get(key)
        if asker is None:
            if len(self._askers) >= _MAX_CLIENTS:
                self.forget()
            asker = self._askers[key] = KnownDevice(device, self._device_number(device))
        asker.device = device
        known_as = (client, asker.number)
        number = self._clients.get(known_as)
        if number is None:
            if len(self._clients) >= _MAX_CLIENTS:
                self._clients.clear()
            number = self._one(say.LEARN_CLIENT, (client, asker.number, self._day))
            self._clients[known_as] = number
        return number, asker

    def learn(self, news: Sequence[News]) -> None:
        """Gives every asker the ids of facts that its `known` does not have yet, in a few statements for all of them:
        in a flood of new names each costs what it costs alone.
        """
        new: list[_New] = []
        twins: list[tuple[KnownDevice, Facts, _Content]] = []
        # One by one, for a neighbour may take its time with a tag.
        for asker, facts, millis in paced(news):
            alike = _content(facts)
            known = asker.alike.get(alike)
            if known is None:
                asker.alike[alike] = _UNDER_WAY
                tag = self._ask_tag(facts, asker.device)
                new.append((asker, facts, alike, tag, (facts.name, tag.company, tag.category), millis))
            elif known is _UNDER_WAY:
                twins.append((asker, facts, alike))
            else:
                asker.known[facts] = known
        fresh = self._learn_names(new)
        streams, ids = self._learn_streams(new, fresh)
        fact_ids = self._fact_ids
        for some in handfuls(range(len(new))):
            for i in some:
                asker, facts, alike, tag, _, _ = new[i]
                said = (*alike[1:], tag.party)
                fact = fact_ids.get(said)
                if fact is None:
                    fact = self._learn_fact(said, facts, tag)
                asker.alike[alike] = asker.known[facts] = Known(ids[streams[i]], fact, tag)
        for asker, facts, alike in twins:
            asker.known[facts] = asker.alike[alike]
        # What an upstream said is prepared only when it comes from the cache, as other facts: nobody shares these.
        passing = [(asker, facts) for asker, facts, _ in news if facts.source is _UPSTREAM]
        self._passing += passing
        self._facts += len(new) + len(news) - len(passing)

    def _learn_names(self, new: Sequence[_New]) -> range:
        """The ids of those that nobody has ever asked for: they are added, without looking twice."""
        if len(self._names) >= _MAX_TEXTS:
            _empty(self._names)
        unknown = [
            (named, tag) for named, tag in {each[4]: each[3] for each in new}.items() if named not in self._names
        ]
        ids = self._find_names([named[0] for named, _ in unknown])
        number = self._one(say.NEXT_NAME, ())
        first = number
        added: list[tuple[int, str, str | None, str]] = []
        # A tag that came from where a CNAME led does not outlive one that the name has itself.
        sure: list[tuple[str, str | None, str]] = []
        unsure: list[tuple[str, str | None, str]] = []
        for some in handfuls(unknown):
            for (name, company, category), tag in some:
                if name not in ids:
                    ids[name] = number
                    added.append((number, name, company, _SPELLED[category]))
                    number += 1
                    continue
                hasty = tag.via is not None or (tag.company is None and tag.category is _UNKNOWN)
                (unsure if hasty else sure).append((name, company, _SPELLED[category]))
        execute_many(self._cursor, say.ADD_NAME, added)
        execute_many(self._cursor, say.LEARN_NAME_WITHOUT_HASTE, unsure)
        execute_many(self._cursor, say.LEARN_NAME, sure)
        for named, _ in unknown:
            self._names[named] = ids[named[0]]
        return range(first, number)

    def _find_names(self, wanted: list[str]) -> dict[str, int]:
        ids: dict[str, int] = {}
        for asked in paced(_filled(wanted)):
            ids.update(self._cursor.execute(say.FIND_NAMES, asked))
        return ids

    def _learn_streams(self, new: Sequence[_New], fresh: range) -> tuple[list[_Stream], dict[_Stream, int]]:
        """The stream of each, and the ids of the streams; a name of `fresh` has none yet."""
        spans: dict[_Stream, tuple[int, int]] = {}
        streams: list[_Stream] = []
        names, add = self._names, streams.append
        for some in handfuls(new):
            for asker, facts, _, _, named, millis in some:
                stream = names[named], asker.number, 1 if facts.verdict.action is _BLOCK else 0
                add(stream)
                span = spans.get(stream)
                if span is None:
                    spans[stream] = millis, millis
                elif span[1] < millis:
                    spans[stream] = span[0], millis
        number = self._one(say.NEXT_STREAM, ())
        self.fresh = {}
        ids: dict[_Stream, int] = {}
        added: list[tuple[int, ...]] = []
        others: list[tuple[int, ...]] = []
        for piece in handfuls(list(spans.items())):
            for stream, span in piece:
                if stream[0] in fresh:
                    ids[stream] = number
                    added.append((number, *stream, *span))
                    self.fresh[number] = span[1]
                    number += 1
                else:
                    others.append((*stream, *span))
        execute_many(self._cursor, say.ADD_STREAM, added)
        execute_many(self._cursor, say.LEARN_STREAM, others)
        if others:
            ids |= self._find_streams(others)
        return streams, ids

    def _find_streams(self, wanted: Iterable[tuple[int, ...]]) -> dict[_Stream, int]:
        by_device: dict[int, dict[int, None]] = {}
        for name, device, *_ in wanted:
            by_device.setdefault(device, {})[name] = None
        return {
            (name, device, blocked): number
            for device, asked_for in by_device.items()
            for asked in paced(_filled(list(asked_for)))
            for name, blocked, number in self._cursor.execute(say.FIND_STREAMS, (device, *asked))
        }

    def _learn_fact(self, said: tuple[Any, ...], facts: Facts, tag: Tag) -> int:
        """The id of what the facts say beside the name, which is known by `said` from now on."""
        if len(self._fact_ids) >= _MAX_TEXTS:
            self._fact_ids.clear()
        verdict = facts.verdict
        row = (
            facts.qtype,
            facts.rcode,
            facts.source.value,
            verdict.reason.value,
            tag.party.value,
            _short(verdict.matched),
            verdict.rule,
            _texts(verdict.lists),
            _short(verdict.via),
            _texts(facts.targets),
        )
        digest = blake2b(repr(row).encode("utf-8", "backslashreplace"), digest_size=16).digest()
        number = self._fact_ids[said] = self._one(say.LEARN_FACT, (digest, *row, self._day))
        return number

    def _device_number(self, device: Device) -> int:
        found = self._cursor.execute(DEVICE_NUMBER, (device.id,)).fetchone()
        return int(found[0]) if found else self._one(SAVE_DEVICE, device_row(device))

    def _one(self, statement: str, values: tuple[Any, ...]) -> int:
        rows = self._cursor.execute(statement, values).fetchall()
        return int(rows[0][0])

    def _ask_tag(self, facts: Facts, device: Device) -> Tag:
        try:
            return self._tag(facts.name, facts.targets, device)
        except Exception as error:  # noqa: BLE001 - a neighbour's mistake must not cost the lookup
            self._complain("tag", error)
            return UNTAGGED

    def _ask_device(self, client: str, when: float) -> Device:
        try:
            return self._device_of(client, when)
        except Exception as error:  # noqa: BLE001 - as above
            self._complain("device", error)
            seen = datetime.fromtimestamp(when, UTC)
            return Device(f"ip:{client}", None, (client,), seen, seen)

    def _complain(self, part: str, error: Exception) -> None:
        if part not in self._complained:
            self._complained.add(part)
            _LOG.warning("a lookup is recorded without its %s: %r", part, error)


def _empty(memory: dict[Any, Any]) -> None:
    """A few at a time: all at once, ten thousand hold up everybody for milliseconds."""
    for some in handfuls(range(len(memory))):
        for _ in some:
            memory.popitem()


def _content(facts: Facts) -> _Content:
    # The verdict that nearly all share is spared the making of its hash.
    verdict = None if facts.verdict is ALLOWED else facts.verdict
    return facts.name, facts.qtype, facts.rcode, facts.source, verdict, facts.targets


def _filled(values: list[T]) -> list[tuple[T, ...]]:
    """As many at once as a statement has places for; the last handful is filled up with its first."""
    cut = [values[start : start + say.AT_ONCE] for start in range(0, len(values), say.AT_ONCE)]
    return [(*some, *([some[0]] * (say.AT_ONCE - len(some)))) for some in cut]


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else text[:_LONGEST]


def _texts(texts: tuple[str, ...]) -> str:
    return json.dumps([text[:_LONGEST] for text in texts[:_MOST]]) if texts else ""
