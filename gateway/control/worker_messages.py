"""What the resolver and its workers send each other over a pair of sockets: plain JSON in frames.

A worker reads what strangers send, so nothing that it says is believed before it was looked at: a message that makes no
sense raises ControlError, and its worker is replaced.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.errors import ControlError
from gateway.model.lookup import Facts, LogBatch, LogRow
from gateway.model.response import Source
from gateway.model.verdict import ALLOWED, Action, Reason, Verdict

MAX_FRAME = 16 << 20
MOST_FACTS = 20_000
_LENGTH = 4
_LONGEST = 4_096
_LARGEST = 1 << 53
_NONSENSE = "A worker said something that makes no sense."


def frame(kind: str, value: Any) -> bytes:
    """One message, ready to be sent: its length in four bytes, then `[kind, value]`."""
    body = json.dumps([kind, value], separators=(",", ":")).encode()
    return len(body).to_bytes(_LENGTH) + body


async def read_piece(reader: asyncio.StreamReader) -> bytes:
    """The next bytes; none when the other end is gone, however it went."""
    try:
        return await reader.read(1 << 18)
    except OSError:
        return b""


class Unframer:
    """Puts messages together from whatever pieces they come in."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[str, Any]]:
        """(kind, value) of each message that is whole now. Raises ControlError for what is none."""
        held = self._held
        held += piece
        while len(held) >= _LENGTH:
            length = int.from_bytes(held[:_LENGTH])
            if length > MAX_FRAME:
                raise ControlError(_NONSENSE)
            if len(held) < _LENGTH + length:
                return
            body = bytes(held[_LENGTH : _LENGTH + length])
            del held[: _LENGTH + length]
            try:
                kind, value = json.loads(body)
            except (ValueError, TypeError, RecursionError):
                raise ControlError(_NONSENSE) from None
            if not isinstance(kind, str):
                raise ControlError(_NONSENSE)
            yield kind, value


class BatchWriter:
    """A worker's log as messages. What many lookups have in common is told once and named by its number from then on;
    at most MOST_FACTS of them, then the numbers begin anew.
    """

    def __init__(self, most: int = MOST_FACTS) -> None:
        self._most = most
        self._facts: dict[Facts, int] = {}
        self._clients: dict[str, int] = {}

    def pack(self, rows: Sequence[LogRow], batches: Sequence[LogBatch]) -> dict[str, Any]:
        """For `BatchReader.unpack`, as JSON."""
        anew = len(self._facts) > self._most or len(self._clients) > self._most
        if anew:
            self._facts.clear()
            self._clients.clear()
        facts: list[Any] = []
        clients: list[str] = []
        bound = [
            [
                batch.when,
                batch.latency,
                [self._number(self._clients, clients, client, client) for client in batch.clients],
                [self._number(self._facts, facts, each, None) for each in batch.facts],
            ]
            for batch in batches
        ]
        single = [[when, client, _facts_to(fact), latency] for when, client, fact, latency in rows]
        return {"anew": anew, "facts": facts, "clients": clients, "batches": bound, "rows": single}

    @staticmethod
    def _number(known: dict[Any, int], told: list[Any], thing: Any, spelled: str | None) -> int:
        number = known.get(thing)
        if number is None:
            number = known[thing] = len(known)
            told.append(_facts_to(thing) if spelled is None else spelled)
        return number


class BatchReader:
    """The other end of one `BatchWriter`."""

    def __init__(self, most: int = MOST_FACTS) -> None:
        # A message may go past the bound before the packer begins anew.
        self._most = most + (MAX_FRAME >> 5)
        self._facts: list[Facts] = []
        self._clients: list[str] = []

    def unpack(self, value: Any) -> tuple[list[LogRow], list[LogBatch]]:
        """Rows and batches as the worker's resolver left them. Raises ControlError."""
        try:
            if value["anew"]:
                self._facts, self._clients = [], []
            self._facts += [_facts_from(each) for each in value["facts"]]
            self._clients += [_text(each) for each in value["clients"]]
            if max(len(self._facts), len(self._clients)) > self._most:
                raise ControlError(_NONSENSE)
            batches = [self._batch(*each) for each in value["batches"]]
            rows = [(_seconds(w), _text(c), _facts_from(f), _seconds(late)) for w, c, f, late in value["rows"]]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
            raise ControlError(_NONSENSE) from None
        return rows, batches

    def _batch(self, when: Any, latency: Any, clients: Any, facts: Any) -> LogBatch:
        if len(clients) not in (1, len(facts)) or min(clients, default=0) < 0 or min(facts, default=0) < 0:
            raise ControlError(_NONSENSE)
        who, what = [self._clients[i] for i in clients], [self._facts[i] for i in facts]
        return LogBatch(_seconds(when), who, what, _seconds(latency))


def _facts_to(facts: Facts) -> list[Any]:
    verdict = facts.verdict
    told: list[Any] | None = None
    if verdict != ALLOWED:
        told = [
            verdict.action.value, verdict.reason.value, verdict.matched, verdict.rule, verdict.lists, verdict.company,
            verdict.category, verdict.via,
        ]  # fmt: skip
    addresses = [address.hex() for address in facts.addresses]
    return [facts.name, facts.qtype, facts.rcode, facts.source.value, told, facts.targets, addresses]


def _facts_from(value: Any) -> Facts:
    name, qtype, rcode, source, verdict, targets, addresses = value
    return Facts(
        _text(name),
        _number(qtype),
        _number(rcode),
        Source(source),
        ALLOWED if verdict is None else _verdict_from(*verdict),
        tuple(_text(each) for each in targets),
        tuple(bytes.fromhex(each) for each in addresses),
    )


def _verdict_from(
    action: Any, reason: Any, matched: Any, rule: Any, lists: Any, company: Any, category: Any, via: Any
) -> Verdict:
    return Verdict(
        Action(action),
        Reason(reason),
        None if matched is None else _text(matched),
        None if rule is None else _number(rule),
        tuple(_text(each) for each in lists),
        None if company is None else _text(company),
        None if category is None else _text(category),
        None if via is None else _text(via),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise TypeError
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _LARGEST:
        raise TypeError
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LARGEST:
        raise TypeError
    return float(value)
