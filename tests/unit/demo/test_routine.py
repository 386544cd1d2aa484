"""When a television wants which name."""

from __future__ import annotations

from itertools import islice, pairwise, takewhile
from random import Random

import pytest

from gateway.demo.fleet import TELEVISIONS
from gateway.demo.routine import Phase, daily_routine, lively_routine, moments
from gateway.demo.script import App, Chatter, Script, When, Wish

SAMSUNG, LG, ROKU, FIRE = TELEVISIONS


def chatter(name: str, when: When = When.ON, every: float | None = None, jitter: float = 0.0) -> Chatter:
    return Chatter(name, (Wish(name),), "test", when, every, jitter, spread=0.0)


def script(*chatters: Chatter) -> Script:
    return Script("TV", "Maker", "127.0.0.9", chatters, (App("Film", (chatter("film"),)),), day=((20.0, 2.0),))


def times(tv: Script, phases: list[Phase], name: str) -> list[float]:
    return [moment.at for moment in moments(phases, tv, Random(1)) if moment.name == name]


def test_what_has_no_beat_is_said_once_when_its_state_begins() -> None:
    tv = script(chatter("boot", When.BOOT), chatter("home", When.HOME))
    phases = [Phase(When.BOOT, 0, 20), Phase(When.HOME, 20, 60), Phase(When.HOME, 60, 90)]
    assert times(tv, phases, "boot") == [0]
    assert times(tv, phases, "home") == [20, 60]


def test_a_beat_goes_on_from_phase_to_phase() -> None:
    tv = script(chatter("acr", When.ON, every=15.0))
    phases = [Phase(When.BOOT, 0, 20), Phase(When.HOME, 20, 33), Phase(When.ON, 33, 300)]
    at = times(tv, phases, "acr")
    assert {round(b - a, 6) for a, b in pairwise(at)} == {15.0}
    assert len(at) == 20


def test_a_beat_of_the_living_stops_in_standby() -> None:
    tv = script(chatter("acr", When.ON, every=15.0), chatter("sleepy", When.STANDBY, every=50.0))
    phases = [Phase(When.ON, 0, 100), Phase(When.STANDBY, 100, 400), Phase(When.ON, 400, 500)]
    assert all(at < 100 or at >= 400 for at in times(tv, phases, "acr"))
    assert all(100 <= at < 400 for at in times(tv, phases, "sleepy"))
    assert len(times(tv, phases, "sleepy")) == 6


def test_an_app_speaks_only_while_it_is_watched() -> None:
    film = App("Film", (chatter("open"), chatter("segment", every=10.0)))
    phases = [Phase(When.HOME, 0, 30), Phase(When.ON, 30, 90, film), Phase(When.HOME, 90, 120)]
    assert times(script(), phases, "open") == [30]
    assert all(30 < at < 90 for at in times(script(), phases, "segment"))
    assert len(times(script(), phases, "segment")) >= 5


@pytest.mark.parametrize("tv", TELEVISIONS, ids=lambda tv: tv.label)
def test_a_boot_is_a_burst_and_everything_comes_in_order(tv: Script) -> None:
    rng = Random(5)
    train = list(takewhile(lambda m: m.at < 3600, moments(lively_routine(tv, rng), tv, rng)))
    assert all(a.at <= b.at for a, b in pairwise(train))
    first = sum(len(moment.qtypes) for moment in train if moment.at < 15)
    later = sum(len(moment.qtypes) for moment in train) / 3600 * 15
    assert first > 3 * later


def test_the_same_chance_makes_the_same_life() -> None:
    def life(seed: int) -> list[tuple[float, str]]:
        rng = Random(seed)
        return [(m.at, m.name) for m in islice(moments(lively_routine(LG, rng), LG, rng), 500)]

    assert life(1) == life(1)
    assert life(1) != life(2)


def test_televisions_together_ask_about_once_a_second() -> None:
    wanted = 0
    for tv in TELEVISIONS:
        rng = Random(8)
        wanted += sum(
            len(m.qtypes) for m in takewhile(lambda m: m.at < 3600, moments(lively_routine(tv, rng), tv, rng))
        )
    assert 0.5 < wanted / 3600 < 3


@pytest.mark.parametrize("hour", [0.0, 7.5, 21.0, 23.9])
def test_a_day_has_no_holes_and_ends_in_time(hour: float) -> None:
    phases = list(daily_routine(ROKU, Random(4), hour=hour, seconds=86_400))
    assert phases[0].start == 0
    assert phases[-1].end == 86_400
    assert all(a.end == b.start and a.end > a.start for a, b in pairwise(phases))


def test_evenings_are_spent_before_the_television_and_nights_are_not() -> None:
    on = [0.0] * 24
    for seed in range(20):
        for phase in daily_routine(SAMSUNG, Random(seed), hour=0.0, seconds=86_400):
            if phase.when is not When.STANDBY:
                on[int(phase.start // 3600) % 24] += phase.end - phase.start
    assert sum(on[2:6]) == 0
    assert sum(on[18:24]) > sum(on[0:18]) * 2
