from __future__ import annotations

import asyncio
from collections import deque

import pytest

from gateway.model.lookup import LogRow
from gateway.resolver.recorder import LogQueue
from gateway.resolver.service import Resolver
from tests.support.clock import run_simulated
from tests.support.serving import Serving, rules
from tests.unit.resolver.stage import ScriptedUpstream
from tests.unit.wire.samples import query


def test_counters_are_numbers_and_start_at_nothing() -> None:
    resolver = Resolver(log=LogQueue(rows=deque()), upstreams=[], policy=rules(), device_of=lambda client: None)
    assert set(resolver.counters().values()) == {0}


def test_the_chain_can_be_asked_without_sockets() -> None:
    async def story() -> None:
        log: deque[LogRow] = deque()
        upstream = ScriptedUpstream({"www.example.com": "60 A 192.0.2.1"})
        resolver = Resolver(
            log=LogQueue(rows=log), upstreams=[upstream], policy=rules(), device_of=lambda client: client
        )
        assert (await resolver.resolve(query("www.example.com"))).rcode == 0
        assert [state.url for state in resolver.upstreams()] == [upstream.url]
        assert len(log) == 1
        await resolver.stop()
        assert upstream.closed

    run_simulated(story())


def test_a_resolver_that_serves_nobody_stops_at_once() -> None:
    with Serving() as serving:
        assert serving.counters()["queries_udp"] == 0


def test_stopping_twice_is_no_harm() -> None:
    async def story() -> None:
        resolver = Resolver(log=LogQueue(rows=deque()), upstreams=[], policy=rules(), device_of=lambda client: None)
        await resolver.stop()
        await resolver.stop()

    asyncio.run(story())


@pytest.mark.expects_log("a query could not be answered")
def test_a_broken_policy_costs_answers_and_never_the_service() -> None:
    from tests.support.client import ask

    class Broken:
        generation = 1

        def decide(self, name: str, device: str | None, qtype: int = 1) -> None:
            raise ZeroDivisionError

        decide_target = decide

        def profile(self, device: str | None) -> None:
            return None

    with Serving(policy=Broken()) as serving:  # type: ignore[arg-type]
        for tcp in (False, True, False):
            assert ask("www.example.com", server=serving.server, tcp=tcp, edns=1232).rcode() == 2
        assert serving.counters()["errors"] == 3
        serving.swap(rules(block=["www.example.com"]))
        assert ask("www.example.com", server=serving.server).rcode() == 0
