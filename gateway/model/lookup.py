"""One finished query: first as the resolver drops it, then as everybody reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import TypeAlias

from gateway.model.response import Source
from gateway.model.verdict import Verdict
from gateway.model.word import word


@word(eq=False)
class Facts:
    """What all lookups that share one prepared answer have in common; compared by identity, so that it is made once.

    `name` is canonical; `targets` are where CNAME, HTTPS and SVCB records of the answer lead to, `addresses` what it
    leads to in the end (packed, 4 or 16 bytes), where the client got them.
    """

    name: str
    qtype: int
    rcode: int
    source: Source
    verdict: Verdict
    targets: tuple[str, ...] = ()
    addresses: tuple[bytes, ...] = ()


LogRow: TypeAlias = tuple[float, str, Facts, float]
"""(when: seconds since the epoch, client: textual address, what happened, latency in seconds): one append a query."""


@word(eq=False)
class LogBatch:
    """Many rows of one moment, as the fast path leaves them: `clients[i]` asked what `facts[i]` tells, or the only one
    in `clients` asked it all.

    `when` is in seconds since the epoch, `latency` in seconds, of all of them. Ten thousand rows a second would be as
    many objects for the garbage collector to walk.
    """

    when: float
    clients: list[str]
    facts: list[Facts]
    latency: float

    def pairs(self) -> Iterable[tuple[str, Facts]]:
        """Each client with what it was answered."""
        clients = self.clients
        return zip(repeat(clients[0]) if len(clients) == 1 else clients, self.facts, strict=len(clients) != 1)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Flat and printable: what the journal stores and the dashboard shows. `time` is aware UTC.

    `device` is a device id, `device_name` what people call it; enums stand as their values; `targets` as in Facts.
    `times` is how often the same was asked and answered within the same second, when the journal keeps that as one row.
    """

    id: int
    time: datetime
    name: str
    type: str
    device: str
    device_name: str
    client: str
    verdict: str
    reason: str
    company: str | None
    category: str
    party: str
    source: str
    rcode: str
    latency_ms: float
    matched: str | None = None
    rule: int | None = None
    lists: tuple[str, ...] = ()
    via: str | None = None
    targets: tuple[str, ...] = ()
    times: int = 1
