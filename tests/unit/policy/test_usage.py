from __future__ import annotations

import pytest

from gateway.policy.usage import KEPT, Usage

TV, PHONE = "mac:aa:bb:cc:dd:ee:ff", "mac:11:22:33:44:55:66"
SIGNS = {
    "app.player.example": ("Player", True), "idle.player.example": ("Player", False), "music.example": ("Music", True),
}  # fmt: skip


class Watched:
    def __init__(self) -> None:
        self.now = 1000.0
        self.usage = Usage(SIGNS.get, lambda: self.now)
        self.changed: list[str] = []
        self.usage.listen(self.changed.append)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_service_is_in_use_from_its_first_name_on(watched: Watched) -> None:
    usage = watched.usage
    assert not usage.note(TV, "ads.example")
    assert usage.note(TV, "app.player.example")
    assert not usage.note(TV, "app.player.example")
    assert usage.of(TV) == {"Player"}
    assert usage.of(PHONE) == usage.of(None) == frozenset()
    assert watched.changed == [TV]


def test_nobody_in_particular_uses_nothing(watched: Watched) -> None:
    assert not watched.usage.note(None, "app.player.example")


def test_the_latest_use_counts_and_after_four_weeks_none(watched: Watched) -> None:
    usage = watched.usage
    usage.add(TV, [("Player", 100.0), ("Music", 20.0)])
    usage.add(TV, [("Player", 300.0)])
    watched.now += KEPT - 50.0
    usage.sweep()
    assert usage.of(TV) == {"Music"}
    watched.now += 50.0
    usage.sweep()
    assert usage.of(TV) == frozenset()
    assert usage.table() == {}
    assert watched.changed == [TV, TV, TV]


def test_a_device_keeps_what_it_uses_under_another_id(watched: Watched) -> None:
    usage = watched.usage
    usage.add("ip:192.0.2.7", [("Player", 0.0)])
    usage.join("ip:192.0.2.7", TV)
    assert usage.table() == {TV: ["Player"]}
    usage.join("ip:192.0.2.8", PHONE)
    assert usage.table() == {TV: ["Player"]}


def test_a_device_keeps_what_it_uses_also_where_there_is_room_for_no_more(watched: Watched) -> None:
    for number in range(512):
        watched.usage.note(f"ip:198.51.100.{number}", "app.player.example")
    watched.usage.join("ip:198.51.100.0", TV)
    assert watched.usage.of(TV) == {"Player"}
    assert len(watched.usage.table()) == 512


def test_whoever_forges_devices_costs_no_memory(watched: Watched) -> None:
    for number in range(2_000):
        watched.usage.note(f"ip:198.51.100.{number}", "app.player.example")
    assert len(watched.usage.table()) == 512
    assert watched.usage.of("ip:198.51.100.1999") == {"Player"}


def test_what_is_asked_for_by_itself_counts_for_the_moment_only(watched: Watched) -> None:
    usage = watched.usage
    assert usage.note(TV, "idle.player.example")
    assert not usage.note(TV, "idle.player.example")
    assert (usage.of(TV), usage.table()) == ({"Player"}, {})
    watched.now += 301.0
    usage.sweep()
    assert usage.of(TV) == frozenset()
    assert usage.note(TV, "idle.player.example")
    assert usage.note(TV, "app.player.example"), "it is in use already, and for longer now"
    assert not usage.note(TV, "app.player.example")
    watched.now += 301.0
    usage.sweep()
    assert usage.of(TV) == {"Player"}
