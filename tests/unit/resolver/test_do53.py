from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import dns.message
import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.resolver.upstream.do53 import DatagramUpstream
from gateway.wire.question import Question
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until_async
from tests.unit.wire.samples import query

ZONE = {"*.example.com": "60 A 192.0.2.1"}
WWW = Question.of(query("www.example.com"))


@pytest.fixture
def server() -> Iterator[Upstream]:
    with Upstream(ZONE) as server:
        yield server


def play(server: Upstream, story: Callable[[DatagramUpstream], Awaitable[Any]], timeout: float = 0.4) -> None:
    async def run() -> None:
        upstream = DatagramUpstream(*server.address, timeout=timeout)
        try:
            await story(upstream)
        finally:
            await upstream.close()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_the_answer_is_handed_on_as_it_came(server: Upstream) -> None:
    async def story(upstream: DatagramUpstream) -> None:
        answer = dns.message.from_wire(await upstream.ask(WWW))
        assert answer.answer[0][0].address == "192.0.2.1"
        assert answer.edns == 0

    play(server, story)


def test_after_a_flood_it_is_swept_up_in_bites_and_all_of_it(server: Upstream) -> None:
    async def story(upstream: DatagramUpstream) -> None:
        for n in range(8):
            await asyncio.gather(*[upstream.ask(Question.of(query(f"n{n}-{m}.example.com"))) for m in range(50)])
        left = len(upstream._timing)
        while upstream._timing:
            await asyncio.sleep(0.002)
            assert left - len(upstream._timing) <= 3 * 128, "one round of the loop never sweeps up everything"
            left = len(upstream._timing)
        await wait_until_async(lambda: not upstream._retired)

    play(server, story)


def test_of_a_dead_upstream_a_thousand_questions_end_together(server: Upstream) -> None:
    async def story(upstream: DatagramUpstream) -> None:
        later = asyncio.create_task(asyncio.sleep(0.4 * 20))
        asked = [upstream.ask(Question.of(query(f"n{n}.example.com"))) for n in range(1_000)]
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(each) for each in ended} == {UpstreamTimeout}
        assert not later.done(), "not one after the other"
        later.cancel()
        await asyncio.gather(later, return_exceptions=True)

    server.fail_all(drop=True)
    play(server, story)


def test_ports_are_used_for_a_handful_of_questions_and_never_pile_up(server: Upstream) -> None:
    async def story(upstream: DatagramUpstream) -> None:
        for n in range(40):
            asked = [upstream.ask(Question.of(query(f"n{n}-{m}.example.com"))) for m in range(25)]
            await asyncio.gather(*asked)
            assert len(upstream._ports) <= 16
            assert len(upstream._retired) <= 48
        per_port: dict[int, set[str]] = {}
        for one in server.asked:
            # On a busy machine one is asked again, from the same port.
            per_port.setdefault(one.client[1], set()).add(one.name)
        assert len(per_port) >= 1000 / 32
        assert max(map(len, per_port.values())) <= 32

    play(server, story)


def test_silence_is_a_timeout(server: Upstream) -> None:
    server.fail_all(drop=True)

    async def story(upstream: DatagramUpstream) -> None:
        with pytest.raises(UpstreamTimeout, match=r"did not answer within 0\.4 s"):
            await upstream.ask(WWW)
        assert all(not port.open for port in upstream._ports)

    play(server, story)


def test_a_closed_port_is_an_error_and_no_timeout(server: Upstream) -> None:
    server.stop()

    async def story(upstream: DatagramUpstream) -> None:
        for _ in range(3):
            with pytest.raises(UpstreamError, match="cannot be reached"):
                await upstream.ask(WWW)

    play(server, story)


@pytest.mark.parametrize("tcp", ["refused", "silent", "there"])
def test_an_upstream_that_spells_names_its_own_way_answers_the_first_question(server: Upstream, tcp: str) -> None:
    server.fail_all(lower_case=True)
    if tcp == "silent":
        server.fail("www.example.com", drop=True, transport="tcp")
    elif tcp == "refused":
        server.stop()
        server.over_tcp = False
        server.start()

    async def story(upstream: DatagramUpstream) -> None:
        for n in range(2):
            answer = dns.message.from_wire(await upstream.ask(WWW))
            assert answer.answer[0][0].address == "192.0.2.1", n
        if tcp != "there":
            over_udp = [one for one in server.asked if one.transport == "udp"]
            assert [one.name == one.name.lower() for one in over_udp] == [False, True] * 2
            assert len({(one.id, one.client) for one in over_udp}) == 4, "a forger has to guess anew"

    play(server, story, timeout=2.0)


def test_an_upstream_that_writes_names_in_capitals_is_believed_in_the_end(server: Upstream) -> None:
    server.fail_all(upper_case=True)

    async def story(upstream: DatagramUpstream) -> None:
        for n in range(6):
            answer = dns.message.from_wire(await upstream.ask(Question.of(query(f"n{n}.example.com"))))
            assert answer.answer[0][0].address == "192.0.2.1"
        assert sum(one.transport == "tcp" for one in server.asked) == 3

    play(server, story, timeout=2.0)


def test_forged_answers_are_counted_and_do_not_disturb(server: Upstream) -> None:
    server.fail_all(wrong_id=True, transport="udp")

    async def story(upstream: DatagramUpstream) -> None:
        with pytest.raises(UpstreamTimeout):
            await upstream.ask(WWW)
        assert upstream.forged >= 1

    play(server, story)


def test_truncation_leads_to_tcp(server: Upstream) -> None:
    server.fail_all(truncate=True, transport="udp")

    async def story(upstream: DatagramUpstream) -> None:
        assert dns.message.from_wire(await upstream.ask(WWW)).answer

    play(server, story)
    assert [one.transport for one in server.asked] == ["udp", "tcp"]


def test_when_tcp_fails_too_there_is_no_answer(server: Upstream) -> None:
    server.fail_all(truncate=True, transport="udp")
    server.fail("www.example.com", truncate=True)

    async def story(upstream: DatagramUpstream) -> None:
        with pytest.raises(UpstreamError):
            await upstream.ask(WWW)

    play(server, story)


def test_closing_ends_every_question(server: Upstream) -> None:
    server.fail_all(drop=True)

    async def story(upstream: DatagramUpstream) -> None:
        asked = [upstream.ask(Question.of(query(f"n{n}.example.com"))) for n in range(30)]
        await asyncio.sleep(0.05)
        await upstream.close()
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(result) for result in results} == {UpstreamError}

    play(server, story)
