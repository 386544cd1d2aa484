"""The gate: whose host, whose request, who."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from tests.support.dashboard import ORIGIN, PASSWORD, Home, home
from web.security import is_home_address, is_own_host, is_same_origin, local_path, own_names
from web.sessions import COOKIE

NAMES = frozenset(own_names(["tele.example.lan"]))


@pytest.fixture
def at_home(tmp_path: Path) -> Home:
    return home(tmp_path, hosts=("tele.example.lan",))


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "127.0.0.1", "192.168.4.1:8080", "[::1]", "[fd00::1]:8080", "TELLTALE.lan",
     "telltale.lan.:80", "telltale.local", "tele.example.lan"],
)  # fmt: skip
def test_our_own_hosts_are_let_in(host: str) -> None:
    assert is_own_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "evil.example:8080", "127.0.0.1.evil.example", "user@localhost",
     "localhost/x", "localhost:x", "localhost:99999", "[::1", "127.0.0.1@evil.example", "localhost evil", "local",
     "lan", "example.lan", "192.168.4", "0x7f000001"],
)  # fmt: skip
def test_every_other_host_is_not(host: str) -> None:
    assert not is_own_host(host, NAMES)


def test_a_rebound_name_sees_nothing_at_all(at_home: Home) -> None:
    owner = at_home.owner()
    for path in ("/", "/login", "/setup", "/healthz", "/api/v1/lookups", "/static/css/ground.css"):
        answer = owner.get(path, headers={"Host": "evil.example"})
        assert answer.status_code == 421, path
        assert b"Telltale's; open it by its IP address" in answer.data.replace(b"&#39;", b"'")
    assert not at_home.control.asked


def asked(**headers: str) -> Request:
    names = {"sec": "Sec-Fetch-Site", "origin": "Origin", "host": "Host"}
    return Request(EnvironBuilder(method="POST", headers={names[k]: v for k, v in headers.items()}).get_environ())


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "192.168.4.1:8080", "origin": "http://192.168.4.1:8080"},
        {"host": "telltale.lan", "origin": "http://telltale.lan"},
        {"host": "telltale.lan:80", "origin": "http://telltale.lan"},
        {"host": "telltale.lan", "origin": "https://telltale.lan"},
        {"host": "[fd00::1]:8080", "origin": "http://[fd00::1]:8080"},
        {"host": "telltale.lan", "sec": "same-origin"},
        {"host": "telltale.lan", "sec": "same-origin", "origin": "null"},
        {"host": "telltale.lan", "sec": "none"},
    ],
)
def test_our_own_pages_may_change_things(headers: dict[str, str]) -> None:
    assert is_same_origin(asked(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "telltale.lan", "origin": "null"},
        {"host": "telltale.lan", "origin": ""},
        {"host": "telltale.lan", "origin": "http://evil.example"},
        {"host": "telltale.lan", "origin": "http://telltale.lan:8081"},
        {"host": "telltale.lan", "origin": "http://telltale.lan.evil.example"},
        {"host": "telltale.lan", "origin": "http://telltale.lan@evil.example"},
        {"host": "telltale.lan", "origin": "http://evil.example@telltale.lan"},
        {"host": "telltale.lan", "origin": "ftp://telltale.lan"},
        {"host": "telltale.lan", "origin": "http://telltale.lan/x"},
        {"host": "telltale.lan", "origin": "http://[::1"},
        {"host": "telltale.lan", "sec": "cross-site", "origin": "http://telltale.lan"},
        {"host": "telltale.lan", "sec": "same-site", "origin": "http://telltale.lan"},
        {"host": "telltale.lan", "sec": ""},
        {"host": "telltale.lan", "sec": "cross-site"},
    ],
)
def test_pages_of_others_may_not(headers: dict[str, str]) -> None:
    assert not is_same_origin(asked(**headers))


def test_a_program_with_the_session_cookie_needs_no_origin(at_home: Home) -> None:
    assert is_same_origin(asked(host="telltale.lan"))
    owner = at_home.owner()
    assert owner.post("/api/v1/rules", json={"action": "block", "name": "a.b"}).status_code == 201
    for page in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert owner.post("/api/v1/rules", json={"action": "block", "name": "a.b"}, headers=page).status_code == 403


def test_a_program_with_a_token_needs_no_origin(at_home: Home) -> None:
    program = at_home.visitor()
    answer = program.post("/api/v1/rules", json={"action": "block", "name": "a.b"}, headers=at_home.token("lamp"))
    assert answer.status_code == 201
    assert answer.json["made_by"] == "token lamp"
    assert answer.headers["Location"] == "/api/v1/rules/1"
    paused = program.post("/api/v1/pause", json={"seconds": 60}, headers=at_home.token("lamp"))
    assert paused.json["rule"]["made_by"] == "token lamp"
    assert program.get("/metrics", headers=at_home.token()).status_code == 200


def test_a_wrong_token_is_not_helped_by_a_good_cookie(at_home: Home) -> None:
    owner = at_home.owner()
    assert owner.get("/api/v1/status").status_code == 200
    for header in ("Bearer nonsense", "Bearer", "Basic dTpw", "", "Bearer " + "x" * 8000, "tell_x"):
        assert owner.get("/api/v1/status", headers={"Authorization": header}).status_code == 401
        answer = owner.post("/api/v1/pause", json={"seconds": 5}, headers={"Authorization": header})
        assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/", "/live", "/rules", "/devices/x", "/nothing/here", "/api/docs"])
def test_a_stranger_is_sent_to_the_door(at_home: Home, path: str) -> None:
    at_home.owner()
    answer = at_home.visitor().get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login")


@pytest.mark.parametrize(
    "path", ["/api/v1/status", "/api/v1/nothing", "/api/other", "/metrics", "/api/v1/openapi.json"]
)
def test_a_strange_program_is_asked_to_show_a_token(at_home: Home, path: str) -> None:
    answer = at_home.visitor().get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert answer.mimetype == "application/json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_view_that_somebody_forgets_to_think_about_is_closed(tmp_path: Path) -> None:
    made = home(tmp_path)

    @made.app.route("/api/v1/forgotten", methods=["GET", "POST", "OPTIONS"])
    def forgotten() -> str:
        return "secret"

    stranger = made.visitor()
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        assert stranger.open("/api/v1/forgotten", method=method, headers=ORIGIN).status_code == 401
    assert made.owner().get("/api/v1/forgotten").text == "secret"


def test_the_public_views_are_exactly_these(at_home: Home) -> None:
    app: Flask = at_home.app
    public = {endpoint for endpoint, view in app.view_functions.items() if getattr(view, "public", False)}
    assert public == {
        "entrance.setup", "entrance.choose_password", "entrance.login", "entrance.enter", "entrance.logout",
        "api_status.healthz",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/login", "/api/v1/status", "/healthz", "/nothing", "/api/docs", "/metrics"])
def test_every_answer_is_sealed(at_home: Home, path: str) -> None:
    for client in (at_home.owner(), at_home.visitor()):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


def test_static_files_may_be_kept_as_long_as_they_are_the_same(at_home: Home) -> None:
    visitor = at_home.visitor()
    with at_home.app.test_request_context("/"):
        address = at_home.app.url_for("static", filename="css/ground.css")
    assert "?v=" in address
    stamped = visitor.get(address, buffered=True)
    bare = visitor.get("/static/css/ground.css", buffered=True)
    assert stamped.headers["Cache-Control"] == "max-age=3600"
    assert bare.headers["Cache-Control"] == "no-cache"
    again = visitor.get(address, headers={"If-None-Match": stamped.headers["ETag"]})
    assert again.status_code == 304
    again.close()
    for path in ("/static/../auth.py", "/static/%2e%2e/auth.py", "/static//etc/passwd", "/static/nothing.css"):
        assert visitor.get(path).status_code in (303, 404), path


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(at_home: Home) -> None:
    at_home.store.set_first_password(PASSWORD)
    answer = at_home.visitor().post("/login", data={"password": PASSWORD}, headers=ORIGIN)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    "client", ["127.0.0.1", "::1", "192.168.4.7", "10.1.2.3", "fe80::1%wlan0", "fd00::2", "::ffff:10.0.0.1"]
)
def test_the_home_network_is_home(client: str) -> None:
    assert is_home_address(client)


@pytest.mark.parametrize("client", ["", "8.8.8.8", "2a00::1", "100.64.0.1", "::ffff:8.8.8.8", "0.0.0.0", "::", "x"])
def test_the_internet_is_not(client: str) -> None:
    assert not is_home_address(client)


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/live?name=x&device=y", "/live?name=x&device=y"),
        ("/", "/"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("/\t/evil.example", "/"),
    ],
)
def test_a_login_leads_to_a_page_of_ours(wanted: str, path: str) -> None:
    assert local_path(wanted) == path
