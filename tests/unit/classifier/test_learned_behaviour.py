from __future__ import annotations

import math
import random

import pytest

from gateway.classifier.learned.behaviour import behaviour, with_behaviour

HOUR = 3600.0


def train(period: float, lookups: int, jitter: float = 0.0) -> list[float]:
    lot = random.Random(7)
    return [at * period + lot.uniform(-jitter, jitter) for at in range(lookups)]


def test_a_heartbeat_is_recognised_with_its_period() -> None:
    seen = behaviour(train(900, 40, jitter=60))
    assert seen.beacon
    assert seen.period == pytest.approx(900, rel=0.05)
    assert seen.says == ("it is asked for every 15 minutes, as regular as a heartbeat",)


def test_a_night_switched_off_does_not_hide_the_heartbeat() -> None:
    evening, morning = train(900, 30), [time + 12 * HOUR for time in train(900, 30)]
    assert behaviour(evening + morning).beacon


def test_look_ups_at_random_are_no_heartbeat() -> None:
    lot, times, now = random.Random(3), [], 0.0
    for _ in range(60):
        now += lot.expovariate(1 / 900)
        times.append(now)
    seen = behaviour(times)
    assert seen.variation is not None
    assert seen.variation > 0.35
    assert (seen.beacon, seen.odds, seen.says) == (False, 0.0, ())


def test_a_pair_of_a_and_aaaa_is_one_look_up() -> None:
    times = [time + gap for time in train(900, 40) for gap in (0.0, 0.01, 2.0)]
    assert behaviour(times).lookups == 40
    assert behaviour(times).beacon


@pytest.mark.parametrize("times", [[], [1.0], train(900, 19), train(60, 300), [5.0] * 100])
def test_too_little_or_too_short_is_not_judged(times: list[float]) -> None:
    seen = behaviour(times)
    assert (seen.period, seen.variation, seen.beacon) == (None, None, False)


def test_idle_look_ups_and_many_devices_add_their_reasons() -> None:
    seen = behaviour(train(900, 40), devices=3, idle_share=0.75)
    assert len(seen.says) == 3
    assert "75% of the look-ups came while nobody was watching" in seen.says
    assert "3 devices ask for it" in seen.says


def test_behaviour_moves_a_doubt_and_makes_no_tracker_of_an_innocent_name() -> None:
    most = behaviour(train(900, 40), devices=9, idle_share=1.0)
    assert 0.8 < with_behaviour(0.5, most) < 0.87
    assert with_behaviour(0.49, most) == 0.49
    assert with_behaviour(0.7, behaviour([])) == pytest.approx(0.7)
    assert with_behaviour(1.0, most) == 1.0


def test_strange_times_and_shares_do_no_harm() -> None:
    seen = behaviour([math.nan, math.inf, -math.inf, *train(900, 40)], devices=-5, idle_share=math.nan)
    assert seen.beacon
    assert len(seen.says) == 1
