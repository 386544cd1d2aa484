"""Setting up, logging in, logging out."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.support.dashboard import ORIGIN, PASSWORD, Home, home
from web.sessions import BROWSER_COOKIE, COOKIE
from web.visitors import Televisions


@pytest.fixture
def at_home(tmp_path: Path) -> Home:
    return home(tmp_path)


def chosen(code: str | None, password: str = PASSWORD, again: str | None = None) -> dict[str, str]:
    return {"code": code or "", "password": password, "again": password if again is None else again}


def test_the_first_visitor_with_the_code_is_asked_for_a_password_and_let_in(at_home: Home) -> None:
    visitor, code = at_home.visitor(), at_home.store.code
    assert visitor.get("/").headers["Location"] == "/setup"
    assert visitor.get("/login").headers["Location"] == "/setup"
    page = visitor.get(f"/setup?code={code}")
    assert page.status_code == 200
    assert 'autocomplete="new-password"' in page.text
    assert "Welcome" in page.text
    answer = visitor.post("/setup", data=chosen(code), headers=ORIGIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert visitor.get("/api/v1/status").status_code == 200


def test_a_visitor_without_the_code_is_asked_for_it(at_home: Home) -> None:
    page = at_home.visitor().get("/setup")
    assert page.status_code == 403
    assert 'name="code"' in page.text
    assert "new-password" not in page.text


@pytest.mark.parametrize("wrong", ["", "abcd-efgh-2345", "x" * 65, "x" * 5000, "\u0130" * 12, "%00", "None"])
def test_without_the_code_nobody_chooses_a_password(at_home: Home, wrong: str) -> None:
    visitor = at_home.visitor()
    assert visitor.get("/setup", query_string={"code": wrong}).status_code == 403
    assert visitor.post("/setup", data=chosen(wrong), headers=ORIGIN).status_code == 403
    assert visitor.post("/setup", data={"password": PASSWORD, "again": PASSWORD}, headers=ORIGIN).status_code == 403
    assert not at_home.store.has_password


def test_the_code_may_be_typed_as_people_type(at_home: Home) -> None:
    code = at_home.store.code
    assert code is not None
    for typed in (code.upper(), code.replace("-", ""), f"  {code} ", code.replace("-", " ")):
        assert at_home.visitor().get("/setup", query_string={"code": typed}).status_code == 200


def test_guessing_the_code_gets_slow(at_home: Home) -> None:
    guesser = at_home.visitor()
    answers = [guesser.get("/setup?code=aaaa-aaaa-aaaa").status_code for _ in range(6)]
    assert answers == [403] * 5 + [429]
    answer = guesser.post("/setup", data=chosen(at_home.store.code), headers=ORIGIN)
    assert answer.status_code == 303, "nobody keeps the owner out by guessing"


def test_once_a_password_is_set_the_code_is_worth_nothing(at_home: Home) -> None:
    code = at_home.store.code
    at_home.store.set_first_password(PASSWORD)
    stranger = at_home.visitor()
    assert stranger.get(f"/setup?code={code}").headers["Location"] == "/login"
    answer = stranger.post("/setup", data=chosen(code, "another password"), headers=ORIGIN)
    assert answer.status_code == 409
    assert COOKIE not in answer.headers.get("Set-Cookie", "")
    assert at_home.store.is_password(PASSWORD)


def test_a_forgotten_password_is_chosen_anew_with_a_new_code_once(at_home: Home) -> None:
    owner = at_home.owner()
    code = at_home.store.new_code()
    visitor = at_home.visitor()
    assert "new password" in visitor.get(f"/setup?code={code}").text
    answer = visitor.post("/setup", data=chosen(code, "battery staple"), headers=ORIGIN)
    assert answer.status_code == 303
    assert owner.get("/api/v1/status").status_code == 401, "who was logged in no longer is"
    assert at_home.store.is_password("battery staple")
    again = at_home.visitor().post("/setup", data=chosen(code, "another one"), headers=ORIGIN)
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("password", "again", "says"),
    [("short", None, "at least 8"), ("long enough", "long enouhg", "differ"), ("", None, "at least 8")],
)
def test_a_bad_first_password_is_refused(at_home: Home, password: str, again: str | None, says: str) -> None:
    code = at_home.store.code
    answer = at_home.visitor().post("/setup", data=chosen(code, password, again), headers=ORIGIN)
    assert answer.status_code == 400
    assert says in answer.text
    assert code is not None
    assert code in answer.text, "the next try needs it too"
    assert not at_home.store.has_password


def test_only_the_home_network_may_choose_the_password(at_home: Home) -> None:
    data = chosen(at_home.store.code)
    for address in ("8.8.8.8", "2a00::1", "100.64.0.1"):
        stranger = at_home.visitor(address)
        assert stranger.get("/setup").status_code == 403
        assert stranger.post("/setup", data=data, headers=ORIGIN).status_code == 403
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        proxied = at_home.visitor("127.0.0.1").post("/setup", data=data, headers={**ORIGIN, header: "127.0.0.1"})
        assert proxied.status_code == 403
    assert not at_home.store.has_password


_OF_TELEVISIONS = ("192.168.4.2", "::ffff:192.168.4.2", "fd00:7::2", "fe80::1%br-tv")


@pytest.fixture
def with_televisions(tmp_path: Path) -> Callable[[bool], Home]:
    networks = (ip_network("192.168.4.0/24"), ip_network("fd00:7::/64"))
    return lambda may_log_in: home(tmp_path, televisions=Televisions(networks, "br-tv", may_log_in))


@pytest.mark.parametrize("address", _OF_TELEVISIONS)
def test_from_the_televisions_network_no_password_is_chosen_whatever_is_known_there(
    with_televisions: Callable[[bool], Home], address: str
) -> None:
    at_home = with_televisions(True)
    television = at_home.visitor(address)
    code = at_home.store.code
    assert television.get(f"/setup?code={code}").status_code == 403
    assert television.post("/setup", data=chosen(code), headers=ORIGIN).status_code == 403
    assert not at_home.store.has_password
    assert at_home.visitor("192.168.1.7").get(f"/setup?code={code}").status_code == 200
    at_home.store.set_first_password(PASSWORD)
    code = at_home.store.new_code()
    assert television.post("/setup", data=chosen(code, "another one"), headers=ORIGIN).status_code == 403
    assert at_home.store.is_password(PASSWORD)


@pytest.mark.parametrize("address", _OF_TELEVISIONS)
@pytest.mark.parametrize("may_log_in", [True, False])
def test_logging_in_from_the_televisions_network_can_be_switched_off(
    with_televisions: Callable[[bool], Home], address: str, may_log_in: bool
) -> None:
    at_home = with_televisions(may_log_in)
    at_home.store.set_first_password(PASSWORD)
    answer = at_home.visitor(address).post("/login", data={"password": PASSWORD}, headers=ORIGIN)
    assert answer.status_code == (303 if may_log_in else 403)
    assert at_home.visitor(address).get("/login").status_code == (200 if may_log_in else 403)
    answer = at_home.visitor("192.168.1.7").post("/login", data={"password": PASSWORD}, headers=ORIGIN)
    assert answer.status_code == 303


def test_no_number_of_televisions_locks_the_home_out(with_televisions: Callable[[bool], Home]) -> None:
    at_home = with_televisions(True)
    at_home.store.set_first_password(PASSWORD)
    said = [
        at_home.visitor(f"192.168.4.{number}").post("/login", data={"password": "x"}, headers=ORIGIN).status_code
        for number in range(2, 60)
    ]
    assert said.count(401) == 10
    answer = at_home.visitor("192.168.1.7").post("/login", data={"password": PASSWORD}, headers=ORIGIN)
    assert answer.status_code == 303


def test_a_browser_that_was_let_in_before_is_let_in_whatever_others_try(at_home: Home) -> None:
    """Also from the same address, and although the password is another one by now."""
    owner = at_home.owner()
    owner.post("/logout", headers=ORIGIN)
    for number in range(60):
        at_home.visitor(f"192.168.4.{number}").post("/login", data={"password": "x"}, headers=ORIGIN)
        at_home.visitor().post("/login", data={"password": "x"}, headers=ORIGIN)
    assert at_home.visitor("10.1.2.3").post("/login", data={"password": PASSWORD}, headers=ORIGIN).status_code == 429
    at_home.store.set_password("battery staple")
    assert owner.post("/login", data={"password": "battery staple"}, headers=ORIGIN).status_code == 303


def test_a_browser_that_was_let_in_before_guesses_no_faster(at_home: Home) -> None:
    owner = at_home.owner()
    owner.post("/logout", headers=ORIGIN)
    said = [owner.post("/login", data={"password": "x"}, headers=ORIGIN).status_code for _ in range(6)]
    assert said == [401] * 5 + [429]


@pytest.mark.parametrize("forged", ["", "x", "WyJ4Il0.sig", "a" * 4000, '"browser".x'])
def test_a_forged_browser_has_no_place_of_its_own(at_home: Home, forged: str) -> None:
    at_home.store.set_first_password(PASSWORD)
    guesser = at_home.visitor()
    guesser.set_cookie(BROWSER_COOKIE, forged)
    for number in range(6):
        guesser.set_cookie(BROWSER_COOKIE, f"{forged}{number}")
        last = guesser.post("/login", data={"password": "x"}, headers=ORIGIN).status_code
    assert last == 429


@pytest.mark.expects_log("Nobody can log in")
@pytest.mark.parametrize("content", ["{", "", "[]"])
def test_while_the_keys_are_damaged_every_page_says_so_and_nobody_gets_in(tmp_path: Path, content: str) -> None:
    (tmp_path / "web.json").write_text(content)
    at_home = home(tmp_path)
    visitor = at_home.visitor()
    for path in ("/", "/login", "/setup", "/setup?code=None", "/api/v1/status", "/metrics"):
        answer = visitor.get(path)
        assert answer.status_code == 503
        assert "telltale password" in answer.text
    assert visitor.get("/healthz").status_code == 200
    (tmp_path / "web.json").unlink()
    at_home.store._retry_at = 0.0
    assert visitor.get("/").headers["Location"] == "/setup"


def test_another_site_cannot_set_the_first_password(at_home: Home) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        answer = at_home.visitor().post("/setup", data=chosen(at_home.store.code), headers=headers)
        assert answer.status_code == 403
    assert not at_home.store.has_password


def test_after_logging_in_one_is_where_one_wanted_to_be(at_home: Home) -> None:
    at_home.store.set_first_password(PASSWORD)
    visitor = at_home.visitor()
    door = visitor.get("/live?name=ads").headers["Location"]
    assert door == "/login?next=/live?name%3Dads"
    page = visitor.get(door)
    assert 'value="/live?name=ads"' in page.text
    answer = visitor.post("/login", data={"password": PASSWORD, "next": "/live?name=ads"}, headers=ORIGIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/live?name=ads")
    assert visitor.get("/login").headers["Location"] == "/"


def test_a_login_does_not_lead_away(at_home: Home) -> None:
    at_home.store.set_first_password(PASSWORD)
    for wanted in ("//evil.example", "https://evil.example", "/\\evil.example"):
        answer = at_home.visitor().post("/login", data={"password": PASSWORD, "next": wanted}, headers=ORIGIN)
        assert answer.headers["Location"] == "/"


def test_every_failure_says_the_same(at_home: Home) -> None:
    at_home.store.set_first_password(PASSWORD)
    said = set()
    for number, data in enumerate([{"password": "wrong horse"}, {"password": ""}, {}, {"password": "x" * 5000}]):
        answer = at_home.visitor(f"192.168.4.{number}").post("/login", data=data, headers=ORIGIN)
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers
        said.add(answer.text)
    assert len(said) == 1
    assert "That password is not right." in said.pop()


def test_before_a_password_is_set_none_is_right(at_home: Home) -> None:
    answer = at_home.visitor().post("/login", data={"password": ""}, headers=ORIGIN)
    assert answer.status_code == 401


def test_a_guesser_is_asked_to_wait_even_when_right(at_home: Home) -> None:
    at_home.store.set_first_password(PASSWORD)
    guesser = at_home.visitor("192.168.4.66")
    for _ in range(5):
        assert guesser.post("/login", data={"password": "wrong horse"}, headers=ORIGIN).status_code == 401
    answer = guesser.post("/login", data={"password": PASSWORD}, headers=ORIGIN)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert at_home.visitor("192.168.4.7").post("/login", data={"password": PASSWORD}, headers=ORIGIN).status_code == 303


def test_guessing_through_the_password_change_is_as_slow(at_home: Home) -> None:
    owner = at_home.owner()
    body = {"old": "wrong horse", "new": "battery staple"}
    answers = [owner.post("/api/v1/password", json=body, headers=ORIGIN) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert answers[-1].headers["Retry-After"]
    assert owner.post("/login", data={"password": "x"}, headers=ORIGIN).status_code == 429


def test_a_session_that_was_planted_is_not_the_one_that_gets_in(at_home: Home) -> None:
    at_home.store.set_first_password(PASSWORD)
    visitor = at_home.visitor()
    visitor.set_cookie(COOKIE, "planted")
    answer = visitor.post("/login", data={"password": PASSWORD}, headers=ORIGIN)
    assert not [each for each in answer.headers.getlist("Set-Cookie") if "planted" in each]


def test_logging_in_again_ends_the_session_before(at_home: Home) -> None:
    owner = at_home.owner()
    first = owner.get_cookie(COOKIE)
    owner.post("/login", data={"password": PASSWORD}, headers=ORIGIN)
    assert first is not None
    thief = at_home.visitor()
    thief.set_cookie(COOKIE, first.value)
    assert thief.get("/api/v1/status").status_code == 401
    assert owner.get("/api/v1/status").status_code == 200


def test_after_logging_out_a_copy_of_the_cookie_is_worth_nothing(at_home: Home) -> None:
    owner, other = at_home.owner(), at_home.owner()
    cookie = owner.get_cookie(COOKIE)
    assert cookie is not None
    answer = owner.post("/logout", headers=ORIGIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert owner.get("/api/v1/status").status_code == 401
    owner.set_cookie(COOKIE, cookie.value)
    assert owner.get("/api/v1/status").status_code == 401
    assert other.get("/api/v1/status").status_code == 200


@pytest.mark.expects_log("cannot be stored")
def test_one_can_log_out_while_the_disk_is_full(at_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    owner = at_home.owner()
    cookie = owner.get_cookie(COOKIE)
    assert cookie is not None
    monkeypatch.setattr("web.auth.write_synced", full)
    answer = owner.post("/logout", headers=ORIGIN)
    assert answer.status_code == 503
    assert "You are logged out, but only until the dashboard starts again" in answer.get_json()["error"]
    assert owner.get_cookie(COOKIE) is None
    owner.set_cookie(COOKIE, cookie.value)
    assert owner.get("/api/v1/status").status_code == 401


def test_another_site_cannot_log_one_out(at_home: Home) -> None:
    owner = at_home.owner()
    assert owner.post("/logout", headers={"Origin": "http://evil.example"}).status_code == 403
    assert owner.get("/logout").status_code == 405
    assert owner.get("/api/v1/status").status_code == 200


def test_a_new_password_ends_the_other_sessions_and_keeps_ours(at_home: Home) -> None:
    owner, other = at_home.owner(), at_home.owner()
    token = at_home.token()
    body = {"old": PASSWORD, "new": "battery staple"}
    assert owner.post("/api/v1/password", json=body, headers=ORIGIN).status_code == 200
    assert owner.get("/api/v1/status").status_code == 200
    assert other.get("/api/v1/status").status_code == 401
    assert at_home.visitor().get("/api/v1/status", headers=token).status_code == 200
    assert at_home.store.is_password("battery staple")


@pytest.mark.expects_log("failed")
def test_what_nobody_expected_is_logged_and_reported_without_its_inside(at_home: Home) -> None:
    owner = at_home.owner()
    at_home.control.do_status = lambda: {}["the inside"]  # type: ignore[method-assign]
    answer = owner.get("/api/v1/status")
    assert answer.status_code == 500
    assert answer.json == {
        "error": "Something went wrong inside Telltale; its log says what.",
        "code": "dashboard.something-went-wrong",
    }


def test_a_person_who_gets_lost_sees_a_page_and_a_program_sees_json(at_home: Home) -> None:
    owner = at_home.owner()
    page = owner.get("/nothing/here", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "nothing at this address" in page.text
    program = owner.get("/api/v1/nothing", headers={"Accept": "text/html"})
    assert (program.status_code, program.mimetype) == (404, "application/json")
    wrong = owner.put("/api/v1/rules", headers=ORIGIN)
    assert (wrong.status_code, wrong.mimetype) == (405, "application/json")
    assert "POST" in wrong.headers["Allow"]


def test_the_page_about_the_api_names_every_operation_without_a_script(at_home: Home) -> None:
    page = at_home.owner().get("/api/docs")
    assert page.status_code == 200
    for operation in ("GET /api/v1/lookups", "POST /api/v1/rules", "DELETE /api/v1/lists/{id}", "GET /metrics"):
        assert operation in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "`" not in page.text


@pytest.mark.parametrize("host", ["127..1", "..", "a..b:1", "[::1", "x" * 300])
def test_a_host_that_is_none_is_refused_in_a_sentence_also_where_a_page_is_wanted(at_home: Home, host: str) -> None:
    answer = at_home.app.test_client().get("/api/docs", headers={"Host": host, "Accept": "text/html"})
    assert answer.status_code in (400, 421)
    assert "by its IP address" in answer.text or answer.status_code == 400
