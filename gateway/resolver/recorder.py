"""Puts every finished query into the log, and makes an answer of whatever went wrong below."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import UpstreamError, UpstreamTimeout, WireError
from gateway.model.dns import Ede
from gateway.model.lookup import Facts, LogBatch, LogRow
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.model.verdict import Action
from gateway.resolver.answer import Answer, failed
from gateway.resolver.link import Handler, Prompt

_OTHER_ERROR = 0  # RFC 8914 section 4.1
# The largest batch, of a whole batch, weighs as much as so many rows.
_ROWS_A_BATCH = 16
# A member of an enum costs a look-up each time.
_BLOCK = Action.BLOCK
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogQueue:
    """Where finished queries wait for whoever writes them down: at most `limit` rows, or batches of the same weight."""

    rows: deque[LogRow]
    limit: int = 100_000
    batches: deque[LogBatch] | None = None


class Recorder(Prompt):
    """The log is a bounded queue that somebody else empties. When it is full, rows are dropped and counted: answers
    never wait for it. `batches` is the same for what the fast path answered; without it, that goes to `log` row by row.
    """

    def __init__(
        self,
        log: deque[LogRow],
        limit: int,
        *,
        batches: deque[LogBatch] | None = None,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._log = log
        self._limit = limit
        self._batches = batches
        self._clock = clock
        self._wall = wall
        self._confessed: set[str] = set()
        self.dropped = 0
        self.errors = 0
        self.by_source = dict.fromkeys(Source, 0)
        self.blocked = 0

    def extend(self, rows: list[LogRow]) -> None:
        """Several at once."""
        room = self._limit - len(self._log)
        if len(rows) > room:
            self.dropped += len(rows) - max(room, 0)
            rows = rows[: max(room, 0)]
        self._log.extend(rows)

    def bind(self, when: float, clients: list[str], facts: list[Facts], latency: float) -> None:
        """What the fast path answered at once, as `LogBatch` has it; the lists are ours from now on."""
        if len(clients) > 1 and clients.count(clients[0]) == len(clients):
            clients = clients[:1]
        batch = LogBatch(when, clients, facts, latency)
        if self._batches is None:
            self.extend([(when, *pair, latency) for pair in batch.pairs()])
        elif len(self._batches) < self._limit // _ROWS_A_BATCH:
            self._batches.append(batch)
        else:
            self.dropped += len(facts)

    async def resolve(self, query: Query, below: Handler) -> Response:
        try:
            response = await below(query)
        except WireError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one query provokes must not end the service for all
            return self.excuse(query, error)
        return self.look(query, response)

    def excuse(self, query: Query, error: Exception) -> Response:
        """The answer when something below went wrong; it is recorded."""
        if isinstance(error, UpstreamError):
            ede: int = Ede.NO_REACHABLE_AUTHORITY if isinstance(error, UpstreamTimeout) else Ede.NETWORK_ERROR
        else:
            self.confess(error)
            ede = _OTHER_ERROR
        return self.look(query, failed(query, ede))

    def look(self, query: Query, response: Response) -> Response:
        self.by_source[response.source] += 1
        verdict = response.verdict
        if verdict.action is _BLOCK:
            self.blocked += 1
        if len(self._log) >= self._limit:
            self.dropped += 1
            return response
        latency = self._clock() - query.at
        if latency < 0:
            latency = 0.0
        self._log.append((self._wall() - latency, query.client, facts_of(query, response), latency))
        return response

    def confess(self, error: BaseException) -> None:
        """Each kind of failure is reported once, with its trace; all of them are counted."""
        self.errors += 1
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        kind = f"{type(error).__name__}@{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
        if kind not in self._confessed and len(self._confessed) < 100:
            self._confessed.add(kind)
            _LOG.error("a query could not be answered; the same failure is not reported again", exc_info=error)


def facts_of(query: Query, response: Response) -> Facts:
    """What the log says of this query."""
    addresses = response.peek.addresses if isinstance(response, Answer) and response.peek is not None else ()
    return Facts(
        query.name.text, query.qtype, response.rcode, response.source, response.verdict, response.targets, addresses
    )
