"""The ids that stand for names, clients, devices and facts in a row of numbers."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

from gateway.journal import statements as say
from gateway.journal.device_rows import DEVICE_NUMBER, SAVE_DEVICE, device_row
from gateway.model.device import Device
from gateway.model.lookup import Facts
from gateway.model.tag import UNTAGGED, Category, Tag

_LOG = logging.getLogger(__name__)
_MAX_FACTS = 50_000
_MAX_TEXTS = 50_000
_MAX_CLIENTS = 5_000
_LONGEST = 1024
_MOST = 32

TagOf: TypeAlias = Callable[[str, tuple[str, ...], str], Tag]
DeviceOf: TypeAlias = Callable[[str, float], Device]


class Known(NamedTuple):
    """What the rows of one fact on one device have in common."""

    stream: int
    fact: int
    tag: Tag


@dataclass(slots=True)
class Asker:
    """A device as the writer knows it. `known` is asked once a row, so it is the dictionary itself.

    Facts are compared by identity; `alike` finds the same content in another object, which every miss makes.
    """

    device: Device
    number: int
    known: dict[Facts, Known] = field(default_factory=dict)
    alike: dict[tuple[Any, ...], Known] = field(default_factory=dict)


class Dictionary:
    """Looks ids up in memory, then in the tables, and makes them there. Belongs to one transaction after another on
    one connection; after a rollback a new one is needed, since ids were undone.

    `tag` and `device_of` are the neighbours' and may fail: then a lookup is untagged, or belongs to its address.
    """

    def __init__(self, cursor: sqlite3.Cursor, *, tag: TagOf, device_of: DeviceOf) -> None:
        self._cursor = cursor
        self._tag = tag
        self._device_of = device_of
        self._askers: dict[tuple[str, str], Asker] = {}
        self._clients: dict[tuple[str, int], int] = {}
        self._names: dict[tuple[str, str | None, Category], int] = {}
        self._fact_ids: dict[tuple[Any, ...], int] = {}
        self._facts = 0
        self._day = 0
        self._complained: set[str] = set()

    def forget(self) -> None:
        """The next lookups read the tables again: after rows were deleted, and once a day to say they are in use."""
        self._askers.clear()
        self._clients.clear()
        self._names.clear()
        self._fact_ids.clear()
        self._facts = 0

    def set_day(self, day: int) -> None:
        """Ids that are learned from now on count as used on this day; those of another day are learned again."""
        if day != self._day:
            self._day = day
            self.forget()

    def asker(self, client: str, when: float) -> tuple[int, Asker]:
        """(id of the client, its device) for an address that asked at `when` (seconds since the epoch)."""
        device = self._ask_device(client, when)
        key = (device.id, device.maker)
        asker = self._askers.get(key)
        if asker is None:
            if len(self._askers) >= _MAX_CLIENTS:
                self.forget()
            asker = self._askers[key] = Asker(device, self._device_number(device))
        asker.device = device
        known_as = (client, asker.number)
        number = self._clients.get(known_as)
        if number is None:
            if len(self._clients) >= _MAX_CLIENTS:
                self._clients.clear()
            number = self._one(say.LEARN_CLIENT, (client, asker.number, self._day))
            self._clients[known_as] = number
        return number, asker

    def learn(self, asker: Asker, facts: Facts, millis: int) -> Known:
        """The ids for facts that `asker.known` does not have yet."""
        if self._facts >= _MAX_FACTS:
            for each in self._askers.values():
                each.known.clear()
                each.alike.clear()
            self._facts = 0
        key = (facts.name, facts.qtype, facts.rcode, facts.source, facts.verdict, facts.targets)
        known = asker.alike.get(key)
        if known is None:
            tag = self._ask_tag(facts, asker.device.maker)
            name = self._name(facts.name, tag)
            blocked = int(facts.verdict.blocked)
            stream = self._one(say.LEARN_STREAM, (name, asker.number, blocked, millis, millis))
            known = asker.alike[key] = Known(stream, self._fact(facts, tag), tag)
        asker.known[facts] = known
        self._facts += 1
        return known

    def _name(self, name: str, tag: Tag) -> int:
        key = (name, tag.company, tag.category)
        number = self._names.get(key)
        if number is None:
            if len(self._names) >= _MAX_TEXTS:
                self._names.clear()
            # A tag that came from where a CNAME led does not outlive one that the name has itself.
            unsure = tag.via is not None or (tag.company is None and tag.category is Category.UNKNOWN)
            statement = say.LEARN_NAME_WITHOUT_HASTE if unsure else say.LEARN_NAME
            number = self._names[key] = self._one(statement, (name, tag.company, tag.category.value))
        return number

    def _fact(self, facts: Facts, tag: Tag) -> int:
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
        number = self._fact_ids.get(row)
        if number is None:
            if len(self._fact_ids) >= _MAX_TEXTS:
                self._fact_ids.clear()
            digest = blake2b(repr(row).encode("utf-8", "backslashreplace"), digest_size=16).digest()
            number = self._fact_ids[row] = self._one(say.LEARN_FACT, (digest, *row, self._day))
        return number

    def _device_number(self, device: Device) -> int:
        found = self._cursor.execute(DEVICE_NUMBER, (device.id,)).fetchone()
        return int(found[0]) if found else self._one(SAVE_DEVICE, device_row(device))

    def _one(self, statement: str, values: tuple[Any, ...]) -> int:
        rows = self._cursor.execute(statement, values).fetchall()
        return int(rows[0][0])

    def _ask_tag(self, facts: Facts, maker: str) -> Tag:
        try:
            return self._tag(facts.name, facts.targets, maker)
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


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else text[:_LONGEST]


def _texts(texts: tuple[str, ...]) -> str:
    return json.dumps([text[:_LONGEST] for text in texts[:_MOST]]) if texts else ""
