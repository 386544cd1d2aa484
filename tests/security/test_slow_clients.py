"""One device, or all televisions together, cannot stop the dashboard: not by waiting, not by working it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.box import RunningBox
from tests.support.dashboard import QUICK
from tests.support.raw_http import connect, exchange, get, post, read, request
from web.auth import AuthStore
from web.serving.server import EACH, TOTAL
from web.stream import MAX_STREAMS

pytestmark = pytest.mark.integration

PASSWORD = "correct horse battery"
OWNER = "127.0.9.1"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    with RunningBox(tmp_path_factory.mktemp("slow") / "data") as running:
        AuthStore(running.data / "web.json", hasher=QUICK).set_first_password(PASSWORD)
        yield running


@pytest.fixture(scope="module")
def session(box: RunningBox) -> str:
    answer = post(box.web, "/login", {"password": PASSWORD}, OWNER)
    assert answer.status == 303
    return "; ".join(answer.cookies)


def dashboard_pid(box: RunningBox) -> int:
    for child in Path(f"/proc/{box.process.pid}/task/{box.process.pid}/children").read_text().split():
        if b"gateway.daemons.web" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise ProcessLookupError("no dashboard runs")


def cpu(pid: int) -> float:
    """Seconds of the processor so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


PARTIAL = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: ",
    "half a form": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\npassword=",
    "half a chunk": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n40\r\npass",
    "a promise": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
}


@pytest.mark.parametrize("said", PARTIAL)
@pytest.mark.parametrize("addresses", [1, 231])
def test_clients_that_trickle_hold_nothing_up(box: RunningBox, session: str, said: str, addresses: int) -> None:
    """More than there are places, from one address and from as many as a network of televisions has."""
    pid = dashboard_pid(box)
    with ExitStack() as stack:
        for number in range(max(TOTAL + 40, addresses)):
            waiting = stack.enter_context(
                connect(box.web, f"127.1.{number % addresses // 200}.{number % addresses % 200 + 1}")
            )
            if PARTIAL[said]:
                waiting.sendall(PARTIAL[said])
        for _ in range(3):
            assert get(box.web, "/api/v1/status", OWNER, Cookie=session).status == 200
            assert get(box.web, "/login", "127.0.9.2").status == 200, "nor is a newcomer kept out"
        assert threads(pid) < 20


def test_clients_that_never_read_hold_nothing_up(box: RunningBox, session: str) -> None:
    with ExitStack() as stack:
        for number in range(200):
            stalled = stack.enter_context(socket.socket())
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            stalled.bind((f"127.1.0.{number % 20 + 1}", 0))
            stalled.connect(box.web)
            stalled.sendall(request(box.web, "/static/css/parts.css") * 20)
        for _ in range(3):
            assert get(box.web, "/api/v1/status", OWNER, Cookie=session).status == 200


def test_open_pages_outlive_a_flood_of_strangers(box: RunningBox, session: str) -> None:
    """32 pages are open; then thousands of connections come. Each page still hears what happens."""
    assert MAX_STREAMS >= 32
    with ExitStack() as stack:
        pages = [stack.enter_context(connect(box.web, OWNER)) for _ in range(32)]
        for page in pages:
            page.sendall(request(box.web, "/api/v1/stream", Cookie=session))
            assert page.recv(10) == b"HTTP/1.1 2"
        for number in range(2_000):
            with connect(box.web, f"127.1.{number // 200}.{number % 200 + 1}") as stranger:
                stranger.sendall(b"GET / HTTP/1.1\r\n")
        held = [stack.enter_context(connect(box.web, f"127.2.0.{number % 231 + 1}")) for number in range(TOTAL)]
        assert len(held) == TOTAL
        assert get(box.web, "/api/v1/status", OWNER, Cookie=session).status == 200
        rule = box.control.call(
            "rules.add", action="block", name="flood.example", device=None, seconds=None, made_by="test"
        )
        for page in pages:
            seen = b""
            while b"flood.example" not in seen:
                piece = page.recv(65_536)
                assert piece, "a page was hung up on"
                seen += piece
        box.control.call("rules.remove", id=rule["id"])


def test_one_address_has_a_bounded_number_of_places(box: RunningBox) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(connect(box.web, "127.3.0.1")) for _ in range(EACH + 10)]
        for each in held[:10]:
            assert read(each).status == 0, "the oldest ones made room"
        said = []
        for each in held[10:]:
            each.sendall(request(box.web, "/healthz"))
            said.append(read(each).status)
        assert said == [200] * EACH


LONG = {
    "combining marks": "a" + "\u0301" * 30_000,
    "marks out of order": "a" + "\u0301\u0323" * 15_000,
    "what composing makes longer": "\u0344" * 20_000,
    "ligatures": "\ufdfa" * 20_000,
    "half a surrogate pair": "%ud800" * 5_000,
    "letters": "x" * 60_000,
}


@pytest.mark.parametrize("kind", LONG)
def test_a_password_of_64_kb_costs_next_to_nothing(box: RunningBox, session: str, kind: str) -> None:
    """Twenty of them took five minutes of the processor, and nobody else was answered meanwhile."""
    pid = dashboard_pid(box)
    before = cpu(pid)
    body = b"password=" + LONG[kind].encode()[:60_000]
    form = "application/x-www-form-urlencoded"
    origin = f"http://{box.web[0]}:{box.web[1]}"
    for number in range(20):
        sent = request(box.web, "/login", "POST", body=body, Content_Type=form, Origin=origin)
        assert exchange(box.web, sent, f"127.4.{number}.1").status in (401, 429)
        sent = request(box.web, "/setup", "POST", body=b"code=" + body, Content_Type=form, Origin=origin)
        assert exchange(box.web, sent, f"127.4.{number}.1").status in (409, 403)
    assert cpu(pid) - before < 6
    assert get(box.web, "/api/v1/status", OWNER, Cookie=session).status == 200


def test_whatever_others_try_the_owner_logs_in(box: RunningBox, session: str) -> None:
    """Eight addresses, then eighty, guess until they have to wait; the browser that was here before is let in."""
    for addresses in (8, 80):
        for number in range(addresses * 6):
            post(box.web, "/login", {"password": "x"}, f"127.5.{addresses}.{number % addresses + 1}")
        assert post(box.web, "/login", {"password": PASSWORD}, "127.5.200.1").status == 429
        assert post(box.web, "/login", {"password": PASSWORD}, OWNER, Cookie=session).status == 303
