"""The resolver dies, with nobody there who starts it again: televisions go on, and the dashboard says so."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest
from flask.testing import FlaskClient

from gateway.application.filtering import ask_effect
from gateway.catalogue.sentences import say
from gateway.control.places import ControlPlaces
from gateway.model.effect import Effect
from gateway.settings import Endpoint
from tests.netns.box import Box
from tests.netns.escapee import GOOGLE4, ROUTER4, TRACKER, TRACKER4, ZONE
from tests.netns.lab import RESOLVERS4, Lab
from tests.netns.outside import Outside
from tests.support.dashboard import ORIGIN, PASSWORD, QUICK
from tests.support.waiting import wait_until
from web.application import create_app

pytestmark = pytest.mark.netns

WAITS = "DNS is down, and televisions wait for it: that is your setting."
GOES_PAST = "Filtering is off: Telltale's DNS does not answer, so televisions ask others."
FILTERED = "Televisions are filtered."
Open = Callable[..., tuple[Box, Outside]]


@pytest.fixture
def a_box(tmp_path: Path) -> Iterator[Open]:
    """A box whose television has an address and is filtered."""
    with Lab(televisions=1) as lab:
        with lab.inside("internet"):
            outside = Outside(ZONE, [(address, 53) for address in RESOLVERS4])
        boxes: list[Box] = []

        def stand(**settings: bool) -> tuple[Box, Outside]:
            box = Box(lab, tmp_path, **settings)
            boxes.append(box)
            box.make_bare()
            box.start()
            box.start_resolver()
            wait_until(box.stands)
            box.ask_for_address("tv1")
            box.block(TRACKER)
            wait_until(lambda: address_from(box, ROUTER4) == "0.0.0.0")
            wait_until(lambda: sentence(box) in ("", FILTERED))
            return box, outside

        with outside:
            try:
                yield stand
            finally:
                for box in boxes:
                    box.kill_resolver()
                    box.end()


def address_from(box: Box, server: str, *, tcp: bool = False) -> str | None:
    """The tracker's address as the television hears it from that server within 0.3 s; None for silence."""
    query = dns.query.tcp if tcp else dns.query.udp
    with box.lab.inside("tv1"):
        try:
            answer = query(dns.message.make_query(TRACKER, "A"), server, timeout=0.3)
        except (OSError, EOFError, dns.exception.DNSException):
            return None
    return answer.answer[0][0].to_text() if answer.answer else None


def sentence(box: Box) -> str:
    """What the network process says of filtering."""
    found = (part for part in box.client.call("status")["health"] if part["part"] == "filtering")
    return next((say(part["code"], part["arguments"]) for part in found), "")


def asked(box: Box) -> int:
    """How many queries the resolver has seen, heartbeats among them."""
    return int(box.control.call("status")["counters"]["queries_udp"])


@contextmanager
def dashboard(box: Box) -> Iterator[FlaskClient]:
    """The dashboard over this box's data, its owner logged in."""

    def effect() -> Effect | None:
        with box.lab.inside("gateway"):
            return ask_effect([Endpoint("0.0.0.0", 53)])

    app = create_app(data=box.data, control=ControlPlaces(box.data), hasher=QUICK, effect=effect)
    app.extensions["telltale.auth"].set_first_password(PASSWORD)
    with app.test_client() as browser:
        assert browser.post("/login", data={"password": PASSWORD}, headers=ORIGIN).status_code == 303
        yield browser


def test_a_television_goes_on_resolving_and_the_dashboard_says_so(a_box: Open) -> None:
    box, outside = a_box()
    with dashboard(box) as browser:
        assert "Filtering on" in browser.get("/").text
        assert not [each for each in outside.asked if each.name == TRACKER]
        # Who has just begun may be silent for five seconds; once it was heard it may not. The second beat that comes
        # says that the answer to the first was heard, and nobody else asks now.
        beats = asked(box) + 2
        wait_until(lambda: asked(box) >= beats)

        box.kill_resolver()
        wait_until(lambda: address_from(box, ROUTER4) == TRACKER4)
        # One that was made to ask 8.8.8.8 gets its answers as well, and all of them come from the fallback.
        wait_until(lambda: address_from(box, GOOGLE4) == address_from(box, GOOGLE4, tcp=True) == TRACKER4)
        assert {each.server for each in outside.asked if each.name == TRACKER} == {"9.9.9.9"}
        wait_until(lambda: sentence(box) == GOES_PAST)
        status = box.client.call("status")
        assert (status["filtering"], status["resolver_answers"]) == (False, False)
        page = browser.get("/").text
        assert "Filtering is off" in page
        assert "Filtering on" not in page

        box.start_resolver()
        wait_until(lambda: sentence(box) == FILTERED)
        for ask in (lambda: address_from(box, ROUTER4), lambda: address_from(box, GOOGLE4, tcp=True)):
            wait_until(lambda ask=ask: ask() == "0.0.0.0")
        wait_until(lambda: "Filtering is off" not in (page := browser.get("/").text) and "Filtering on" in page)


def test_one_that_hangs_is_as_good_as_dead(a_box: Open) -> None:
    box, _ = a_box()
    assert box.resolver is not None
    box.resolver.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: address_from(box, ROUTER4) == TRACKER4)
        wait_until(lambda: sentence(box) == GOES_PAST)
    finally:
        box.resolver.send_signal(signal.SIGCONT)
    wait_until(lambda: address_from(box, ROUTER4) == "0.0.0.0")
    wait_until(lambda: sentence(box) == FILTERED)


def test_a_setting_makes_it_fail_closed(a_box: Open) -> None:
    box, outside = a_box(fail_closed=True)
    box.kill_resolver()
    wait_until(lambda: sentence(box) == WAITS)
    assert box.client.call("status")["filtering"] is True
    for server in (ROUTER4, GOOGLE4):
        assert address_from(box, server) is None
        assert address_from(box, server, tcp=True) is None
    assert not [each for each in outside.asked if each.name == TRACKER]
    box.start_resolver()
    wait_until(lambda: address_from(box, ROUTER4) == "0.0.0.0")
    wait_until(lambda: sentence(box) == FILTERED)
