from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.resolver.departures import NOBODY_YET, Departures


class Flight:
    def __init__(self, name: str, sky: Sky) -> None:
        self.name, self.sky, self.is_held, self.level = name, sky, True, NOBODY_YET

    def depart(self) -> None:
        self.is_held = False
        self.sky.left.append(self.name)
        if self.name in self.sky.grounded:
            self.sky.departures.landed()


class Sky:
    """An upstream whose shortest round trip is so many seconds, and who left for it."""

    def __init__(self, seconds: float | None = 0.0) -> None:
        self.departures: Departures[Flight] = Departures()
        self.left: list[str] = []
        self.grounded: set[str] = set()
        self.now = 100.0
        if seconds is not None:
            self.departures.answered(seconds)
            self.departures.measure(self.now)

    def ask(self, name: str, holder: str = "flood") -> Flight:
        flight = Flight(name, self)
        if self.departures.ask(holder, flight, self.now):
            flight.depart()
        return flight

    def flood(self, count: int) -> None:
        for number in range(count):
            self.ask(f"f{number}")


@pytest.fixture
def sky() -> Sky:
    return Sky()


def test_a_flood_waits_here_and_goes_on_as_answers_come(sky: Sky) -> None:
    sky.flood(200)
    # The first names of anybody who meets a crowd go at once: nobody is known to flood by then.
    assert (len(sky.left), sky.departures.gone, sky.departures.waiting) == (47, 47, 153)
    for _ in range(32):
        sky.departures.landed()
    assert (sky.departures.gone, sky.departures.waiting) == (16, 152)
    assert sky.left[-1] == "f47"


def test_who_asks_now_and_then_never_waits_for_the_flood(sky: Sky) -> None:
    sky.flood(200)
    sky.ask("quiet", "television")
    assert sky.left[-1] == "quiet"


def test_who_asks_for_much_in_one_go_comes_before_who_asks_for_more(sky: Sky) -> None:
    sky.flood(4_000)
    for _ in range(600):
        sky.departures.landed()
    for number in range(80):
        sky.ask(f"w{number}", "waking up")
    waited = [f"w{number}" for number in range(80) if f"w{number}" not in sky.left]
    before = len(sky.left)
    for _ in range(100):
        sky.departures.landed()
    assert set(sky.left[before : before + len(waited)]) == set(waited)


def test_what_somebody_else_waits_for_too_leaves_as_early_as_theirs_and_once(sky: Sky) -> None:
    flights = [sky.ask(f"f{number}") for number in range(4_000)]
    wanted, later = flights[3_000], flights[3_500]
    assert wanted.is_held
    if sky.departures.ask("television", wanted, sky.now):
        wanted.depart()
    assert sky.left[-1] == "f3000"
    for number in range(200):
        sky.ask(f"w{number}", "waking up")
    assert not sky.departures.ask("waking up", later, sky.now)
    while sky.departures.gone:
        sky.departures.landed()
    assert (len(sky.left), len(set(sky.left)), sky.departures.waiting) == (4_200, 4_200, 0)
    assert sky.left.index("f3500") < sky.left.index("f3400")


def test_many_who_ask_for_little_are_bounded_too(sky: Sky) -> None:
    for number in range(500):
        sky.ask(f"n{number}", f"198.51.100.{number}")
    assert sky.departures.gone == 16 + 64


@pytest.mark.parametrize(("seconds", "room"), [(None, 60_000), (0.02, 216 + 31), (0.6, 6_016 + 31)])
def test_a_long_way_has_room_for_as_many_as_fill_it(seconds: float | None, room: int) -> None:
    sky = Sky(seconds)
    sky.flood(60_000)
    assert sky.departures.gone == room


def test_nobody_waits_behind_an_upstream_that_is_late(sky: Sky) -> None:
    sky.flood(200)
    sky.departures.late(sky.now)
    sky.departures.measure(sky.now)
    assert sky.departures.waiting == 0
    sky.now += 1.0
    sky.departures.measure(sky.now)
    sky.ask("later")
    assert sky.departures.waiting == 1


def test_the_shortest_way_is_forgotten_after_a_while(sky: Sky) -> None:
    for _ in range(3):
        sky.now += 5.0
        sky.departures.answered(0.05)
        sky.departures.measure(sky.now)
    sky.flood(1_000)
    assert sky.departures.gone == 516 + 31


@pytest.mark.parametrize("fate", ["over", "cannot leave"])
def test_who_is_over_or_cannot_leave_stops_nobody(sky: Sky, fate: str) -> None:
    flights = [sky.ask(f"f{number}") for number in range(3_000)]
    for flight in flights[47:2_999]:
        if fate == "over":
            flight.is_held = False
        else:
            sky.grounded.add(flight.name)
    for _ in range(32):
        sky.departures.landed()
    assert sky.left[-1] == "f2999"
    assert sky.departures.waiting == 0


def test_the_fair_queue_weighs_by_what_was_asked_lately(sky: Sky) -> None:
    weigh: Callable[[str, float], int] = sky.departures._held.weigh
    assert [weigh("x", 1.0) for _ in range(4)] == [1, 2, 2, 3]
    assert weigh("x", 9.0) == 1
