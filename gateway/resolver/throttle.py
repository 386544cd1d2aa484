"""One client that asks for ever new names is slowed down, so that it takes nothing from the others.

Only questions that an upstream would have to be asked count: what the memo or the cache knows is free, and so is a
question that is under way already. Nobody is ever answered REFUSED: televisions answer that with thousands of retries.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from gateway.errors import WireError
from gateway.model.dns import Rcode
from gateway.model.query import Query, Transport
from gateway.model.response import Response, Source
from gateway.resolver.link import Handler
from gateway.resolver.options import ResolverOptions
from gateway.wire.message import truncated

_CLIENTS = 4_096


class ClientThrottle:
    """A token bucket for each device, or address where the device is not known: `client_burst` questions at once,
    `client_rate` a second from then on; rate 0 is no limit.

    Above that a client waits, over UDP at most `client_patience` seconds: what would wait longer is dropped, for the
    client asks again anyway. With `client_slip` n, every n-th of those gets an empty answer with TC set instead, which
    leads a real client to TCP. This machine itself is not limited: a proxy on it may speak for a whole home.
    """

    def __init__(
        self,
        options: ResolverOptions,
        *,
        clock: Callable[[], float],
        is_under_way: Callable[[bytes], bool],
        holder_of: Callable[[str], str],
    ) -> None:
        self._rate, self._burst = options.client_rate, float(options.client_burst)
        self._patience, self._slip = options.client_patience, options.client_slip
        self._clock = clock
        self._is_under_way = is_under_way
        self._holder_of = holder_of
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.slowed = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._buckets)

    def admits(self, query: Query) -> bool:
        """True when this question may be asked at once, which is counted."""
        client = query.client
        if self._rate <= 0 or client.startswith("127.") or client == "::1":
            return True
        holder, now = self._holder_of(client), self._clock()
        level, then = self._buckets.pop(holder, (self._burst, now))
        level = min(level + (now - then) * self._rate, self._burst)
        wait = (1 - level) / self._rate
        if wait <= 0 or self._is_under_way(query.key):
            self._put(holder, level - (wait <= 0), now)
            return True
        self._put(holder, level, now)
        return False

    async def resolve(self, query: Query, below: Handler) -> Response:
        if self.admits(query):
            return await below(query)
        holder = self._holder_of(query.client)
        level, now = self._buckets[holder]
        wait = (1 - level) / self._rate
        if wait > self._patience and query.transport is Transport.UDP:
            return self._drop(query)
        self._put(holder, level - 1, now)
        self.slowed += 1
        await asyncio.sleep(wait)
        return await below(query)

    def _put(self, holder: str, level: float, now: float) -> None:
        """Who was quiet for longest is forgotten first: its bucket is the fullest."""
        self._buckets[holder] = (level, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)

    def _drop(self, query: Query) -> Response:
        self.dropped += 1
        if self._slip and self.dropped % self._slip == 0:
            return Response(truncated(query), Rcode.NOERROR, Source.ERROR)
        raise WireError("This client asks for new names faster than they can be looked up.")
