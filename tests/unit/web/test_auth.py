"""Passwords and tokens: kept as hashes, set once, never opened by a broken file."""

from __future__ import annotations

import json
import os
import stat
import threading
import unicodedata
from pathlib import Path

import pytest

from gateway.errors import Refused, SettingsError
from tests.support.dashboard import QUICK
from web.auth import AuthStore


def store(folder: Path) -> AuthStore:
    return AuthStore(folder / "web.json", hasher=QUICK)


def test_there_is_no_password_until_somebody_sets_one(tmp_path: Path) -> None:
    keys = store(tmp_path)
    assert not keys.has_password
    for guess in ("", "admin", "password", "telltale"):
        assert not keys.is_password(guess)


def test_the_first_password_is_the_only_first_one(tmp_path: Path) -> None:
    keys = store(tmp_path)
    keys.set_first_password("correct horse")
    with pytest.raises(Refused, match="set already"):
        keys.set_first_password("wrong horse")
    assert keys.is_password("correct horse")
    assert not keys.is_password("wrong horse")


def test_of_many_first_visitors_at_once_one_wins(tmp_path: Path) -> None:
    stores = [store(tmp_path) for _ in range(8)]
    start = threading.Barrier(8)
    won: list[str] = []

    def visit(number: int) -> None:
        start.wait()
        try:
            stores[number].set_first_password(f"password {number}")
        except Refused:
            return
        won.append(f"password {number}")

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert all(one.is_password(won[0]) for one in stores)


@pytest.mark.parametrize(
    ("password", "says"), [("seven77", "at least 8"), ("x" * 257, "at most 256"), (" " * 9, "spaces")]
)
def test_a_password_that_is_too_weak_or_too_long_is_refused(tmp_path: Path, password: str, says: str) -> None:
    keys = store(tmp_path)
    with pytest.raises(Refused, match=says) as refused:
        keys.set_first_password(password)
    assert refused.value.field == "password"
    assert not keys.has_password


def test_an_endless_guess_is_not_the_password_that_it_begins_with(tmp_path: Path) -> None:
    keys = store(tmp_path)
    keys.set_first_password("x" * 256)
    assert not keys.is_password("x" * 100_000)


def test_a_letter_is_the_same_however_it_was_composed(tmp_path: Path) -> None:
    keys = store(tmp_path)
    keys.set_first_password("gr\u00fcn gr\u00fcn")
    assert keys.is_password("gru\u0308n gru\u0308n")


def test_the_file_is_nobody_elses_and_says_no_secret_in_clear(tmp_path: Path) -> None:
    keys = store(tmp_path)
    keys.set_first_password("correct horse")
    token = keys.create_token("home assistant")
    path = tmp_path / "web.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "correct horse" not in text
    assert token not in text
    assert token.removeprefix("tell_") not in text
    assert "$argon2id$" in text
    assert list(tmp_path.iterdir()) == [path], "no half-written file is left"


def test_the_default_hash_costs_what_owasp_asks_for(tmp_path: Path) -> None:
    keys = AuthStore(tmp_path / "web.json")
    keys.set_first_password("correct horse")
    assert "$argon2id$v=19$m=32768,t=3,p=1$" in json.loads((tmp_path / "web.json").read_text())["password"]


def test_changing_the_password_needs_the_old_one_and_ends_all_sessions(tmp_path: Path) -> None:
    keys = store(tmp_path)
    keys.set_first_password("correct horse")
    generation = keys.generation
    with pytest.raises(Refused) as refused:
        keys.change_password("wrong horse", "battery staple")
    assert refused.value.field == "old"
    assert keys.generation == generation
    keys.change_password("correct horse", "battery staple")
    assert keys.generation > generation
    assert keys.is_password("battery staple")
    assert not keys.is_password("correct horse")


def test_the_command_line_can_set_a_forgotten_password_anew(tmp_path: Path) -> None:
    keys = store(tmp_path)
    keys.set_first_password("correct horse")
    generation = keys.generation
    store(tmp_path).set_password("battery staple")
    assert keys.is_password("battery staple")
    assert keys.generation > generation


def test_a_token_made_by_another_process_works_at_once_and_until_it_is_removed(tmp_path: Path) -> None:
    dashboard, command_line = store(tmp_path), store(tmp_path)
    text = command_line.create_token("home assistant")
    token = dashboard.token_of(text)
    assert token is not None
    assert token.label == "home assistant"
    assert dashboard.token_of(text[:-1]) is None
    assert dashboard.token_of(text + "x") is None
    assert dashboard.token_of("") is None
    command_line.remove_token(token.id)
    assert dashboard.token_of(text) is None
    with pytest.raises(Refused):
        command_line.remove_token(token.id)


@pytest.mark.parametrize("label", ["", "  ", "x" * 49, "a\nb", "\x1b[31m"])
def test_a_token_has_a_label_that_can_be_printed(tmp_path: Path, label: str) -> None:
    with pytest.raises(Refused) as refused:
        store(tmp_path).create_token(label)
    assert refused.value.field == "label"


def test_there_are_not_endlessly_many_tokens(tmp_path: Path) -> None:
    keys = store(tmp_path)
    for number in range(64):
        keys.create_token(f"token {number}")
    with pytest.raises(Refused, match="token rm ID"):
        keys.create_token("one more")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"version": 1}', b"[" * 100_000, b'{"version": 1, "secret": "short"}'],
)
def test_a_broken_file_does_not_open_the_door(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "web.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be used"):
        store(tmp_path)
    assert path.read_bytes() == content


def test_a_short_secret_does_not_sign_anything(tmp_path: Path) -> None:
    store(tmp_path)
    path = tmp_path / "web.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "secret": "abc"}))
    with pytest.raises(SettingsError, match="too short"):
        store(tmp_path)


@pytest.mark.expects_log("the last good keys stay in force")
def test_a_file_that_breaks_while_we_run_leaves_the_last_good_keys(tmp_path: Path) -> None:
    keys = store(tmp_path)
    keys.set_first_password("correct horse")
    (tmp_path / "web.json").write_bytes(b"{")
    assert keys.has_password
    assert keys.is_password("correct horse")
    with pytest.raises(SettingsError):
        keys.create_token("x")


def test_a_folder_that_cannot_be_made_is_a_matter_of_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError):
        AuthStore(tmp_path / "file" / "web.json", hasher=QUICK)


def test_a_clock_that_jumps_brings_no_session_back_that_was_logged_out(tmp_path: Path) -> None:
    now = [1000.0]
    keys = AuthStore(tmp_path / "web.json", hasher=QUICK, clock=lambda: now[0])
    keys.end_session("one", 2000.0)
    now[0] = 3000.0
    keys.end_session("two", 4000.0)
    now[0] = 1000.0
    assert keys.is_ended("one")
    assert keys.is_ended("two")


@pytest.mark.slow
def test_very_many_logouts_end_everybodys_sessions_rather_than_fill_the_disk(tmp_path: Path) -> None:
    keys = store(tmp_path)
    generation = keys.generation
    for number in range(513):
        keys.end_session(f"session {number}", 1e12)
    assert keys.generation == generation + 1
    assert (tmp_path / "web.json").stat().st_size < 100_000


def test_every_new_password_comes_with_a_new_secret(tmp_path: Path) -> None:
    keys = store(tmp_path)
    seen = [keys.secret]
    keys.set_first_password("correct horse")
    seen.append(keys.secret)
    keys.change_password("correct horse", "battery staple")
    seen.append(keys.secret)
    keys.set_password("correct staple")
    seen.append(keys.secret)
    keys.redeem(keys.new_code(), "battery horse")
    seen.append(keys.secret)
    assert len(set(seen)) == 5


def test_there_is_a_code_from_the_first_moment_until_a_password_is_set(tmp_path: Path) -> None:
    keys = store(tmp_path)
    code = keys.code
    assert code is not None
    assert store(tmp_path).code == code, "it holds through a restart"
    with pytest.raises(Refused) as refused:
        keys.redeem(code[:-1] + "?", "correct horse")
    assert refused.value.field == "code"
    keys.redeem(code, "correct horse")
    assert keys.code is None
    assert not keys.is_code(code)
    with pytest.raises(Refused):
        keys.redeem(code, "wrong horse")


def test_of_many_who_know_the_code_one_chooses(tmp_path: Path) -> None:
    stores = [store(tmp_path) for _ in range(8)]
    code, start, won = stores[0].code or "", threading.Barrier(8), []

    def choose(number: int) -> None:
        start.wait()
        try:
            stores[number].redeem(code, f"password {number}")
        except Refused:
            return
        won.append(f"password {number}")

    threads = [threading.Thread(target=choose, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert stores[0].is_password(won[0])


def test_a_code_for_another_password_holds_for_an_hour(tmp_path: Path) -> None:
    now = [1000.0]
    keys = AuthStore(tmp_path / "web.json", hasher=QUICK, clock=lambda: now[0])
    keys.set_first_password("correct horse")
    code = keys.new_code()
    assert keys.is_code(code)
    now[0] -= 365 * 86_400
    assert not keys.is_code(code), "a clock that went back makes it hold no longer"
    now[0] += 365 * 86_400 + 3600
    assert not keys.is_code(code)
    with pytest.raises(Refused):
        keys.redeem(code, "battery staple")
    assert keys.is_password("correct horse")


def test_a_new_code_replaces_the_one_before(tmp_path: Path) -> None:
    keys = store(tmp_path)
    first = keys.code or ""
    second = keys.new_code()
    assert not keys.is_code(first)
    assert keys.is_code(second)


def test_keys_of_an_earlier_version_get_what_they_lack(tmp_path: Path) -> None:
    old = {"version": 1, "secret": "a" * 64, "generation": 3, "password": None, "tokens": [], "ended": {}}
    path = tmp_path / "web.json"
    path.write_text(json.dumps(old))
    keys = store(tmp_path)
    assert keys.code is not None
    assert keys.code == store(tmp_path).code
    assert len(keys.browsers) == 64
    assert keys.generation == 3


@pytest.mark.parametrize(
    "cost", ["m=4194304,t=3,p=1", "m=32768,t=1000000,p=1", "m=32768,t=3,p=10000", "m=x,t=3,p=1", ""]
)
def test_a_password_that_costs_more_than_this_box_has_is_none(tmp_path: Path, cost: str) -> None:
    """A restored file may say what it likes; a login must not take minutes and gigabytes for it."""
    store(tmp_path).set_first_password("correct horse")
    path = tmp_path / "web.json"
    value = json.loads(path.read_text())
    value["password"] = value["password"].replace("m=8,t=1,p=1", cost)
    path.write_text(json.dumps(value))
    with pytest.raises(SettingsError):
        store(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "endless"])
def test_what_is_no_file_of_keys_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "web.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(SettingsError):
        store(tmp_path)


@pytest.mark.parametrize("password", ["a" + "\u0301" * 65_000, "\u0344" * 30_000, "\ufdfa" * 2_000, "x" * 1025])
def test_a_password_that_is_too_long_costs_no_normalising(
    tmp_path: Path, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 kB of combining marks took a quarter of a minute to put in order, while everybody else waited."""
    keys = store(tmp_path)
    keys.set_first_password("correct horse")
    seen: list[int] = []
    normalize = unicodedata.normalize
    monkeypatch.setattr(unicodedata, "normalize", lambda form, text: seen.append(len(text)) or normalize(form, text))
    assert not keys.is_password(password)
    for attempt in (keys.set_password, lambda text: keys.redeem("x", text)):
        with pytest.raises(Refused, match="at most 256"):
            attempt(password)
    assert max(seen, default=0) <= 1024


@pytest.mark.expects_log("Nobody can log in")
def test_a_patient_store_waits_for_its_file_and_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "web.json"
    path.write_text("{")
    keys = AuthStore(path, hasher=QUICK, patient=True)
    assert "cannot be used" in (keys.trouble or "")
    assert not keys.has_password
    assert keys.code is None
    assert not keys.is_password("")
    assert keys.token_of("") is None
    path.unlink()
    keys._retry_at = 0.0
    assert keys.trouble is None
    assert keys.code is not None


@pytest.mark.expects_log("cannot be completed")
def test_old_keys_on_a_disk_that_takes_nothing_are_good_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"version": 1, "secret": "a" * 64, "generation": 3, "password": None, "tokens": [], "ended": {}}
    (tmp_path / "web.json").write_text(json.dumps(old))

    def full(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("web.auth.write_synced", full)
    keys = store(tmp_path)
    assert keys.code is not None
    assert keys.is_code(keys.code)
