from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.edns
import dns.message
import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.resolver.upstream import parse_upstream
from gateway.resolver.upstream.bootstrap import Bootstrap
from gateway.resolver.upstream.dot import TlsUpstream as Client
from gateway.resolver.upstream.encryption import Encryption
from gateway.wire.question import Question
from tests.support.certificates import Authority
from tests.support.tls_upstream import TlsUpstream
from tests.unit.wire.samples import query

ZONE = {".": "60 NS a.root-servers.net.", "*.example.com": "60 A 192.0.2.1"}
WWW = Question.of(query("www.example.com"))
NAME = "dns.telltale.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> Path:
    return authority.issue(NAME, "127.0.0.1")


@pytest.fixture
def server(good: Path) -> Iterator[TlsUpstream]:
    with TlsUpstream(ZONE, certificate=good) as server:
        yield server


def play(url: str, roots: Path | None, story: Callable[[Client], Awaitable[Any]]) -> None:
    async def run() -> None:
        upstream = parse_upstream(url, Encryption(Bootstrap(()), roots=roots))
        assert isinstance(upstream, Client)
        try:
            await story(upstream)
        finally:
            await upstream.close()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


async def answered(upstream: Client, question: Question = WWW) -> bool:
    return bool(dns.message.from_wire(await upstream.ask(question)).answer)


def numbered(count: int) -> list[Question]:
    return [Question.of(query(f"n{n}.example.com")) for n in range(count)]


@pytest.mark.parametrize("name", ["", f"#{NAME}"])
def test_the_right_server_answers_by_address_or_by_name(server: TlsUpstream, authority: Authority, name: str) -> None:
    async def story(upstream: Client) -> None:
        assert await answered(upstream)

    play(server.url + name, authority.roots, story)
    assert server.indications[0] == (NAME if name else None)
    assert {one.transport for one in server.asked} == {"tls"}


def test_queries_are_padded_to_whole_blocks(server: TlsUpstream, authority: Authority) -> None:
    async def story(upstream: Client) -> None:
        for name in ("a.example.com", "a-much-longer-name-of-something.example.com", "x" * 60 + ".example.com"):
            await upstream.ask(Question.of(query(name, edns=1232)))

    play(server.url, authority.roots, story)
    assert [len(one.wire) % 128 for one in server.asked] == [0, 0, 0]
    assert {option.otype for one in server.asked for option in dns.message.from_wire(one.wire).options} == {
        dns.edns.OptionType.PADDING
    }


def test_many_questions_share_one_connection(server: TlsUpstream, authority: Authority) -> None:
    async def story(upstream: Client) -> None:
        await upstream.ask(WWW)
        asked = [upstream.ask(question) for question in numbered(60)]
        for n, reply in enumerate(await asyncio.gather(*asked)):
            assert dns.message.from_wire(reply).question[0].name.to_text() == f"n{n}.example.com."

    play(server.url, authority.roots, story)
    assert len(server.connections) == 1
    assert len({one.id for one in server.asked}) == 61


@pytest.mark.slow
def test_a_crowd_gets_a_few_connections_and_every_answer(server: TlsUpstream, authority: Authority) -> None:
    server.fail_all(delay=0.1)

    async def story(upstream: Client) -> None:
        for wave in range(2):
            replies = await asyncio.gather(*[upstream.ask(question) for question in numbered(500)])
            assert all(dns.message.from_wire(reply).answer for reply in replies), wave

    play(server.url, authority.roots, story)
    assert 1 < len(server.connections) <= 4


def test_answers_may_come_in_any_order(server: TlsUpstream, authority: Authority) -> None:
    for n in range(5):
        server.fail(f"n{n}.example.com", delay=0.25 - n * 0.05)
    came: list[int] = []

    async def story(upstream: Client) -> None:
        await upstream.ask(WWW)
        asked = [upstream.ask(question) for question in numbered(6)]
        for n, one in enumerate(asked):
            one.add_done_callback(lambda _, n=n: came.append(n))
        for n, reply in enumerate(await asyncio.gather(*asked)):
            assert dns.message.from_wire(reply).question[0].name.to_text() == f"n{n}.example.com."

    play(server.url, authority.roots, story)
    assert came == [5, 4, 3, 2, 1, 0]
    assert len(server.connections) == 1


def bad_certificates(authority: Authority) -> dict[str, tuple[Path, str, str]]:
    now = datetime.now(UTC)
    return {
        "of another name": (authority.issue("dns.example.net"), f"#{NAME}", "Hostname mismatch"),
        "of another address": (authority.issue(NAME, "127.0.0.2"), "", "IP address mismatch"),
        "expired": (authority.issue(NAME, ends=now - timedelta(days=1)), f"#{NAME}", "expired"),
        "self-signed": (authority.issue(NAME, self_signed=True), f"#{NAME}", "self-signed"),
    }


@pytest.mark.parametrize("kind", ["of another name", "of another address", "expired", "self-signed"])
def test_a_wrong_certificate_is_refused_in_a_sentence(authority: Authority, kind: str) -> None:
    certificate, name, says = bad_certificates(authority)[kind]
    with TlsUpstream(ZONE, certificate=certificate) as server:

        async def story(upstream: Client) -> None:
            for _ in range(2):
                with pytest.raises(UpstreamError, match=f"certificate is refused .*{says}") as refused:
                    await upstream.ask(WWW)
                assert isinstance(refused.value.__cause__, ssl.SSLError)

        play(server.url + name, authority.roots, story)
    assert server.asked == []


def test_a_root_that_this_machine_does_not_know_is_refused(server: TlsUpstream) -> None:
    async def story(upstream: Client) -> None:
        with pytest.raises(UpstreamError, match="certificate is refused"):
            await upstream.ask(WWW)

    play(server.url, None, story)
    assert server.asked == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_before_1_2_is_not_spoken(good: Path, authority: Authority) -> None:
    old = ssl.TLSVersion.TLSv1_1
    with TlsUpstream(ZONE, certificate=good, oldest=old, newest=old) as server:

        async def story(upstream: Client) -> None:
            with pytest.raises(UpstreamError):
                await upstream.ask(WWW)

        play(server.url, authority.roots, story)
    assert server.asked == []


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_taken_up_again(good: Path, authority: Authority, newest: ssl.TLSVersion) -> None:
    with TlsUpstream(ZONE, certificate=good, newest=newest) as server:

        async def story(upstream: Client) -> None:
            for _ in range(3):
                assert await answered(upstream)
                server.hang_up()
                await asyncio.sleep(0.05)

        play(f"{server.url}#{NAME}", authority.roots, story)
        assert (len(server.connections), server.resumed) == (3, 2)


@pytest.mark.slow
def test_plain_text_is_never_spoken(good: Path, authority: Authority) -> None:
    """Neither to a server that does not speak TLS, nor when the handshake fails."""
    from tests.support.upstream import Upstream

    with Upstream(ZONE) as plain:

        async def story(upstream: Client) -> None:
            for _ in range(3):
                with pytest.raises(UpstreamError):
                    await upstream.ask(WWW)

        play(f"tls://127.0.0.1:{plain.port}#{NAME}", authority.roots, story)
        assert plain.asked == []


def test_a_connection_that_was_closed_is_opened_again(server: TlsUpstream, authority: Authority) -> None:
    async def story(upstream: Client) -> None:
        assert await answered(upstream)
        server.fail_all(close_tcp=True, times=1)
        assert await answered(upstream)

    play(server.url, authority.roots, story)
    assert len(server.connections) == 2


def test_a_server_that_always_hangs_up_gives_no_answer(server: TlsUpstream, authority: Authority) -> None:
    server.fail_all(close_tcp=True)

    async def story(upstream: Client) -> None:
        with pytest.raises(UpstreamError, match="cannot be reached"):
            await upstream.ask(WWW)

    play(server.url, authority.roots, story)
    assert len(server.asked) <= 2


@pytest.mark.slow
def test_a_slow_answer_holds_up_nobody_and_silence_is_a_timeout(server: TlsUpstream, authority: Authority) -> None:
    server.fail("n0.example.com", drop=True)

    async def story(upstream: Client) -> None:
        await upstream.ask(WWW)
        lost = upstream.ask(numbered(1)[0])
        assert await answered(upstream)
        assert not lost.done()
        for _ in range(20):
            assert await answered(upstream)
        with pytest.raises(UpstreamTimeout):
            await lost

    play(server.url, authority.roots, story)


@pytest.mark.slow
def test_a_half_open_connection_is_left_for_a_new_one(server: TlsUpstream, authority: Authority) -> None:
    async def story(upstream: Client) -> None:
        assert await answered(upstream)
        server.fall_silent()
        lost = upstream.ask(WWW)
        await asyncio.sleep(0.3)
        assert await answered(upstream)
        with pytest.raises(UpstreamTimeout):
            await lost
        assert await answered(upstream)

    play(server.url, authority.roots, story)
    assert len(server.connections) == 2


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["wrong_question", "truncate", "garbage"])
def test_what_does_not_answer_the_question_is_refused(server: TlsUpstream, authority: Authority, fault: str) -> None:
    server.fail_all(**{fault: True})

    async def story(upstream: Client) -> None:
        with pytest.raises(UpstreamError):
            await upstream.ask(WWW)
        server.heal()
        assert await answered(upstream)

    play(server.url, authority.roots, story)


def test_a_server_that_restarts_is_found_again(server: TlsUpstream, authority: Authority) -> None:
    async def story(upstream: Client) -> None:
        assert await answered(upstream)
        await asyncio.to_thread(server.stop)
        with pytest.raises(UpstreamError, match="cannot be reached"):
            await upstream.ask(WWW)
        await asyncio.to_thread(server.start)
        assert await answered(upstream)

    play(server.url, authority.roots, story)
