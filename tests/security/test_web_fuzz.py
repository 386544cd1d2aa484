"""Thousands of requests that no browser sends: each is answered, and none with an error of ours.

Bounded by their number, and the same ones every time: what fails can be sent again.
"""

from __future__ import annotations

import json
import os
import random
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
import yaml

from tests.support.box import RunningBox
from tests.support.dashboard import QUICK
from tests.support.promise import SPEC
from tests.support.raw_http import Answer, read, request
from web.auth import AuthStore
from web.sessions import COOKIE, Sessions

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PASSWORD = "correct horse battery"
REQUESTS = int(os.environ.get("TELLTALE_FUZZ_REQUESTS", "2500"))
PATHS = sorted(path for path in SPEC["paths"] if path != "/api/v1/stream")
PAGES = [
    "/", "/login", "/setup", "/logout", "/live", "/devices", "/companies", "/rules", "/lists", "/network",
    "/name/x", "/company/x", "/device/x", "/favicon.ico", "/static/css/ground.css", "/static/../web.json",
    "/api/docs",
]  # fmt: skip
QUERY = [
    "name", "device", "company", "category", "verdict", "since", "until", "limit", "before", "after", "next",
    "code", "v", "period", "step", "client",
]  # fmt: skip
TEXTS = [
    "", " ", "\x00", "%00", "*", "%", "%zz", "%ff%fe", "../../etc/passwd", "..%2f..%2f", "'--", '"', "<script>", "null",
    "\u202e", "\ufdfa" * 300, "a" * 3000, "9" * 400, "-1", "1e999", "NaN", "{{7*7}}", "\ud800", "\u0130" * 80, "[]",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "mac:8c:79:f5:01:02:03", "file:///etc/passwd", "http://[",
    "\r\nX: y", "xn--" + "a" * 70, "." * 300, "a." * 200, "\U0001f9ff",
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"]
HEADERS = [
    "Accept", "Accept-Language", "Accept-Encoding", "Authorization", "Cookie", "Content-Type", "Host", "Origin",
    "Range", "If-None-Match", "If-Modified-Since", "Last-Event-ID", "Referer", "Sec-Fetch-Site", "Expect",
    "Upgrade", "SCRIPT_NAME", "Content-Encoding", "TE", "X-Forwarded-For", "Transfer-Encoding",
]  # fmt: skip
KINDS = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/x"]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    with RunningBox(tmp_path_factory.mktemp("fuzz") / "data") as running:
        AuthStore(running.data / "web.json", hasher=QUICK).set_first_password(PASSWORD)
        yield running


def text(dice: random.Random) -> str:
    if dice.random() < 0.8:
        return dice.choice(TEXTS)
    return "".join(chr(dice.randrange(256)) for _ in range(dice.randrange(60)))


def value(dice: random.Random, depth: int = 0) -> object:
    made = [None, True, 0, -1, 10**30, 1e308, text(dice)]
    if depth < 3:
        made.append([value(dice, depth + 1) for _ in range(3)])
        made.append({text(dice)[:20]: value(dice, depth + 1) for _ in range(3)})
    return dice.choice(made)


def target(dice: random.Random) -> str:
    path = dice.choice(PATHS + PAGES)
    path = re.sub(r"{\w+}", lambda _: quote(text(dice)[:200].encode("utf-8", "replace"), safe=""), path)
    named = [(dice.choice(QUERY), text(dice)) for _ in range(dice.randrange(4))]
    query = "&".join(f"{name}={quote(said[:1500].encode('utf-8', 'replace'))}" for name, said in named)
    return f"{path}?{query}" if query else path


def sensible(dice: random.Random, box: RunningBox, session: str) -> bytes:
    """A request that gets past the gate, and says strange things there."""
    body: bytes = json.dumps(value(dice)).encode() if dice.random() < 0.7 else text(dice).encode("utf-8", "replace")
    origin = f"http://{box.web[0]}:{box.web[1]}"
    fields = {"Cookie": session, "Origin": origin, "Content_Type": dice.choice(KINDS)}
    fields["Accept"] = dice.choice(["text/html", "*/*", ""])
    return request(box.web, target(dice), dice.choice(METHODS[:6]), body=body, **fields)


def strange(dice: random.Random, box: RunningBox, session: str) -> bytes:
    """A request that is one only just."""
    lines = [f"{dice.choice(METHODS)} {target(dice)} HTTP/1.{dice.choice('0112')}".encode("latin-1", "replace")]
    lines.append(b"Host: 127.0.0.1" if dice.random() < 0.9 else b"Host: " + text(dice).encode("utf-8", "replace")[:99])
    for _ in range(dice.randrange(5)):
        said = text(dice).encode("utf-8", "replace")[:2000].replace(b"\r", b"").replace(b"\n", b"")
        lines.append(dice.choice(HEADERS).encode() + b": " + said)
    lines += [b"Cookie: " + session.encode(), b"Connection: close"]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def torn(dice: random.Random, box: RunningBox, session: str) -> bytes:
    """A sensible request after an accident."""
    raw = bytearray(sensible(dice, box, session))
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(raw))
        raw[at : at + dice.choice([0, 1, 3])] = dice.choice([b"", bytes([dice.randrange(256)])])
    return bytes(raw) + b"\r\n\r\n"


@pytest.mark.parametrize("made", [sensible, strange, torn])
def test_no_request_gives_an_error_of_ours(box: RunningBox, made: Callable[..., bytes]) -> None:
    session = logged_in(box)
    seen: Counter[int] = Counter()
    for number in range(REQUESTS):
        dice = random.Random(f"{made.__name__} {number}")
        sent = made(dice, box, session)
        if b"/api/v1/stream" in sent:
            continue
        answer = exchange_whole(box, sent)
        seen[answer.status] += 1
        assert answer.status < 500 or answer.status == 501, f"number {number}: {sent!r} gave {answer}"
        if number % 100 == 0:
            # A logout, or a new password, is part of the game.
            session = logged_in(box)
    assert len(seen) > 3, seen
    assert box.get("/api/v1/status")[0] == 200


def exchange_whole(box: RunningBox, sent: bytes) -> Answer:
    """A request that is torn may wait for more: the end of our side is its end."""
    with socket.create_connection(box.web, 20) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return Answer(0, {}, b"")
        return read(connection)


def logged_in(box: RunningBox) -> str:
    """A session of the owner, without the door at which guesses are counted."""
    return f"{COOKIE}={Sessions(AuthStore(box.data / 'web.json', hasher=QUICK)).begin()}"


def test_the_description_is_the_one_that_is_served(box: RunningBox) -> None:
    status, served = box.get("/api/v1/openapi.yaml")
    assert status == 200
    assert yaml.safe_load(served) == SPEC
