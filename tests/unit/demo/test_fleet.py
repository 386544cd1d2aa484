"""Four televisions live together, within bounds."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter

import pytest

from gateway.demo.fleet import TELEVISIONS, Fleet
from gateway.demo.packet import TelevisionAnswer
from gateway.demo.television import Ask
from gateway.demo.world import World
from gateway.errors import NetworkError, SettingsError
from gateway.model.dns import QType
from tests.support.clock import run_simulated, simulated_now

RESOLVER = ("127.0.0.1", 5335)
Heard = list[tuple[float, str, str]]


def live(seconds: float, *, seed: int = 0, pace: float = 1.0, blocked: frozenset[str] = frozenset()) -> Heard:
    """What a fleet asks within so many simulated seconds, with a home that blocks these names."""
    world = World.load()
    heard: Heard = []

    def ask_from(address: str) -> Ask:
        async def ask(name: str, qtype: int, *, tcp: bool = False) -> TelevisionAnswer:
            heard.append((simulated_now(), address, name))
            await asyncio.sleep(0.02)
            if name in blocked:
                return TelevisionAnswer(0, ("0.0.0.0" if qtype == QType.A else "::",), 10)
            return TelevisionAnswer(0, ("192.0.2.1",), world.answer(name, qtype).ttl)

        return ask

    async def story() -> Heard:
        fleet = Fleet(RESOLVER, pace=pace, seed=seed, clock=simulated_now, ask_from=ask_from)
        running = asyncio.create_task(fleet.run())
        await asyncio.sleep(seconds)
        await fleet.stop()
        await running
        return heard

    return run_simulated(story())


def test_every_television_asks_from_its_own_address() -> None:
    addresses = Counter(address for _, address, _ in live(120))
    assert set(addresses) == {script.address for script in TELEVISIONS}
    assert min(addresses.values()) > 10


def test_the_load_stays_small() -> None:
    heard = live(1800)
    assert 0.4 < len(heard) / 1800 < 3
    by_second = Counter(int(at) for at, _, _ in heard)
    assert max(by_second.values()) <= 40


def test_a_storm_stays_within_its_bounds() -> None:
    heard = live(1800, blocked=frozenset({"scribe.logs.roku.com", "cooper.logs.roku.com"}))
    storm = Counter(int(at) for at, _, name in heard if name in ("scribe.logs.roku.com", "cooper.logs.roku.com"))
    assert max(storm.values()) >= 10
    assert max(storm.values()) <= 40
    assert sum(storm.values()) > 3 * sum("logs.roku.com" in name for _, _, name in live(1800))


def test_the_same_seed_gives_the_same_lives() -> None:
    assert live(200, seed=7) == live(200, seed=7)
    assert live(200, seed=7) != live(200, seed=8)


def test_a_higher_pace_makes_life_faster() -> None:
    assert len(live(600, pace=10)) > 2 * len(live(600))


@pytest.mark.parametrize("pace", [0.0, -1.0, 61.0, float("nan")])
def test_a_pace_out_of_bounds_is_refused(pace: float) -> None:
    with pytest.raises(SettingsError, match="pace"):
        Fleet(RESOLVER, pace=pace)


def test_what_they_did_is_counted() -> None:
    async def story() -> dict[str, Counter[str]]:
        async def ask(name: str, qtype: int, *, tcp: bool = False) -> TelevisionAnswer:
            return TelevisionAnswer(0, ("192.0.2.1",), 30)

        fleet = Fleet(RESOLVER, clock=simulated_now, ask_from=lambda _: ask)
        running = asyncio.create_task(fleet.run())
        await asyncio.sleep(60)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return fleet.counts()

    counts = run_simulated(story())
    assert list(counts) == ["Samsung TV", "LG TV", "Roku TV", "Fire TV"]
    assert all(one["asked"] > 5 for one in counts.values())


def test_a_machine_without_the_addresses_says_so() -> None:
    elsewhere = dataclasses.replace(TELEVISIONS[0], address="192.0.2.21")
    with pytest.raises(NetworkError, match=r"192\.0\.2\.21, which this machine does not have"):
        asyncio.run(Fleet(RESOLVER, [elsewhere]).run())


def test_stopping_a_fleet_that_never_ran_is_nothing() -> None:
    asyncio.run(Fleet(RESOLVER).stop())
