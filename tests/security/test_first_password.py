"""The first password belongs to the owner: to who sees the box, and to nobody who merely comes first."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.network_settings import own_network, read_network, televisions_networks
from tests.support.box import RunningBox
from tests.support.dashboard import home
from tests.support.front import Front
from tests.support.raw_http import Answer, get, post
from tests.support.waiting import wait_until
from web.visitors import Televisions

pytestmark = pytest.mark.integration

PASSWORD = "correct horse battery"
TELEVISION = "127.77.0.9"
LINK = re.compile(r"^Set up +http://(\S+?)/setup\?code=(\S+)$", re.MULTILINE)


def choose(box: RunningBox, code: str, password: str = PASSWORD, source: str | None = None, **headers: str) -> Answer:
    fields = {"code": code, "password": password, "again": password}
    return post(box.web, "/setup", fields, source, **headers)


def code_of(box: RunningBox) -> str:
    found = wait_until(lambda: LINK.search(box.output.read_text()))
    assert found[1] == f"127.0.0.1:{box.web[1]}"
    code: str = found[2]
    return code


def log_in(box: RunningBox, password: str) -> int:
    return post(box.web, "/login", {"password": password}).status


def telltale(*words: str, data: Path, stdin: str = "") -> str:
    said = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *words, "--data", str(data)],
        check=True,
        capture_output=True,
        text=True,
        input=stdin,
    )
    return said.stdout


def test_whoever_comes_first_without_the_code_gets_nothing(tmp_path: Path) -> None:
    with RunningBox(tmp_path / "data") as box:
        code = code_of(box)
        for path in ("/setup", "/setup?code=", "/setup?code=aaaa-aaaa-aaaa", f"/setup?code={code[:-1]}"):
            answer = get(box.web, path)
            assert answer.status == 403
            assert "new-password" not in answer.text
        for guess in ("", code[:-1]):
            assert choose(box, guess).status == 403
        assert log_in(box, PASSWORD) == 401
        assert get(box.web, f"/setup?code={code}").status == 200
        answer = choose(box, code)
        assert answer.status == 303
        assert get(box.web, "/api/v1/status", Cookie=answer.cookies[0]).status == 200


def test_the_code_is_worth_nothing_once_it_was_used(tmp_path: Path) -> None:
    with RunningBox(tmp_path / "data") as box:
        code = code_of(box)
        assert choose(box, code).status == 303
        assert choose(box, code, "an attacker's own").status == 409
        assert log_in(box, PASSWORD) == 303
        box.stop()
        before = box.output.read_text()
        box.start()
        wait_until(lambda: "Dashboard" in box.output.read_text()[len(before) :])
        assert "Set up" not in box.output.read_text()[len(before) :], "a box that has an owner prints no code"


def test_the_code_is_in_force_from_the_first_packet(tmp_path: Path) -> None:
    """An attacker who knocks all the while that the box starts, and starts again, is never let in."""
    box = RunningBox(tmp_path / "data")
    said: set[int] = set()

    def knock() -> None:
        with suppress(OSError):
            said.add(choose(box, "").status)

    try:
        box.wait_until_up, waited = (lambda: None), box.wait_until_up  # type: ignore[method-assign]
        for _ in range(2):
            box.start()
            while 403 not in said:
                assert box.process.poll() is None
                knock()
            for _ in range(20):
                knock()
            assert said <= {403, 429}, said
            said.clear()
            waited()
            box.stop()
    finally:
        box.stop()
    assert '"password": null' in (tmp_path / "data" / "web.json").read_text()


@pytest.mark.parametrize("attack", [{"X_Forwarded_For": "127.0.0.1"}, {"Origin": "http://evil.example"}])
def test_who_knows_the_code_still_has_to_come_from_the_home(tmp_path: Path, attack: dict[str, str]) -> None:
    with RunningBox(tmp_path / "data") as box:
        assert choose(box, code_of(box), **attack).status == 403
        assert log_in(box, PASSWORD) == 401


@pytest.mark.parametrize("may_log_in", [True, False])
def test_the_televisions_network_chooses_no_password_even_with_the_code(tmp_path: Path, may_log_in: bool) -> None:
    networks = Televisions((ip_network("127.77.0.0/24"),), "br-tv", may_log_in)
    at_home = home(tmp_path, hosts=("127.0.0.1",), televisions=networks)
    with Front(at_home.app.wsgi_app) as front:
        place, code = front.address, at_home.store.code
        assert get(place, f"/setup?code={code}", TELEVISION).status == 403
        chosen = {"code": code or "", "password": PASSWORD, "again": PASSWORD}
        assert post(place, "/setup", chosen, TELEVISION).status == 403
        assert post(place, "/setup", chosen).status == 303
        again = {"code": at_home.store.new_code(), "password": "an attacker's own", "again": "an attacker's own"}
        assert post(place, "/setup", again, TELEVISION).status == 403
        answer = post(place, "/login", {"password": PASSWORD}, TELEVISION)
        assert answer.status == (303 if may_log_in else 403)


def test_the_dashboard_knows_the_televisions_network_from_the_settings(tmp_path: Path) -> None:
    given = read_network({"mode": "wired", "ports": ["eth1"], "address": "10.9.8.1/24"})
    assert ip_network("10.9.8.0/24") in televisions_networks(given)
    unsaid = Televisions(televisions_networks(read_network({"mode": "wired", "ports": ["eth1"]})), "br-tv")
    assert unsaid.holds(str(own_network(tmp_path / "network.json").address.ip)), "whichever a box chooses for itself"
    assert not unsaid.holds("192.168.1.7")
    assert televisions_networks(None) == televisions_networks(read_network({"mode": "dns-only"})) == ()


def test_a_forgotten_password_is_chosen_anew_by_who_is_at_the_box(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningBox(data) as box:
        choose(box, code_of(box))
        first = telltale("password", data=data).split("code=")[1].split()[0]
        second = telltale("password", data=data).split("code=")[1].split()[0]
        assert choose(box, first, "battery staple").status == 403, "only the newest one holds"
        assert choose(box, second, "battery staple").status == 303
        assert (log_in(box, PASSWORD), log_in(box, "battery staple")) == (401, 303)
        assert "is set" in telltale("password", "--type", data=data, stdin="typed at the box\n")
        assert log_in(box, "typed at the box") == 303
        assert telltale("password", "--show", data=data) == ""
