"""HTTP/1.1 over real sockets: whole requests, one after the other, and a polite end (RFC 9112)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.support.front import Front, until_the_end
from web.serving import connection
from web.serving.bell import BELL
from web.serving.server import THREADS

CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSE = b"Connection: close\r\n"


class Application:
    """Echoes. /live is an endless answer that rings; /slow waits to be let go; /broken fails."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.closed = threading.Event()
        self.calls: list[str] = []
        self.ring: Callable[[], None] = lambda: None
        self.news: list[bytes] = []

    def __call__(self, variables: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = variables["PATH_INFO"]
        self.calls.append(path)
        if path == "/broken":
            raise ValueError("a secret")
        if path == "/slow":
            self.let_go.wait(20)
        if path == "/live":
            self.ring = variables[BELL].take()
            start("200 OK", [("Content-Type", "text/event-stream")])
            return self._live()
        if path == "/large":
            start("200 OK", [])
            return (b"x" * 100_000 for _ in range(200))
        body = variables["wsgi.input"].read()
        said = f"{variables['REQUEST_METHOD']} {path} {variables['REMOTE_ADDR']} ".encode() + body
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(said))), ("Connection", "upgrade")])
        return [] if variables["REQUEST_METHOD"] == "HEAD" else [said]

    def _live(self) -> Iterator[bytes]:
        try:
            yield b"begun\n"
            while True:
                yield self.news.pop(0) if self.news else b""
        finally:
            self.closed.set()


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def front(application: Application) -> Iterator[Front]:
    with Front(application) as made:
        yield made
        application.let_go.set()


def request(path: str = "/", method: str = "GET", more: bytes = CLOSE, body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n".encode() if body else b""
    return f"{method} {path} HTTP/1.1\r\nHost: box\r\n".encode() + length + more + b"\r\n" + body


def working(front: Front, number: int) -> bool:
    """True once so many threads are held."""
    return any(front.call(lambda: front.server._working) == number for _ in range(2000))


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_request_is_answered_however_it_is_cut_into_pieces(front: Front) -> None:
    whole = request("/x", "POST", body=b"hello")
    for pieces in ([whole], [bytes([each]) for each in whole], [whole[:40], whole[40:-2], whole[-2:]]):
        answer = front.ask(*pieces)
        assert status(answer) == 200
        assert answer.endswith(b"\r\n\r\nPOST /x 127.0.0.1 hello")
        assert b"upgrade" not in answer, "which fields belong to the connection is our own affair"


def test_one_connection_carries_many_requests_also_ahead_of_the_answers(front: Front, application: Application) -> None:
    answer = front.ask(
        request("/1", more=b"") + request("/2", "POST", b"", b"two") + request("/3", more=b""), request()
    )
    assert application.calls == ["/1", "/2", "/3", "/"]
    assert answer.count(b"HTTP/1.1 200 OK") == 4


def test_a_head_is_answered_without_a_body(front: Front) -> None:
    answer = front.ask(request(method="HEAD"))
    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length: 17" in answer.lower()


def test_a_chunked_body_is_read_whole(front: Front) -> None:
    chunks = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    answer = front.ask(request(method="POST", more=CLOSE + b"Transfer-Encoding: chunked\r\n") + chunks)
    assert answer.endswith(b"abcde")


def test_who_asks_whether_to_go_on_hears_yes(front: Front) -> None:
    with front.connect() as waiting:
        waiting.sendall(
            b"POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 2\r\nExpect: 100-continue\r\n" + CLOSE + b"\r\n"
        )
        assert waiting.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n")
        waiting.sendall(b"ok")
        assert until_the_end(waiting).endswith(b"ok")


def test_who_has_said_everything_may_close_that_way_and_still_listen(front: Front) -> None:
    with front.connect() as connection:
        connection.sendall(request("/x", more=b""))
        connection.shutdown(socket.SHUT_WR)
        assert until_the_end(connection).endswith(b"GET /x 127.0.0.1 ")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (CHUNKED + b"zz\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /" + b"a" * 20_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 70 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (CHUNKED + b"fff0\r\n" + b"x" * 65520 + b"\r\nff\r\n" + b"x" * 255 + b"\r\n", 413),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_what_is_no_request_of_ours_is_refused_in_a_sentence(
    front: Front, application: Application, sent: bytes, expected: int
) -> None:
    answer = front.ask(sent)
    assert status(answer) == expected
    assert answer.endswith(b'"}\n')
    assert application.calls == []


@pytest.mark.expects_log("an answer failed")
def test_an_application_that_fails_costs_one_answer(front: Front) -> None:
    answer = front.ask(request("/broken"))
    assert status(answer) == 500
    assert b"secret" not in answer
    assert status(front.ask(request())) == 200


@pytest.mark.slow
def test_who_does_not_finish_a_request_in_time_is_refused(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "RECEIVE", 0.3)
    assert status(front.ask(b"GET / HTTP/1.1\r\nHo")) == 408
    assert front.ask() == b"", "who never said anything is hung up on"
    with front.connect() as kept:
        kept.sendall(request(more=b""))
        assert until_the_end(kept).endswith(b"127.0.0.1 "), "and so is who says nothing more"


def test_a_client_that_trickles_holds_no_thread(front: Front, application: Application) -> None:
    """Far more than there are threads, each in the middle of a request; then one that is whole."""
    trickling = [front.connect() for _ in range(4 * THREADS)]
    for each in trickling:
        each.sendall(b"POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 100\r\n\r\nx")
    assert status(front.ask(request())) == 200
    assert application.calls == ["/"]
    for each in trickling:
        each.close()


def test_a_client_that_does_not_read_holds_no_thread(front: Front) -> None:
    stalled = [front.connect() for _ in range(2 * THREADS)]
    for each in stalled:
        each.sendall(request("/large"))
    assert status(front.ask(request())) == 200
    for each in stalled:
        each.close()


def test_one_address_never_has_all_the_threads(front: Front, application: Application) -> None:
    held = [front.connect() for _ in range(2 * THREADS)]
    for each in held:
        each.sendall(request("/slow"))
    assert working(front, THREADS // 2)
    application.let_go.set()
    for each in held:
        assert status(until_the_end(each)) == 200
        each.close()


def test_an_open_page_hears_of_news_and_holds_no_thread(front: Front, application: Application) -> None:
    with front.connect() as page:
        page.sendall(request("/live"))
        seen = b""
        while b"begun" not in seen:
            seen += page.recv(1000)
        assert working(front, 0)
        application.news.append(b"news\n")
        application.ring()
        while b"news" not in seen:
            seen += page.recv(1000)
    assert application.closed.wait(5), "a page that is left is let go at once"


@pytest.mark.parametrize("left", ["half closed", "closed", "reset"])
def test_a_page_that_is_left_is_over_however_it_was_left(front: Front, application: Application, left: str) -> None:
    page = front.connect()
    page.sendall(request("/live"))
    assert page.recv(10)
    if left == "half closed":
        page.shutdown(socket.SHUT_WR)
    elif left == "reset":
        page.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        page.close()
    else:
        page.close()
    assert application.closed.wait(5)
    page.close()


def test_when_it_stops_what_is_being_answered_is_answered(application: Application) -> None:
    with Front(application) as front:
        idle, busy = front.connect(), front.connect()
        busy.sendall(request("/slow", more=b""))
        while not application.calls:
            pass
        front.stop()
        assert idle.recv(10) == b""
        application.let_go.set()
        assert until_the_end(busy).endswith(b"/slow 127.0.0.1 ")
        idle.close()
        busy.close()
