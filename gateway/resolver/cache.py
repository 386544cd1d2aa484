"""Keeps what upstreams said for as long as they said (RFC 2181, 2308), and longer when they are gone (RFC 8767)."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import OrderedDict
from collections.abc import Callable

from gateway.errors import UpstreamError, UpstreamTimeout, WireError
from gateway.model.dns import Ede, Rcode
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.resolver.answer import FAILURE_TTL, Answer, failed
from gateway.resolver.link import Handler
from gateway.wire.patch import aged, with_ttl
from gateway.wire.peek import ResponsePeek, peek_response
from gateway.wire.plain import peek_plain

STALE_TTL = 30
# RFC 8767 section 5: how long a client waits before it gets a stale answer, and how long nobody asks again then.
STALE_PATIENCE = 1.8
STALE_REST = 30.0
# Where no upstream has answered for a while, waiting longer would help nobody.
_PATIENCE_WHEN_DOWN = 0.2
# The last tenth of an answer's life: whoever asks in it wants it again.
_PREFETCH_SHARE = 10
_PREFETCH_MIN_TTL = 10
# The fast path comes back here at least this often, so that a name in use stays young in the cache.
_MAX_RECHECK = 120
_OVERHEAD = 300
# A plain number: an enum's member costs a look-up each time.
_SERVFAIL = int(Rcode.SERVFAIL)


class _Kept:
    """What cannot be read off an answer's bytes again, and its times, monotonic seconds: ten thousand of them stay."""

    __slots__ = ("ede", "ends", "made", "rcode", "resting_until", "wire")

    def __init__(self, answer: Response, ttl: int, now: float) -> None:
        self.wire = answer.wire
        self.rcode = answer.rcode
        self.ede = answer.ede
        self.made = now
        self.ends = now + ttl
        self.resting_until = 0.0


class Cache:
    """Bounded by entries and bytes; the entry that was not used for longest goes first.

    `reachable` tells whether any upstream has answered of late.
    """

    def __init__(
        self,
        *,
        entries: int,
        size: int,
        max_stale: int,
        clock: Callable[[], float],
        reachable: Callable[[], bool],
    ) -> None:
        self._max_entries = entries
        self._max_size = size
        self._max_stale = max_stale
        self._clock = clock
        self._reachable = reachable
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._failures: OrderedDict[bytes, tuple[float, int]] = OrderedDict()
        self._refreshes: dict[bytes, asyncio.Task[Response]] = {}
        self.size = 0
        self.hits = 0
        self.misses = 0
        self.stale = 0
        self.prefetches = 0

    def __len__(self) -> int:
        return len(self._kept)

    async def resolve(self, query: Query, below: Handler) -> Response:
        key, now = query.key, self._clock()
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            if kept.ends > now:
                return self._hit(key, kept, query, below, now)
        failure = self._failures.get(key)
        if failure is not None and failure[0] > now:
            return failed(query, failure[1], max(1, int(failure[0] - now)))
        self.misses += 1
        if kept is not None and kept.ends + self._max_stale > now:
            return await self._resolve_or_stale(key, kept, query, below, now)
        try:
            answer = await below(query)
        except UpstreamError as error:
            return self.excuse(query, error)
        self.keep(key, answer)
        return answer

    def is_new(self, key: bytes) -> bool:
        """True when nothing is known about this question, not even that it cannot be answered."""
        return key not in self._kept and key not in self._failures

    async def close(self) -> None:
        """Ends what is under way."""
        tasks = list(self._refreshes.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hit(self, key: bytes, kept: _Kept, query: Query, below: Handler, now: float) -> Response:
        self.hits += 1
        left, ttl = kept.ends - now, kept.ends - kept.made
        early = ttl / _PREFETCH_SHARE
        worth_it = ttl >= _PREFETCH_MIN_TTL
        if worth_it and left <= early and kept.resting_until <= now and self._reachable():
            kept.resting_until = now + early
            self.prefetches += 1
            self._refresh(key, query, below)
        recheck = left - early if worth_it and left > early else left
        peek = _peek(key, kept)
        return Answer(
            aged(kept.wire, peek.ttl_offsets, int(now - kept.made)), kept.rcode, Source.CACHE, ede=kept.ede,
            targets=peek.targets, ttl=int(left), peek=peek, recheck=min(int(recheck), _MAX_RECHECK),
        )  # fmt: skip

    async def _resolve_or_stale(self, key: bytes, kept: _Kept, query: Query, below: Handler, now: float) -> Response:
        if kept.resting_until > now:
            return self._stale(key, kept)
        task = self._refresh(key, query, below)
        patience = STALE_PATIENCE if self._reachable() else _PATIENCE_WHEN_DOWN
        await asyncio.wait({task}, timeout=patience)
        if task.done() and not task.cancelled() and isinstance(task.exception(), WireError):
            # This client asks too much: that tells nothing about the upstream, and the next one may ask.
            return self._stale(key, kept)
        if not task.done() or task.cancelled() or task.exception() is not None:
            kept.resting_until = self._clock() + STALE_REST
            return self._stale(key, kept)
        answer = task.result()
        if _is_poor(answer):
            kept.resting_until = self._clock() + STALE_REST
            return self._stale(key, kept)
        return answer

    def _stale(self, key: bytes, kept: _Kept) -> Response:
        self.stale += 1
        ede = Ede.STALE_NXDOMAIN if kept.rcode == Rcode.NXDOMAIN else Ede.STALE_ANSWER
        peek = _peek(key, kept)
        wire = with_ttl(kept.wire, peek.ttl_offsets, STALE_TTL)
        return Answer(wire, kept.rcode, Source.STALE, ede=ede, targets=peek.targets, ttl=STALE_TTL, peek=peek)

    def _refresh(self, key: bytes, query: Query, below: Handler) -> asyncio.Task[Response]:
        """One task a question; it keeps what it gets, whether or not anybody waits for it."""
        task = self._refreshes.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(key, query, below))
            self._refreshes[key] = task
            task.add_done_callback(lambda done: self._refreshed(key, done))
        return task

    async def _fetch(self, key: bytes, query: Query, below: Handler) -> Response:
        response = await below(query)
        if not _is_poor(response):
            self.keep(key, response)
        return response

    def _refreshed(self, key: bytes, task: asyncio.Task[Response]) -> None:
        self._refreshes.pop(key, None)
        if not task.cancelled():
            # Read, so that a failure which nobody waited for is not reported as forgotten: the forwarder counted it.
            task.exception()

    def excuse(self, query: Query, error: UpstreamError) -> Response:
        """The answer when there is none to be had, which is remembered for a moment."""
        ede = Ede.NO_REACHABLE_AUTHORITY if isinstance(error, UpstreamTimeout) else Ede.NETWORK_ERROR
        self._remember_failure(query.key, ede)
        return failed(query, ede, FAILURE_TTL)

    def _remember_failure(self, key: bytes, ede: int) -> None:
        self._failures[key] = (self._clock() + FAILURE_TTL, ede)
        self._failures.move_to_end(key)
        while len(self._failures) > self._max_entries:
            self._failures.popitem(last=False)

    def keep(self, key: bytes, response: Response) -> None:
        """Keeps what an upstream said for as long as it may be kept."""
        known = self._kept.get(key)
        if known is not None and known.wire is response.wire:
            return
        if self._failures:
            self._failures.pop(key, None)
        rcode, ttl = response.rcode, response.ttl
        if rcode == _SERVFAIL:
            self._remember_failure(key, response.ede if response.ede is not None else Ede.NO_REACHABLE_AUTHORITY)
            return
        if ttl <= 0 or not isinstance(response, Answer):
            return
        kept = _Kept(response, ttl, self._clock())
        size = len(key) + len(kept.wire) + _OVERHEAD
        if size > self._max_size:
            return
        self._kept[key] = kept
        if known is not None:
            self.size -= _size(key, known)
            self._kept.move_to_end(key)
        self.size += size
        while len(self._kept) > self._max_entries or self.size > self._max_size:
            self.size -= _size(*self._kept.popitem(last=False))


def _is_poor(answer: Response) -> bool:
    """True for what a stale answer is better than."""
    return answer.rcode == _SERVFAIL or (isinstance(answer, Answer) and answer.half)


def _size(key: bytes, kept: _Kept) -> int:
    return len(key) + len(kept.wire) + _OVERHEAD


def _peek(key: bytes, kept: _Kept) -> ResponsePeek:
    """What was known of the answer when it came, and what it said beside its records, which it carries no more."""
    peek = peek_plain(kept.wire, key[:-1]) or peek_response(kept.wire)
    return peek if kept.ede is None else dataclasses.replace(peek, ede=kept.ede)
