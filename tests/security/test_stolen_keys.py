"""Whoever once had a copy of the dashboard's keys, from a backup or a card, has nothing after the next password."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

import pytest

from gateway.cli import main
from tests.support.box import RunningBox
from tests.support.dashboard import QUICK
from tests.support.raw_http import get, post
from web.auth import AuthStore
from web.sessions import BROWSER_COOKIE, COOKIE, _signed

pytestmark = pytest.mark.integration

PASSWORD = "correct horse battery"


def forged(stolen: Path, generation: int) -> str:
    """The best session that a thief of the file can make."""
    payload = [secrets.token_urlsafe(16), generation, int(time.time())]
    cookie = _signed(json.loads(stolen.read_text())["secret"], "telltale session").dumps(payload)
    return f"{COOKIE}={cookie if isinstance(cookie, str) else cookie.decode()}"


def is_let_in(box: RunningBox, stolen: Path) -> bool:
    """With any generation that the file may have by now."""
    said = [get(box.web, "/api/v1/status", Cookie=forged(stolen, generation)).status for generation in range(12)]
    assert set(said) <= {200, 401}
    return 200 in said


@pytest.mark.parametrize("how", ["changed", "typed at the box", "chosen with a code", "restored"])
def test_a_forged_login_ends_with_the_next_password_or_restore(tmp_path: Path, how: str) -> None:
    data, stolen, saved = tmp_path / "data", tmp_path / "stolen.json", tmp_path / "box.zip"
    with RunningBox(data) as box:
        store = AuthStore(data / "web.json", hasher=QUICK)
        store.set_first_password(PASSWORD)
        stolen.write_bytes((data / "web.json").read_bytes())
        assert is_let_in(box, stolen), "the attack itself works"
        if how == "changed":
            store.change_password(PASSWORD, "battery staple")
        elif how == "typed at the box":
            store.set_password("battery staple")
        elif how == "chosen with a code":
            store.redeem(store.new_code(), "battery staple")
        else:
            assert main(["backup", str(saved), "--data", str(data)]) == 0
            box.stop()
            assert main(["restore", str(saved), "--data", str(data)]) == 0
            box.start()
        assert not is_let_in(box, stolen)


def test_a_stolen_mark_of_a_known_browser_opens_nothing(tmp_path: Path) -> None:
    with RunningBox(tmp_path / "data") as box:
        AuthStore(box.data / "web.json", hasher=QUICK).set_first_password(PASSWORD)
        answer = post(box.web, "/login", {"password": PASSWORD})
        mark = next(each for each in answer.cookies if each.startswith(BROWSER_COOKIE))
        assert get(box.web, "/api/v1/status", Cookie=mark).status == 401
        assert get(box.web, "/api/v1/status", Cookie=mark.replace(BROWSER_COOKIE, COOKIE)).status == 401
