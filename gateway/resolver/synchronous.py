"""The chain without a coroutine, for UDP: what is answered at once, and names that nobody here knows yet.

A coroutine for each link, and whatever drives them, cost more than the links themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from gateway.errors import UpstreamError, WireError
from gateway.model.query import Query
from gateway.model.response import Response
from gateway.resolver.answer import Answer
from gateway.resolver.cache import Cache
from gateway.resolver.clients import Client
from gateway.resolver.forward_zones import ForwardZones
from gateway.resolver.forwarder import Forwarder
from gateway.resolver.link import Link, Prompt
from gateway.resolver.recorder import Recorder
from gateway.resolver.throttle import ClientThrottle
from gateway.resolver.waiting import Key

_Answer: TypeAlias = Callable[[Query], Response | None]
_Look: TypeAlias = Callable[[Query, Response], Response]


class Errand:
    """One datagram under way: who asked what, where the answer goes, and the epoch of the memos when it came."""

    __slots__ = ("client", "epoch", "key", "query", "reply")

    def __init__(self, query: Query, client: Client, reply: Callable[[bytes], None], key: Key, epoch: int) -> None:
        self.query = query
        self.client = client
        self.reply = reply
        self.key = key
        self.epoch = epoch


class SynchronousChain:
    """Walks the links of `ordered`, the chain's own list, by plain calls. Who may have to wait stands at its end: the
    cache, the throttle and the forwarder; whatever would wait there goes the long way.

    `finish` is called once for each errand that departed, with None when silence is the answer.
    """

    def __init__(
        self,
        ordered: Sequence[Link],
        *,
        recorder: Recorder,
        cache: Cache,
        throttle: ClientThrottle,
        forwarder: Forwarder | ForwardZones,
        finish: Callable[[Errand, Response | None], None],
    ) -> None:
        prompt = [link for link in ordered if isinstance(link, Prompt)]
        if [*prompt, cache, throttle] != list(ordered):
            raise ValueError("Links that may wait stand below all that never do: the cache, then the throttle.")
        # Of each link only what it has to say, from the top; and who sees its answer on the way up.
        self._down: list[tuple[_Answer, tuple[_Look, ...]]] = [
            (link.answer, _looks(prompt[:place]))
            for place, link in enumerate(prompt)
            if type(link).answer is not Prompt.answer
        ]
        self._up = _looks(prompt)
        self._recorder = recorder
        self._cache = cache
        self._throttle = throttle
        self._forwarder = forwarder
        self._finish = finish
        self._closed = False
        self.under_way = 0

    def depart(self, errand: Errand) -> bool:
        """False when it would have to wait for more than an upstream; then nothing has happened yet."""
        query = errand.query
        try:
            for answer, looks in self._down:
                response = answer(query)
                if response is not None:
                    for look in looks:
                        response = look(query, response)
                    self._finish(errand, response)
                    return True
        except WireError:
            self._finish(errand, None)
            return True
        except Exception as error:  # noqa: BLE001 - as in `Recorder.resolve`
            self._finish(errand, self._recorder.excuse(query, error))
            return True
        if not (self._cache.is_new(query.key) and self._throttle.admits(query)):
            return False
        self._cache.misses += 1
        self.under_way += 1
        self._forwarder.ask(query, partial(self.land, errand))
        return True

    def land(self, errand: Errand, answer: Answer | None, error: Exception | None) -> None:
        """The way up: with the answer of an upstream, or without one."""
        query = errand.query
        response: Response | None = None
        self.under_way -= 1
        if not self._closed:
            try:
                if answer is not None:
                    self._cache.keep(query.key, answer)
                    response = answer
                elif isinstance(error, UpstreamError):
                    response = self._cache.excuse(query, error)
                else:
                    raise error or AssertionError("neither an answer nor a reason")
                for look in self._up:
                    response = look(query, response)
            except WireError:
                response = None
            except Exception as mistake:  # noqa: BLE001 - as in `Recorder.resolve`
                response = self._recorder.excuse(query, mistake)
        self._finish(errand, response)

    def close(self) -> None:
        """Whoever is still under way gets silence."""
        self._closed = True


def _looks(links: Sequence[Prompt]) -> tuple[_Look, ...]:
    return tuple(link.look for link in reversed(links) if type(link).look is not Prompt.look)
