"""Simulated televisions and their internet over real sockets."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from gateway.application.sockets import bind_dns
from gateway.demo.fleet import TELEVISIONS, Fleet
from gateway.demo.internet import Internet, simulated_internet
from gateway.demo.stub import StubResolver
from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.model.dns import QType
from gateway.settings import Endpoint
from tests.support.client import Connection, addresses, ask, burst, question
from tests.support.upstream import Upstream

pytestmark = pytest.mark.integration

ZONE = {
    "tv.example": ["60 A 192.0.2.1", "60 AAAA 2001:db8::1"],
    "big.example": [f"60 A 192.0.2.{n}" for n in range(1, 91)],
}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as server:
        yield server


def an_internet(**how: Any) -> AbstractAsyncContextManager[Internet]:
    bound = bind_dns((Endpoint("127.0.0.1", 0),))
    return simulated_internet(bound.udp[0], bound.tcp[0], **how)


def test_the_internet_answers_over_udp_and_tcp() -> None:
    async def story() -> None:
        async with an_internet() as internet:
            server = internet.address
            assert internet.url == f"udp://127.0.0.1:{server[1]}"
            udp = await asyncio.to_thread(ask, "appboot.netflix.com", "A", server, edns=1232)
            assert [rrset.ttl for rrset in udp.answer] == [109, 363, 60]
            tcp = await asyncio.to_thread(ask, "appboot.netflix.com", "A", server, tcp=True)
            assert addresses(tcp) == addresses(udp)
            spelt = await asyncio.to_thread(ask, "tv.example", "A", server, spelling="Tv.eXample")
            assert spelt.rcode() == dns.rcode.NOERROR
            gone = await asyncio.to_thread(ask, "yumenetworks.com", "A", server)
            assert gone.rcode() == dns.rcode.NXDOMAIN

    asyncio.run(story())


def test_the_internet_answers_many_at_once() -> None:
    async def story() -> None:
        async with an_internet(latency=lambda _: 0.0) as internet:
            asked = [question(f"n{n}.example.net", message_id=n) for n in range(400)]
            answers = await asyncio.to_thread(burst, asked, internet.address)
            assert all(answers)
            assert internet.answered == 400

    asyncio.run(story())


def test_one_connection_may_ask_often_and_nonsense_ends_it() -> None:
    def visit(server: tuple[str, int]) -> None:
        with Connection(server) as connection:
            for number in (1, 2):
                connection.send(question("a.example.net", message_id=number).to_wire())
                assert dns.message.from_wire(connection.receive()).id == number
            connection.send(b"nonsense")
            assert connection.is_closed_by_peer()

    async def story() -> None:
        async with an_internet() as internet:
            await asyncio.to_thread(visit, internet.address)

    asyncio.run(story())


def test_the_internet_ends_with_open_connections_and_questions() -> None:
    async def story() -> None:
        async with an_internet(latency=lambda _: 60.0) as internet:
            _, writer = await asyncio.open_connection(*internet.address)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(question("a.example.net").to_wire(), internet.address)
                await asyncio.sleep(0.05)
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*internet.address)

    asyncio.run(asyncio.wait_for(story(), 10))


def test_a_television_asks_from_its_own_address(upstream: Upstream) -> None:
    stub = StubResolver("127.0.0.21", upstream.address)
    answer = asyncio.run(stub.ask("tv.example", QType.AAAA))
    assert answer.addresses == ("2001:db8::1",)
    assert asyncio.run(stub.ask("tv.example", QType.A, tcp=True)).addresses == ("192.0.2.1",)
    assert [(one.client[0], one.transport) for one in upstream.asked] == [("127.0.0.21", "udp"), ("127.0.0.21", "tcp")]


def test_a_truncated_answer_is_asked_for_over_tcp(upstream: Upstream) -> None:
    answer = asyncio.run(StubResolver("127.0.0.21", upstream.address).ask("big.example", QType.A))
    assert len(answer.addresses) == 90
    assert [one.transport for one in upstream.asked] == ["udp", "tcp"]


def test_a_lost_answer_is_asked_for_again(upstream: Upstream) -> None:
    upstream.fail("tv.example", drop=True, times=1)
    stub = StubResolver("127.0.0.21", upstream.address, timeout=0.2)
    assert asyncio.run(stub.ask("tv.example", QType.A)).addresses == ("192.0.2.1",)
    assert upstream.count("tv.example") == 2


def test_forged_answers_are_overheard(upstream: Upstream) -> None:
    stub = StubResolver("127.0.0.21", upstream.address, timeout=0.15)
    for fault in ({"wrong_id": True}, {"wrong_question": True}, {"garbage": True}, {"drop": True}, {"cut": 30}):
        upstream.fail("tv.example", **fault)
        with pytest.raises(UpstreamTimeout):
            asyncio.run(stub.ask("tv.example", QType.A))


def test_a_resolver_that_is_gone_or_hangs_up_is_an_error_not_a_crash(upstream: Upstream) -> None:
    stub = StubResolver("127.0.0.21", upstream.address, timeout=0.3)
    upstream.fail("tv.example", close_tcp=True)
    with pytest.raises(UpstreamError):
        asyncio.run(stub.ask("tv.example", QType.A, tcp=True))
    upstream.stop()
    for tcp in (False, True):
        with pytest.raises(UpstreamError):
            asyncio.run(stub.ask("tv.example", QType.A, tcp=tcp))


def test_a_fleet_lives_on_its_internet() -> None:
    async def story() -> dict[str, Counter[str]]:
        async with an_internet() as internet:
            fleet = Fleet(internet.address, pace=20, seed=3)
            running = asyncio.create_task(fleet.run())
            await asyncio.sleep(2.0)
            await fleet.stop()
            await running
            return fleet.counts()

    counts = asyncio.run(asyncio.wait_for(story(), 30))
    assert set(counts) == {script.label for script in TELEVISIONS}
    for label, one in counts.items():
        assert one["asked"] >= 20, (label, one)
        assert one["unanswered"] == 0, (label, one)


def test_a_blocked_roku_storms_and_calms_down() -> None:
    blocked = {
        "scribe.logs.roku.com": ["10 A 0.0.0.0", "10 AAAA ::"],
        "*.com": "60 A 192.0.2.1",
        "*.tv": "60 A 192.0.2.1",
    }
    roku = next(script for script in TELEVISIONS if script.maker == "Roku")
    quick = dataclasses.replace(roku, storms=tuple(dataclasses.replace(s, seconds=1.0) for s in roku.storms))

    async def story(server: tuple[str, int]) -> int:
        fleet = Fleet(server, [quick], pace=20, seed=1)
        running = asyncio.create_task(fleet.run())
        await asyncio.sleep(4.0)
        await fleet.stop()
        await running
        return fleet.counts()["Roku TV"]["storms"]

    with Upstream(blocked) as server:
        assert asyncio.run(story(server.address)) == 1
        assert 16 <= server.count("scribe.logs.roku.com") <= 24
        assert {one.client[0] for one in server.asked} == {"127.0.0.23"}
