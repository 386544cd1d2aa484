"""Session cookies: signed, new with every login, over in every way at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.dashboard import QUICK
from web.auth import AuthStore
from web.sessions import LIFETIME, Sessions


@pytest.fixture
def store(tmp_path: Path) -> AuthStore:
    return AuthStore(tmp_path / "web.json", hasher=QUICK)


def test_a_session_is_who_it_was_given_to(store: AuthStore) -> None:
    sessions = Sessions(store)
    one, other = sessions.read(sessions.begin()), sessions.read(sessions.begin())
    assert one is not None
    assert other is not None
    assert one.id != other.id


def test_a_forged_cookie_is_nobody(store: AuthStore) -> None:
    sessions = Sessions(store)
    cookie = sessions.begin()
    body, _, signature = cookie.rpartition(".")
    forged = [
        "", ".", body, f"{body}.", f"{body}x.{signature}", f"{body}.{signature[:-2]}", "é", "a" * 10_000,
        Sessions(AuthStore(Path(store._path.parent / "other.json"), hasher=QUICK)).begin(),
    ]  # fmt: skip
    assert [sessions.read(one) for one in forged] == [None] * len(forged)


def test_a_session_ends_after_thirty_days(store: AuthStore) -> None:
    now = [time.time()]
    sessions = Sessions(store, clock=lambda: now[0])
    cookie = sessions.begin()
    now[0] += LIFETIME - 2
    assert sessions.read(cookie)
    now[0] += 3
    assert sessions.read(cookie) is None


def test_a_session_of_a_day_to_come_is_none(store: AuthStore) -> None:
    now = [time.time() + 3_652 * 86_400]
    sessions = Sessions(store, clock=lambda: now[0])
    cookie = sessions.begin()
    assert sessions.read(cookie)
    now[0] -= 3_652 * 86_400
    assert sessions.read(cookie) is None


def test_a_session_that_was_logged_out_is_over_for_every_copy_of_its_cookie(store: AuthStore) -> None:
    sessions = Sessions(store)
    cookie, other = sessions.begin(), sessions.begin()
    session = sessions.read(cookie)
    assert session is not None
    sessions.end(session)
    assert sessions.read(cookie) is None
    assert not sessions.is_valid(session)
    assert sessions.read(other)
    assert Sessions(AuthStore(store._path, hasher=QUICK)).read(cookie) is None, "also after a restart"


@pytest.mark.expects_log("cannot be stored")
def test_a_logout_holds_while_the_disk_is_full_and_is_stored_with_the_next(
    store: AuthStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions(store)
    first, second, third = sessions.begin(), sessions.begin(), sessions.begin()
    with monkeypatch.context() as full_disk:
        full_disk.setattr("web.auth.write_synced", full)
        session = sessions.read(first)
        assert session is not None
        sessions.end(session)
        assert sessions.read(first) is None
        assert sessions.read(second)
    other = sessions.read(second)
    assert other is not None
    sessions.end(other)
    started_again = Sessions(AuthStore(store._path, hasher=QUICK))
    assert [started_again.read(each) is None for each in (first, second, third)] == [True, True, False]


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_new_password_ends_every_session(store: AuthStore) -> None:
    sessions = Sessions(store)
    cookie = sessions.begin()
    store.set_password("battery staple")
    assert sessions.read(cookie) is None
