"""Fetching over real sockets, from servers that behave, that lie, and that dawdle."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ListError
from gateway.lists.sources import Fetched, Stamp, fetch

pytestmark = pytest.mark.integration

LIST = b"ads.example\nmetrics.example\n"
Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def serving(handle: Handler, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """An HTTP server on loopback whose GET is `handle`; yields its base address."""

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                handle(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Server) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def answering(
    body: bytes, status: int = 200, headers: dict[str, str] | None = None, length: int | None = None
) -> Handler:
    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        request.end_headers()
        request.wfile.write(body)

    return handle


NO_STAMP = Stamp()


def get(url: str, to: Path, stamp: Stamp = NO_STAMP, **options: Any) -> Fetched:
    return fetch(url, to, stamp, allow_private=True, **options)


def test_a_list_arrives_and_is_not_sent_twice(tmp_path: Path) -> None:
    asked: list[str | None] = []

    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.headers.get("If-None-Match"))
        if request.headers.get("If-None-Match") == '"v1"':
            answering(b"", 304)(request)
        else:
            answering(LIST, headers={"ETag": '"v1"', "Last-Modified": "Mon, 23 Nov 2026 20:00:00 GMT"})(request)

    to = tmp_path / "1.txt"
    with serving(handle) as url:
        first = get(url + "/list.txt", to)
        assert (first.changed, first.size, to.read_bytes()) == (True, len(LIST), LIST)
        assert first.stamp == Stamp('"v1"', "Mon, 23 Nov 2026 20:00:00 GMT")
        second = get(url + "/list.txt", to, first.stamp)
        assert (second.changed, second.stamp) == (False, first.stamp)
        to.unlink()
        assert get(url + "/list.txt", to, first.stamp).changed
    assert asked == [None, '"v1"', None]


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "application/octet-stream"}])
def test_a_compressed_list_is_unpacked(tmp_path: Path, headers: dict[str, str]) -> None:
    text = b"".join(b"n%d.example\n" % n for n in range(50_000))
    with serving(answering(gzip.compress(text), headers=headers)) as url:
        assert get(url, tmp_path / "1.txt").size == len(text)
    assert (tmp_path / "1.txt").read_bytes() == text


def test_a_gzip_bomb_is_stopped_at_the_limit(tmp_path: Path) -> None:
    bomb = gzip.compress(b"ads.example\n" * 2_000_000)
    assert len(bomb) < 100_000
    with serving(answering(bomb)) as url, pytest.raises(ListError, match="larger than 1 MiB"):
        get(url, tmp_path / "1.txt", limit=1 << 20)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [None, 10])
def test_a_list_that_is_too_large_is_refused(tmp_path: Path, length: int | None) -> None:
    def endless(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(LIST * 1000)

    handle = endless if length else answering(LIST * 1000)
    with serving(handle) as url, pytest.raises(ListError, match="larger than 5000 bytes"):
        get(url, tmp_path / "1.txt", limit=5000)


@pytest.mark.parametrize(
    ("handle", "says"),
    [
        (answering(LIST, length=500), "in part"),
        (answering(gzip.compress(LIST * 99)[:-40]), "in part"),
        (answering(gzip.compress(LIST * 99)[:40] + b"junk" * 30), "damaged|in part"),
        (answering(b"gone", 404), "answers 404 Not Found"),
        (answering(b"oops", 500), "answers 500"),
        (answering(LIST, 304), "answers 304"),
        (answering(b"<!doctype html><title>Log in</title>"), "web page"),
        (answering(b""), "empty"),
        (answering(b"", 302), "where to"),
        (lambda request: request.wfile.write(b"SSH-2.0-OpenSSH\r\n"), "not HTTP"),
        (lambda request: request.wfile.write(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 99999), "not HTTP"),
        (lambda request: None, "broke off|not HTTP"),
    ],
)
def test_a_server_that_fails_leaves_the_last_good_copy(tmp_path: Path, handle: Handler, says: str) -> None:
    to = tmp_path / "1.txt"
    to.write_bytes(b"old.example\n")
    with serving(handle) as url, pytest.raises(ListError, match=says):
        get(url, to)
    assert to.read_bytes() == b"old.example\n"
    assert list(tmp_path.iterdir()) == [to]


def test_redirects_are_followed_five_times(tmp_path: Path) -> None:
    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        left = int(request.path[1:])
        if left:
            answering(b"", (301, 302, 303, 307, 308)[left % 5], {"Location": f"/{left - 1}"})(request)
        else:
            answering(LIST)(request)

    with serving(handle) as url:
        assert get(url + "/5", tmp_path / "1.txt").changed
        with pytest.raises(ListError, match="more than 5 times"):
            get(url + "/6", tmp_path / "1.txt")


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://a.example/", "http://me:pw@a.example/", "http://"])
def test_a_redirect_leads_nowhere_else_than_to_the_web(tmp_path: Path, location: str) -> None:
    with serving(answering(b"", 302, {"Location": location})) as url, pytest.raises(ListError, match="address"):
        get(url, tmp_path / "1.txt")


def public_only_for(port: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pretends that loopback is public, but only on this port; returns the list of names that get looked up."""
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, asked: int, *args: Any, **kwargs: Any) -> Any:
        looked_up.append(host)
        return real("127.0.0.1", asked, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return looked_up


def test_loopback_is_refused_without_a_single_byte_sent(tmp_path: Path) -> None:
    asked: list[str] = []
    with (
        serving(lambda request: asked.append(request.path)) as url,
        pytest.raises(ListError, match="private network"),
    ):
        fetch(url, tmp_path / "1.txt")
    assert asked == []


def test_a_redirect_into_the_home_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first hop counts as public here, so that the second is what is judged."""
    from gateway.lists import addresses

    asked: list[str] = []
    with serving(lambda request: asked.append(request.path)) as inside:
        port = inside.rpartition(":")[2]
        redirect = answering(b"", 302, {"Location": f"http://127.0.0.2:{port}/admin"})
        monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
        with serving(redirect) as outside, pytest.raises(ListError, match=r"127\.0\.0\.2 is an address inside"):
            fetch(outside, tmp_path / "1.txt")
    assert asked == []


def test_the_name_is_looked_up_once_so_that_it_cannot_change_its_mind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.lists import addresses

    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    hosts: list[str | None] = []

    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        hosts.append(request.headers.get("Host"))
        answering(LIST)(request)

    with serving(handle) as url:
        port = url.rpartition(":")[2]
        looked_up = public_only_for(int(port), monkeypatch)
        fetch(f"http://rebinding.example:{port}/", tmp_path / "1.txt")
    assert looked_up == ["rebinding.example"]
    assert hosts == [f"rebinding.example:{port}"]


def test_a_server_that_dawdles_for_ever_is_left_at_the_deadline(tmp_path: Path) -> None:
    def dawdle(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b"a")
            request.wfile.flush()
            time.sleep(0.05)

    def dawdle_in_the_headers(request: http.server.BaseHTTPRequestHandler) -> None:
        while True:
            request.wfile.write(b"H")
            request.wfile.flush()
            time.sleep(0.05)

    for handle in (dawdle, dawdle_in_the_headers):
        with serving(handle) as url, pytest.raises(ListError, match="took too long"):
            get(url, tmp_path / "1.txt", seconds=0.6)


def test_a_closed_port_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(ListError, match="refused"):
            get(f"http://127.0.0.1:{sock.getsockname()[1]}/", tmp_path / "1.txt")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate of this test")
def test_a_server_that_cannot_prove_its_name_is_refused(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-days",
            "2",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(answering(LIST), context) as url, pytest.raises(ListError, match="cannot prove who it is"):
        get(url, tmp_path / "1.txt")


def test_https_does_not_fall_back_to_http(tmp_path: Path) -> None:
    from gateway.lists.sources import _follow

    with pytest.raises(ListError, match="less safe"):
        _follow("https://a.example/x", "http://a.example/x")
    assert _follow("https://a.example/x", "../y") == "https://a.example/y"
    with serving(answering(LIST)) as url, pytest.raises(ListError):
        get(url.replace("http:", "https:"), tmp_path / "1.txt")
