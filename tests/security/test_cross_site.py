"""Another site, or another name for our address, makes a browser do nothing here, and no header is believed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.box import RunningBox
from tests.support.dashboard import QUICK
from tests.support.raw_http import exchange, get, post, request
from web.auth import AuthStore

pytestmark = pytest.mark.integration

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    with RunningBox(tmp_path_factory.mktemp("site") / "data") as running:
        AuthStore(running.data / "web.json", hasher=QUICK).set_first_password(PASSWORD)
        yield running


@pytest.fixture(scope="module")
def session(box: RunningBox) -> str:
    return "; ".join(post(box.web, "/login", {"password": PASSWORD}).cookies)


def pause(box: RunningBox, session: str, **headers: str) -> int:
    body = b'{"seconds": 60}'
    sent = request(
        box.web, "/api/v1/pause", "POST", body=body, Cookie=session, Content_Type="application/json", **headers
    )
    return exchange(box.web, sent).status


def test_a_page_of_ours_may(box: RunningBox, session: str) -> None:
    assert pause(box, session, Origin=f"http://127.0.0.1:{box.web[1]}") == 200
    assert pause(box, session, Sec_Fetch_Site="same-origin") == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://evil@127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_site_may_not(box: RunningBox, session: str, headers: dict[str, str]) -> None:
    assert pause(box, session, **headers) == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "a@127.0.0.1"]
)
def test_another_name_for_our_address_shows_nothing(box: RunningBox, session: str, host: str) -> None:
    assert get(box.web, "/api/v1/status", Cookie=session, Host=host).status in (400, 421)
    absolute = f"GET http://{host or 'x'}/api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    assert exchange(box.web, absolute.encode() + f"Cookie: {session}\r\n\r\n".encode()).status in (400, 421)


@pytest.mark.parametrize(
    "name",
    ["SCRIPT_NAME", "Script-Name", "SCRIPT-NAME", "PATH_INFO", "REMOTE_ADDR", "Remote-Addr", "REMOTE_USER", "Proxy",
     "wsgi.url_scheme", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
     "X-Script-Name", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "Transfer_Encoding",
     "Content_Length", "telltale.bell"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["/evil", "127.0.0.1", "//", "\xff", "a" * 4000, "DELETE", "https"])
def test_no_header_stands_for_what_only_we_know(box: RunningBox, session: str, name: str, value: str) -> None:
    """SCRIPT_NAME alone gave an error of ours on every page."""
    head = f"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{name}: {value}\r\n\r\n"
    answer = exchange(box.web, head.encode("latin-1"))
    assert answer.status == 200
    assert "/evil" not in answer.text
    assert 'action="/login"' in answer.text


SMUGGLED = b"GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"Content-Length: 0\r\nContent-Length: 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 0x5\r\n",
        b"X: y\r\n Content-Length: 5\r\n\r\n",
        b"X: y\rContent-Length: 5\r\n",
        b"X\x00: y\r\n",
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_answered_once(box: RunningBox, head: bytes) -> None:
    """So that nothing is smuggled through a proxy in front of the dashboard."""
    sent = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n0\r\n\r\n" + SMUGGLED
    answer = exchange(box.web, sent)
    assert b"Log in first" not in answer.body, "the second request was answered too"
