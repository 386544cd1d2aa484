from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import dns.message
import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.resolver.upstream.stream import StreamUpstream
from gateway.wire.question import Question
from tests.support.upstream import Upstream
from tests.unit.wire.samples import query

ZONE = {"*.example.com": "60 A 192.0.2.1"}
WWW = Question.of(query("www.example.com"))


@pytest.fixture
def server() -> Iterator[Upstream]:
    with Upstream(ZONE) as server:
        yield server


def play(server: Upstream, story: Callable[[StreamUpstream], Awaitable[Any]]) -> None:
    async def run() -> None:
        upstream = StreamUpstream(*server.address, timeout=0.5)
        try:
            await story(upstream)
        finally:
            await upstream.close()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_questions_share_a_connection_and_answers_come_in_any_order(server: Upstream) -> None:
    server.fail("n0.example.com", delay=0.05)

    async def story(upstream: StreamUpstream) -> None:
        asked = [upstream.ask(Question.of(query(f"n{n}.example.com"))) for n in range(20)]
        for n, reply in enumerate(await asyncio.gather(*asked)):
            assert dns.message.from_wire(reply).question[0].name.to_text() == f"n{n}.example.com."

    play(server, story)
    assert len({one.client for one in server.asked}) == 1


def test_a_connection_that_was_closed_is_opened_again(server: Upstream) -> None:
    async def story(upstream: StreamUpstream) -> None:
        await upstream.ask(WWW)
        server.fail_all(close_tcp=True, times=1)
        assert dns.message.from_wire(await upstream.ask(WWW)).answer

    play(server, story)


def test_a_server_that_always_hangs_up_gives_no_answer(server: Upstream) -> None:
    server.fail_all(close_tcp=True)

    async def story(upstream: StreamUpstream) -> None:
        with pytest.raises(UpstreamError, match="cannot be reached"):
            await upstream.ask(WWW)

    play(server, story)
    assert len(server.asked) <= 2


def test_a_server_that_restarts_is_found_again(server: Upstream) -> None:
    async def story(upstream: StreamUpstream) -> None:
        await upstream.ask(WWW)
        await asyncio.to_thread(server.stop)
        with pytest.raises(UpstreamError):
            await upstream.ask(WWW)
        await asyncio.to_thread(server.start)
        assert dns.message.from_wire(await upstream.ask(WWW)).answer

    play(server, story)


def test_silence_is_a_timeout(server: Upstream) -> None:
    server.fail_all(drop=True)

    async def story(upstream: StreamUpstream) -> None:
        with pytest.raises(UpstreamTimeout):
            await upstream.ask(WWW)

    play(server, story)


@pytest.mark.parametrize("fault", ["wrong_question", "truncate", "query_back"])
def test_what_does_not_answer_the_question_is_refused(server: Upstream, fault: str) -> None:
    server.fail_all(**{fault: True})

    async def story(upstream: StreamUpstream) -> None:
        with pytest.raises(UpstreamError):
            await upstream.ask(WWW)

    play(server, story)


def test_an_answer_may_come_byte_by_byte(server: Upstream) -> None:
    server.fail_all(drip=0.001)

    async def story(upstream: StreamUpstream) -> None:
        assert dns.message.from_wire(await upstream.ask(WWW)).answer

    play(server, story)


def test_closing_ends_every_question(server: Upstream) -> None:
    server.fail_all(drop=True)

    async def story(upstream: StreamUpstream) -> None:
        asked = [upstream.ask(Question.of(query(f"n{n}.example.com"))) for n in range(5)]
        await asyncio.sleep(0.05)
        await upstream.close()
        assert all(one.done() for one in asked)

    play(server, story)
