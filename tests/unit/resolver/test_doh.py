from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import dns.message
import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.resolver.upstream import parse_upstream
from gateway.resolver.upstream.bootstrap import Bootstrap
from gateway.resolver.upstream.doh import HttpsUpstream
from gateway.resolver.upstream.encryption import Encryption
from gateway.wire.question import Question
from tests.support.certificates import Authority
from tests.support.tls_upstream import TlsUpstream
from tests.unit.wire.samples import query

ZONE = {
    "*.example.com": "60 A 192.0.2.1",
    "big.example.com": [f'60 TXT "{"x" * 250}{n}"' for n in range(200)],
}
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
    with TlsUpstream(ZONE, certificate=good, http=True) as server:
        yield server


def play(url: str, authority: Authority, story: Callable[[HttpsUpstream], Awaitable[Any]]) -> None:
    async def run() -> None:
        upstream = parse_upstream(url, Encryption(Bootstrap(()), roots=authority.roots))
        assert isinstance(upstream, HttpsUpstream)
        try:
            await story(upstream)
        finally:
            await upstream.close()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


async def answered(upstream: HttpsUpstream, question: Question = WWW) -> bool:
    return bool(dns.message.from_wire(await upstream.ask(question)).answer)


def numbered(count: int) -> list[Question]:
    return [Question.of(query(f"n{n}.example.com")) for n in range(count)]


def test_a_question_is_a_post_with_the_id_0(server: TlsUpstream, authority: Authority) -> None:
    async def story(upstream: HttpsUpstream) -> None:
        assert await answered(upstream)

    play(f"{server.url}#{NAME}", authority, story)
    (request,) = server.requests
    assert request == {
        ":method": "POST",
        ":scheme": "https",
        ":authority": f"{NAME}:{server.port}",
        ":path": "/dns-query",
        "accept": "application/dns-message",
        "content-type": "application/dns-message",
        "content-length": str(len(server.asked[0].wire)),
    }
    assert (server.asked[0].id, server.asked[0].transport, len(server.asked[0].wire) % 128) == (0, "https", 0)


def test_many_questions_share_one_connection_and_come_in_any_order(server: TlsUpstream, authority: Authority) -> None:
    server.fail("n0.example.com", delay=0.1)

    async def story(upstream: HttpsUpstream) -> None:
        await upstream.ask(WWW)
        asked = [upstream.ask(question) for question in numbered(60)]
        for n, reply in enumerate(await asyncio.gather(*asked)):
            assert dns.message.from_wire(reply).question[0].name.to_text() == f"n{n}.example.com."

    play(server.url, authority, story)
    assert len(server.connections) == 1


@pytest.mark.slow
def test_a_crowd_gets_a_few_connections_and_every_answer(server: TlsUpstream, authority: Authority) -> None:
    async def story(upstream: HttpsUpstream) -> None:
        await upstream.ask(WWW)
        for _ in range(5):
            await asyncio.gather(*[upstream.ask(question) for question in numbered(90)])

    play(server.url, authority, story)
    assert len(server.connections) <= 4


def test_windows_are_opened_again_however_much_comes(server: TlsUpstream, authority: Authority) -> None:
    async def story(upstream: HttpsUpstream) -> None:
        for _ in range(6):
            reply = await upstream.ask(Question.of(query("big.example.com", "TXT")))
            assert len(dns.message.from_wire(reply).answer[0]) == 200

    play(server.url, authority, story)
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ({"status": "404"}, "HTTP status 404"),
        ({"status": "503"}, "HTTP status 503"),
        ({"status": "302"}, "HTTP status 302"),
        ({"media_type": "text/html"}, "text/html"),
        ({"body": b"x" * 70_000}, "longer than"),
        ({"body": b""}, "something else"),
        ({"body": b"<html>"}, "something else"),
        ({"reset": True}, "broke off"),
    ],
)
def test_what_is_no_dns_is_refused_in_a_sentence(
    server: TlsUpstream, authority: Authority, spoilt: dict[str, Any], says: str
) -> None:
    before = {key: getattr(server, key) for key in spoilt}

    async def story(upstream: HttpsUpstream) -> None:
        vars(server).update(spoilt)
        with pytest.raises(UpstreamError, match=says) as refused:
            await upstream.ask(WWW)
        assert not isinstance(refused.value, UpstreamTimeout)
        vars(server).update(before)
        assert await answered(upstream)

    play(server.url, authority, story)


def test_a_server_that_says_goodbye_is_asked_again_on_a_new_connection(
    server: TlsUpstream, authority: Authority
) -> None:
    async def story(upstream: HttpsUpstream) -> None:
        assert await answered(upstream)
        server.goaway_after = 1
        assert await answered(upstream)

    play(server.url, authority, story)
    assert len(server.connections) == 2


def test_a_server_without_http_2_is_refused(good: Path, authority: Authority) -> None:
    with TlsUpstream(ZONE, certificate=good) as plain:

        async def story(upstream: HttpsUpstream) -> None:
            with pytest.raises(UpstreamError, match="does not speak HTTP/2"):
                await upstream.ask(WWW)

        play(plain.url.replace("tls", "https"), authority, story)
        assert plain.asked == []


def test_a_wrong_name_is_refused(authority: Authority) -> None:
    with TlsUpstream(ZONE, certificate=authority.issue("dns.example.net"), http=True) as server:

        async def story(upstream: HttpsUpstream) -> None:
            with pytest.raises(UpstreamError, match="certificate is refused"):
                await upstream.ask(WWW)

        play(f"{server.url}#{NAME}", authority, story)
        assert server.asked == []


@pytest.mark.slow
def test_one_who_gives_up_holds_up_nobody(server: TlsUpstream, authority: Authority) -> None:
    server.fail("n0.example.com", drop=True)

    async def story(upstream: HttpsUpstream) -> None:
        await upstream.ask(WWW)
        lost = upstream.ask(numbered(1)[0])
        for _ in range(10):
            assert await answered(upstream)
        with pytest.raises(UpstreamTimeout):
            await lost
        assert await answered(upstream)

    play(server.url, authority, story)


@pytest.mark.slow
def test_a_half_open_connection_is_left_for_a_new_one(server: TlsUpstream, authority: Authority) -> None:
    async def story(upstream: HttpsUpstream) -> None:
        assert await answered(upstream)
        server.fall_silent()
        lost = upstream.ask(WWW)
        await asyncio.sleep(0.3)
        assert await answered(upstream)
        with pytest.raises(UpstreamTimeout):
            await lost

    play(server.url, authority, story)
    assert len(server.connections) == 2
