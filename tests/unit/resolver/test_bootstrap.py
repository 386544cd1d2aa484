from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.resolver.upstream import parse_upstream
from gateway.resolver.upstream.bootstrap import Bootstrap
from gateway.resolver.upstream.encryption import Encryption
from gateway.resolver.upstream.place import connect_first
from gateway.wire.question import Question
from tests.support.certificates import Authority
from tests.support.clock import run_simulated, simulated_now
from tests.support.tls_upstream import TlsUpstream
from tests.support.upstream import Upstream
from tests.unit.resolver.stage import ScriptedUpstream
from tests.unit.wire.samples import query

NAME = "dns.telltale.test"
BOTH = {NAME: ["300 A 192.0.2.7", "300 AAAA 2001:db8::7"]}


def scripted(zone: dict[str, list[str]] | None = None) -> ScriptedUpstream:
    return ScriptedUpstream(BOTH if zone is None else zone)


def test_both_families_are_found_and_kept_as_long_as_they_say() -> None:
    async def story() -> None:
        resolver = scripted()
        bootstrap = Bootstrap([resolver], clock=simulated_now)
        assert await bootstrap.look_up(NAME) == ["192.0.2.7", "2001:db8::7"]
        await bootstrap.look_up(NAME)
        assert len(resolver.asked) == 2
        await asyncio.sleep(301)
        await bootstrap.look_up(NAME)
        assert len(resolver.asked) == 4

    run_simulated(story())


def test_the_last_good_address_is_kept_when_nobody_answers() -> None:
    async def story() -> None:
        resolver = scripted()
        bootstrap = Bootstrap([resolver], clock=simulated_now)
        await bootstrap.look_up(NAME)
        resolver.error = UpstreamTimeout("no answer")
        await asyncio.sleep(100_000)
        assert await bootstrap.look_up(NAME) == ["192.0.2.7", "2001:db8::7"]
        with pytest.raises(UpstreamError, match=r"Where other\.test is cannot be found out: no answer"):
            await bootstrap.look_up("other.test")

    run_simulated(story())


def test_one_answer_of_several_resolvers_and_one_family_of_two_is_enough() -> None:
    async def story() -> None:
        dead, slow, fast = scripted(), scripted(), scripted({NAME: ["60 AAAA 2001:db8::8"]})
        dead.error = UpstreamError("the network is down")
        slow.delay = 1.9
        start = simulated_now()
        assert await Bootstrap([dead, slow, fast], clock=simulated_now).look_up(NAME) == ["2001:db8::8"]
        assert simulated_now() - start < 0.1
        await slow.close()

    run_simulated(story())


def test_a_name_without_addresses_is_an_error() -> None:
    async def story() -> None:
        with pytest.raises(UpstreamError, match="has no address"):
            await Bootstrap([scripted({NAME: ["60 TXT x"]})], clock=simulated_now).look_up(NAME)
        with pytest.raises(UpstreamError, match="no bootstrap address is set"):
            await Bootstrap([], clock=simulated_now).look_up(NAME)

    run_simulated(story())


def test_an_address_that_does_not_answer_is_overtaken_by_the_next() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as there:
            # Addresses of documentation (RFC 5737) lead nowhere, whether the network says so or is silent.
            sock = await connect_first(["192.0.2.1", "127.0.0.1"], there.getsockname()[1])
            assert sock.getpeername()[0] == "127.0.0.1"
            sock.close()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(story())


def test_when_no_address_takes_a_connection_the_last_reason_is_reported() -> None:
    async def story() -> None:
        with pytest.raises(ConnectionRefusedError):
            await connect_first(["127.0.0.1", "127.0.0.2"], 1)
        with pytest.raises(OSError, match="no address"):
            await connect_first([], 1)

    asyncio.run(story())


def test_an_upstream_with_a_name_is_looked_up_once_and_reached_encrypted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    question = Question.of(query("www.example.com"))
    with (
        Upstream({NAME: "300 A 127.0.0.1"}) as plain,
        TlsUpstream({"*.example.com": "60 A 192.0.2.1"}, certificate=authority.issue(NAME)) as server,
    ):

        async def story() -> None:
            bootstrap = Bootstrap([parse_upstream(plain.url)])
            upstream = parse_upstream(f"tls://{NAME}:{server.port}", Encryption(bootstrap, roots=authority.roots))
            await upstream.ask(question)
            server.hang_up()
            await asyncio.to_thread(plain.stop)
            await asyncio.sleep(0.05)
            await upstream.ask(question)
            await upstream.close()
            await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == 1

        asyncio.run(story())
        assert set(plain.names()) == {NAME}
        assert set(server.indications) == {NAME}
        assert {one.transport for one in server.asked} == {"tls"}
