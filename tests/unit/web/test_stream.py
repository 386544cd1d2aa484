"""The live stream: one subscription, bounded queues, nothing missed without saying so."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.control.codec import lookup_to_json
from gateway.journal.reader import LookupFilter
from tests.support.dashboard import ORIGIN, PASSWORD, TELEVISION, FakeControl, Home, home, lookup
from tests.support.waiting import PATIENCE, wait_until
from web.api.stream import fits
from web.stream import MAX_STREAMS, Broadcaster, Listener, StreamEvent, TooManyStreams


def recorded(*numbers: int, left_out: int = 0, **changes: Any) -> dict[str, Any]:
    rows = [lookup_to_json(lookup(number, **changes)) for number in numbers]
    return {"event": "lookups", "lookups": rows, "left_out": left_out}


@pytest.fixture
def control() -> FakeControl:
    return FakeControl()


@pytest.fixture
def broadcaster(control: FakeControl) -> Iterator[Broadcaster]:
    made = Broadcaster(control.subscribe, limit=3, room=4, linger=0.3)
    yield made
    made.stop()


def kinds(listener: Listener, number: int) -> list[str]:
    found = []
    for _ in range(number):
        happened = listener.take(PATIENCE)
        assert happened is not None
        found.append(happened.event.kind)
    return found


def test_all_streams_share_one_subscription(broadcaster: Broadcaster, control: FakeControl) -> None:
    listeners = [broadcaster.open() for _ in range(3)]
    control.tell(recorded(1))
    for listener in listeners:
        happened = listener.take(PATIENCE)
        assert happened is not None
        assert happened.event.last_id == 1
    assert control.subscriptions == 1


def test_what_happens_right_after_opening_is_not_missed(broadcaster: Broadcaster, control: FakeControl) -> None:
    listener = broadcaster.open()
    control.tell(recorded(1))
    assert kinds(listener, 1) == ["lookups"]


def test_nobody_is_subscribed_while_nobody_watches(broadcaster: Broadcaster, control: FakeControl) -> None:
    assert control.subscriptions == 0
    listener = broadcaster.open()
    assert len(control.subscribers) == 1
    broadcaster.close(listener)
    wait_until(lambda: not control.subscribers)
    again = broadcaster.open()
    control.tell(recorded(2))
    assert kinds(again, 1) == ["lookups"]
    assert control.subscriptions == 2


def test_there_is_a_last_stream(broadcaster: Broadcaster) -> None:
    listeners = [broadcaster.open() for _ in range(3)]
    with pytest.raises(TooManyStreams):
        broadcaster.open()
    broadcaster.close(listeners[0])
    broadcaster.close(listeners[0])
    assert len(broadcaster) == 2
    broadcaster.open()


def test_a_slow_reader_loses_the_oldest_rows_and_hears_how_many(broadcaster: Broadcaster, control: FakeControl) -> None:
    slow, quick = broadcaster.open(), broadcaster.open()
    for number in range(1, 11):
        control.tell(recorded(number * 2, number * 2 + 1, left_out=1))
        assert kinds(quick, 1) == ["lookups"]
    happened = slow.take(PATIENCE)
    assert happened is not None
    assert happened.dropped == 6 * 3, "ten batches, room for four"
    assert happened.event.last_id == 15
    following = slow.take(PATIENCE)
    assert following is not None
    assert following.dropped == 0


def test_when_the_resolver_goes_and_comes_back_everybody_hears_of_it(
    broadcaster: Broadcaster, control: FakeControl
) -> None:
    listener = broadcaster.open()
    control.asleep = True
    control.tell({"event": "hang up"})
    happened = listener.take(PATIENCE)
    assert happened is not None
    assert (happened.event.kind, happened.event.event["healthy"]) == ("health", False)
    assert b'"says":"The dashboard cannot speak with the resolver just now."' in happened.event.frame()
    assert not broadcaster.connected
    control.asleep = False
    wait_until(lambda: control.subscribers)
    control.tell(recorded(1))
    assert kinds(listener, 3) == ["health", "gap", "lookups"]


@pytest.mark.slow
def test_a_stream_opens_although_the_resolver_is_away(control: FakeControl) -> None:
    control.asleep = True
    broadcaster = Broadcaster(control.subscribe)
    broadcaster.open()
    assert not broadcaster.connected
    broadcaster.stop()


def test_an_event_is_printed_once_for_all_who_want_it_whole() -> None:
    said = StreamEvent(recorded(1, 2))
    assert said.frame() is said.frame()
    text = said.frame().decode()
    assert text.startswith("event: lookups\nid: 2\ndata: {")
    assert text.endswith("}\n\n")
    assert text.count("\n") == 4


def test_a_name_cannot_write_events_of_its_own() -> None:
    said = StreamEvent(recorded(1, name="a\n\nevent: health\ndata: {}\r\n\u2028"))
    assert said.frame().count(b"\n") == 4
    assert b"\r" not in said.frame()


@pytest.mark.parametrize(
    ("wanted", "fit"),
    [
        (LookupFilter(), True),
        (LookupFilter(name="SAMSUNG"), True),
        (LookupFilter(name="lg.com"), False),
        (LookupFilter(name="*.samsung.com"), True),
        (LookupFilter(name="ads.*.com."), True),
        (LookupFilter(name="ads*g.com"), True),
        (LookupFilter(name="*s*s*g*"), True),
        (LookupFilter(name="*samsung"), False),
        (LookupFilter(name="samsung*"), False),
        (LookupFilter(name="ads.samsung.com*ads.samsung.com"), False),
        (LookupFilter(name="*" * 255), True),
        (LookupFilter(device=TELEVISION, company="Samsung Ads", category="advertising", verdict="block"), True),
        (LookupFilter(device="mac:other"), False),
        (LookupFilter(company="LG"), False),
        (LookupFilter(category="acr"), False),
        (LookupFilter(verdict="allow"), False),
        (LookupFilter(client="192.168.4.20"), True),
        (LookupFilter(client="192.168.4.2"), False),
    ],
)
def test_a_filter_means_the_same_as_in_the_journal(wanted: LookupFilter, fit: bool) -> None:
    assert fits(wanted, lookup_to_json(lookup(1))) is fit


class Browser:
    """Reads a stream of the test client event by event."""

    def __init__(self, client: FlaskClient, query: str = "", **headers: str) -> None:
        self.response: TestResponse = client.get(f"/api/v1/stream{query}", headers=headers)
        self._chunks = iter(self.response.response)

    def next(self) -> tuple[str, dict[str, Any]]:
        while True:
            chunk = next(self._chunks)
            text = chunk if isinstance(chunk, str) else chunk.decode()
            lines = dict(line.split(": ", 1) for line in text.strip().splitlines() if not line.startswith(":"))
            if "event" in lines:
                return lines["event"], json.loads(lines["data"])

    def ids(self) -> list[int]:
        kind, data = self.next()
        assert kind == "lookups"
        return [row["id"] for row in data["lookups"]]


@pytest.fixture
def at_home(tmp_path: Path) -> Iterator[Home]:
    made = home(tmp_path)
    yield made
    made.app.extensions["telltale.stream"].stop()


def begun(browser: Browser) -> Browser:
    """Opened as a browser does: the head of the stream has been read."""
    first = next(browser._chunks)
    assert b"retry: 3000" in (first if isinstance(first, bytes) else first.encode())
    return browser


def test_an_open_page_sees_what_is_recorded(at_home: Home) -> None:
    browser = begun(Browser(at_home.owner()))
    assert browser.response.mimetype == "text/event-stream"
    assert browser.response.headers["Cache-Control"] == "no-store"
    at_home.control.tell(recorded(3, 4))
    assert browser.ids() == [3, 4]
    at_home.control.tell({"event": "policy", "generation": 4, "rule": None, "removed": False})
    assert browser.next() == ("policy", {"generation": 4, "rule": None, "removed": False})
    browser.response.close()
    assert len(at_home.app.extensions["telltale.stream"]) == 0


def test_a_filtered_page_sees_only_its_own(at_home: Home) -> None:
    browser = begun(Browser(at_home.owner(), "?company=LG&verdict=allow"))
    at_home.control.tell(recorded(3))
    at_home.control.tell(recorded(4, company="LG", verdict="allow"))
    assert browser.ids() == [4]
    browser.response.close()


def test_a_stream_that_broke_off_is_taken_up_where_it_was(at_home: Home) -> None:
    at_home.reader.stored = [lookup(number) for number in range(1, 8)]
    browser = begun(Browser(at_home.owner(), **{"Last-Event-ID": "4"}))
    at_home.control.tell(recorded(6, 7, 8))
    assert browser.ids() == [5, 6, 7]
    assert browser.ids() == [8], "6 and 7 came already"
    browser.response.close()


def test_a_page_that_was_just_drawn_goes_on_from_its_newest_row(at_home: Home) -> None:
    at_home.reader.stored = [lookup(1), lookup(2), lookup(3, verdict="allow"), lookup(4)]
    browser = begun(Browser(at_home.owner(), "?after=1&verdict=block"))
    assert browser.ids() == [2, 4]
    browser.response.close()


def test_who_was_away_too_long_hears_of_the_gap(at_home: Home) -> None:
    at_home.reader.stored = [lookup(number) for number in range(1, 3000)]
    browser = begun(Browser(at_home.owner(), "?after=1"))
    assert browser.next() == ("gap", {"dropped": None})
    assert browser.ids() == list(range(2, 2002))
    browser.response.close()


def test_after_the_journal_began_anew_live_rows_come_although_their_ids_are_low(at_home: Home) -> None:
    browser = begun(Browser(at_home.owner(), **{"Last-Event-ID": "900000"}))
    assert browser.next() == ("gap", {"dropped": None})
    at_home.control.tell(recorded(3))
    assert browser.ids() == [3]
    browser.response.close()


def test_a_broken_journal_does_not_stop_the_stream(at_home: Home) -> None:
    at_home.reader.broken = True
    browser = begun(Browser(at_home.owner(), "?after=1"))
    assert browser.next() == ("gap", {"dropped": None})
    at_home.control.tell(recorded(3))
    assert browser.ids() == [3]
    browser.response.close()


@pytest.mark.slow
def test_without_the_resolver_a_page_hears_so_at_once(at_home: Home) -> None:
    at_home.control.asleep = True
    browser = begun(Browser(at_home.owner()))
    kind, data = browser.next()
    assert (kind, data["part"], data["healthy"]) == ("health", "resolver", False)
    browser.response.close()


def test_over_the_cap_a_page_is_asked_to_ask_instead(at_home: Home) -> None:
    owner = at_home.owner()
    browsers = [begun(Browser(owner)) for _ in range(MAX_STREAMS)]
    refused = owner.get("/api/v1/stream")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "10"
    assert refused.json["error"].startswith("Too many live views")
    assert owner.get("/api/v1/status").json["streams"] == {"open": MAX_STREAMS, "most": MAX_STREAMS}
    for browser in browsers:
        browser.response.close()
    begun(Browser(owner)).response.close()


def test_a_head_request_leaves_no_stream_behind(at_home: Home) -> None:
    owner = at_home.owner()
    for _ in range(MAX_STREAMS + 5):
        owner.head("/api/v1/stream").close()
    assert len(at_home.app.extensions["telltale.stream"]) == 0


@pytest.mark.parametrize("how", ["logout", "new password", "token removed", "command line"])
def test_a_stream_ends_with_the_login_that_opened_it(at_home: Home, how: str) -> None:
    owner = at_home.owner()
    headers: dict[str, str] = at_home.token() if how == "token removed" else {}
    other = at_home.owner()
    watching = begun(Browser(at_home.visitor() if headers else owner, **headers))
    staying = begun(Browser(other))

    def watch() -> None:
        for _ in watching._chunks:
            pass

    thread = threading.Thread(target=watch)
    thread.start()
    if how == "logout":
        owner.post("/logout", headers=ORIGIN)
    elif how == "new password":
        body = {"old": PASSWORD, "new": "battery staple"}
        other.post("/api/v1/password", json=body, headers=ORIGIN)
    else:
        if headers:
            at_home.store.remove_token(at_home.store.tokens()[0].id)
        else:
            at_home.store.set_password("battery staple")
        at_home.control.tell(recorded(3))
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it has ended"
    if how == "logout":
        at_home.control.tell(recorded(4))
        assert staying.ids() == [4]
    watching.response.close()
    staying.response.close()
