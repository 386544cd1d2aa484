"""What the resolver and its workers send each other over a pair of sockets: plain JSON in frames.

A worker reads what strangers send, so nothing that it says is believed before it was looked at: a message that makes no
sense raises ControlError, and its worker is replaced.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from gateway.errors import ControlError
from gateway.model.device_names import DeviceNames
from gateway.model.lookup import Facts, LogBatch, LogRow
from gateway.model.response import Source
from gateway.model.verdict import ALLOWED, Action, Reason, Verdict

MAX_FRAME = 16 << 20
MOST_FACTS = 20_000
_LENGTH = 4
_NONSENSE = "A worker said something that makes no sense."
_Text: TypeAlias = Annotated[str, Meta(max_length=4_096)]
_Number: TypeAlias = Annotated[int, Meta(ge=0, lt=1 << 53)]
_Seconds: TypeAlias = Annotated[float, Meta(ge=0, lt=1 << 53)]


class _Decided(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A verdict other than "nothing speaks of it"."""

    action: Action
    reason: Reason
    matched: _Text | None
    rule: _Number | None
    lists: tuple[_Text, ...]
    company: _Text | None
    category: _Text | None
    via: _Text | None


class _Facts(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What many lookups have in common; addresses in hexadecimal."""

    name: _Text
    qtype: _Number
    rcode: _Number
    source: Source
    verdict: _Decided | None
    targets: tuple[_Text, ...]
    addresses: tuple[_Text, ...]


class _Batch(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`clients` and `facts` are numbers of those that were said before."""

    when: _Seconds
    latency: _Seconds
    clients: list[_Number]
    facts: list[_Number]


class _Row(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    when: _Seconds
    client: _Text
    facts: _Facts
    latency: _Seconds


class _Log(msgspec.Struct, frozen=True):
    """A worker's log since the last one."""

    anew: bool
    facts: list[_Facts]
    clients: list[_Text]
    batches: list[_Batch]
    rows: list[_Row]


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
                raise ControlError("control.worker-said-something")
            if len(held) < _LENGTH + length:
                return
            body = bytes(held[_LENGTH : _LENGTH + length])
            del held[: _LENGTH + length]
            try:
                kind, value = json.loads(body)
            except (ValueError, TypeError, RecursionError):
                raise ControlError("control.worker-said-something") from None
            if not isinstance(kind, str):
                raise ControlError("control.worker-said-something")
            yield kind, value


class BatchWriter:
    """A worker's log as messages. What many lookups have in common is said once and named by its number then;
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
    def _number(known: dict[Any, int], spelled_out: list[Any], thing: Any, spelled: str | None) -> int:
        number = known.get(thing)
        if number is None:
            number = known[thing] = len(known)
            spelled_out.append(_facts_to(thing) if spelled is None else spelled)
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
            said = msgspec.convert(value, _Log)
            if said.anew:
                self._facts, self._clients = [], []
            self._facts += [_facts_from(each) for each in said.facts]
            self._clients += said.clients
            if max(len(self._facts), len(self._clients)) > self._most:
                raise ControlError("control.worker-said-something")
            batches = [self._batch(each) for each in said.batches]
            rows = [(each.when, each.client, _facts_from(each.facts), each.latency) for each in said.rows]
        except (msgspec.ValidationError, RecursionError, ValueError, IndexError, OverflowError):
            raise ControlError("control.worker-said-something") from None
        return rows, batches

    def _batch(self, said: _Batch) -> LogBatch:
        if len(said.clients) not in (1, len(said.facts)):
            raise ControlError("control.worker-said-something")
        who, what = [self._clients[i] for i in said.clients], [self._facts[i] for i in said.facts]
        return LogBatch(said.when, who, what, said.latency)


def _facts_to(facts: Facts) -> list[Any]:
    verdict, said = facts.verdict, None
    if verdict != ALLOWED:
        said = _Decided(
            verdict.action, verdict.reason, verdict.matched, verdict.rule, verdict.lists, verdict.company,
            verdict.category, verdict.via,
        )  # fmt: skip
    addresses = tuple(address.hex() for address in facts.addresses)
    shown = _Facts(facts.name, facts.qtype, facts.rcode, facts.source, said, facts.targets, addresses)
    made: list[Any] = msgspec.to_builtins(shown)
    return made


def _facts_from(said: _Facts) -> Facts:
    verdict = ALLOWED
    if (on := said.verdict) is not None:
        verdict = Verdict(on.action, on.reason, on.matched, on.rule, on.lists, on.company, on.category, on.via)
    addresses = tuple(bytes.fromhex(each) for each in said.addresses)
    return Facts(said.name, said.qtype, said.rcode, said.source, verdict, said.targets, addresses)


def names_to_json(named: DeviceNames) -> dict[str, Any]:
    """What a worker is to call the devices of the home."""
    return {
        "domain": named.domain,
        "complete": named.complete,
        "names": {name: [str(each) for each in held] for name, held in named.names.items()},
        "owners": {str(address): name for address, name in named.owners.items()},
    }


def names_from_json(value: Mapping[str, Any]) -> DeviceNames:
    return DeviceNames(
        value["domain"],
        {name: tuple(map(ip_address, held)) for name, held in value["names"].items()},
        {ip_address(address): name for address, name in value["owners"].items()},
        value["complete"],
    )
