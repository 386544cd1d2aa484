from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest

from gateway.model.lookup import LogRow
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.resolver.cache import Cache
from gateway.resolver.clients import Client
from gateway.resolver.filter import Filter
from gateway.resolver.forwarder import Forwarder
from gateway.resolver.options import ResolverOptions
from gateway.resolver.recorder import Recorder
from gateway.resolver.synchronous import Errand, SynchronousChain
from gateway.resolver.throttle import ClientThrottle
from tests.support.clock import run_simulated, simulated_now
from tests.support.serving import rules
from tests.unit.resolver.stage import ScriptedUpstream, down
from tests.unit.wire.samples import query


class Box:
    """A short chain, with everything that a chain without coroutines needs."""

    def __init__(self, **throttle: Any) -> None:
        self.log: deque[LogRow] = deque()
        self.upstream = ScriptedUpstream({"www.example.com": "60 A 192.0.2.1"})
        self.forwarder = Forwarder([self.upstream], lambda change: None)
        self.recorder = Recorder(self.log, 100, clock=simulated_now, wall=simulated_now)
        policy = Filter(rules(block=["ads.example"]), lambda client: client, mode="null", ttl=10)
        self.cache = Cache(
            entries=10, size=100_000, max_stale=100, clock=simulated_now,
            reachable=lambda: True,
        )  # fmt: skip
        limits = {"rate": 10.0, "burst": 5, "patience": 1.0, "slip": 0} | throttle
        self.throttle = ClientThrottle(
            ResolverOptions(**{f"client_{name}": value for name, value in limits.items()}),
            clock=simulated_now,
            is_under_way=self.forwarder.is_under_way,
            holder_of=str,
        )
        self.finished: list[Response | None] = []
        self.chain = self.make([self.recorder, policy, self.cache, self.throttle])

    def make(self, ordered: list[Any]) -> SynchronousChain:
        return SynchronousChain(
            ordered, recorder=self.recorder, cache=self.cache, throttle=self.throttle, forwarder=self.forwarder,
            finish=lambda errand, response: self.finished.append(response),
        )  # fmt: skip

    def depart(self, asked: Query) -> bool:
        client = Client(asked.client, True, None, {})
        return self.chain.depart(Errand(asked, client, lambda reply: None, (asked.client, b""), 0))

    def sources(self) -> list[Source | None]:
        return [None if response is None else response.source for response in self.finished]


def test_a_new_name_comes_back_from_the_upstream_is_kept_and_recorded() -> None:
    async def story() -> None:
        box = Box()
        assert box.depart(query("www.example.com"))
        assert (box.finished, box.chain.under_way, box.cache.misses) == ([], 1, 1)
        await asyncio.sleep(0.1)
        assert (box.sources(), box.chain.under_way) == ([Source.UPSTREAM], 0)
        assert (len(box.cache), len(box.log)) == (1, 1)

    run_simulated(story())


def test_what_the_cache_knows_or_may_have_to_wait_goes_the_long_way_and_nothing_has_happened() -> None:
    async def story() -> None:
        box = Box(burst=1)
        assert box.depart(query("www.example.com"))
        await asyncio.sleep(0.05)
        assert not box.depart(query("www.example.com"))
        assert not box.depart(query("next.example.com"))
        assert (len(box.finished), len(box.log), box.cache.misses, len(box.upstream.asked)) == (1, 1, 1, 1)

    run_simulated(story())


def test_a_blocked_name_is_answered_at_once() -> None:
    async def story() -> None:
        box = Box()
        assert box.depart(query("ads.example"))
        assert (box.sources(), len(box.log), box.upstream.asked) == ([Source.POLICY], 1, [])

    run_simulated(story())


def test_a_failure_is_an_answer_and_remembered() -> None:
    async def story() -> None:
        box = Box()
        box.upstream.error = down()
        assert box.depart(query("www.example.com"))
        await asyncio.sleep(5)
        assert (box.sources(), len(box.log)) == ([Source.ERROR], 1)
        box.depart(query("www.example.com"))
        await box.forwarder.close()

    run_simulated(story())


def test_a_transport_that_makes_a_mistake_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        box = Box()
        monkeypatch.setattr(box.recorder, "confess", confessed.append)
        monkeypatch.setattr(box.upstream, "ask", lambda question: 1 // 0)
        assert box.depart(query("www.example.com"))
        assert (box.sources(), box.chain.under_way) == ([Source.ERROR], 0)
        await box.forwarder.close()

    confessed: list[BaseException] = []
    run_simulated(story())
    assert isinstance(confessed[0], ZeroDivisionError)


def test_after_the_end_there_is_silence() -> None:
    async def story() -> None:
        box = Box()
        box.depart(query("www.example.com"))
        box.chain.close()
        await box.forwarder.close()
        assert (box.finished, len(box.log)) == ([None], 0)

    run_simulated(story())


def test_links_that_may_wait_stand_at_the_end() -> None:
    box = Box()
    with pytest.raises(ValueError, match="below"):
        box.make([box.cache, box.throttle, box.recorder])
