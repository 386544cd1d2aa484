"""Three processes answer one address: one policy, one journal, and none is missed when it dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.exception
import pytest

from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.upstream import Upstream

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ZONE = {
    "*.many.example": "60 A 192.0.2.4",
    "shared.example": "60 A 192.0.2.5",
    "listed.example": "60 A 192.0.2.6",
    "device.example": "60 A 192.0.2.7",
}
BLOCKED = ["0.0.0.0"]
ENDED = "a worker ended; it is replaced"
# Each asks from a port of its own; among so many, every process gets some.
OFTEN = 40
WORKERS = 2
Stand = Callable[..., RunningBox]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as server:
        yield server


@pytest.fixture
def stand(upstream: Upstream, tmp_path: Path) -> Iterator[Stand]:
    houses: list[RunningBox] = []

    def begin(*, expects: tuple[str, ...] = ()) -> RunningBox:
        flags = ["--upstream", upstream.url, "--workers", str(WORKERS + 1)]
        house = RunningBox(tmp_path / "data", flags, expects=expects)
        houses.append(house)
        house.__enter__()
        house.wait_for(lambda: at_work(house) == WORKERS)
        return house

    try:
        yield begin
    finally:
        for house in houses:
            house.__exit__(None, None, None)


def counters(house: RunningBox) -> dict[str, Any]:
    found: dict[str, Any] = house.control.call("status")["counters"]
    return found


def at_work(house: RunningBox) -> int:
    return int(counters(house)["workers"])


def worker_pids(house: RunningBox) -> list[int]:
    resolver = house.resolver_pid()
    children = Path(f"/proc/{resolver}/task/{resolver}/children").read_text().split()
    return [int(pid) for pid in children if b"daemons.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def everywhere(house: RunningBox, name: str, **more: Any) -> set[tuple[str, ...]]:
    """All the answers that the same question gets from many ports."""
    return {tuple(addresses(ask(name, server=house.dns, **more))) for _ in range(OFTEN)}


def test_all_answer_and_every_lookup_stands_in_the_one_journal_once(stand: Stand, upstream: Upstream) -> None:
    house = stand()
    assert everywhere(house, "shared.example") == {("192.0.2.5",)}
    assert upstream.count("shared.example") >= WORKERS, "each has a cache of its own, and most of them were asked"
    names = [f"n{number}.many.example" for number in range(OFTEN)]
    for name in names:
        ask(name, server=house.dns)
    asked = 2 * OFTEN
    house.wait_for(lambda: counters(house)["queries_udp"] == asked)
    house.wait_for(lambda: counters(house)["journal_recorded"] == asked)
    lookups = house.get("/api/v1/lookups?name=many.example&limit=200")[1]["lookups"]
    assert sorted(each["name"] for each in lookups) == sorted(names)
    assert all(each["times"] == 1 and each["device"] == "ip:127.0.0.1" for each in lookups)


def test_a_click_is_in_force_everywhere_when_it_is_confirmed(stand: Stand) -> None:
    house = stand()
    for number in range(5):
        name = f"click{number}.many.example"
        assert everywhere(house, name) == {("192.0.2.4",)}
        rule = house.control.call("rules.add", action="block", name=name, made_by="test")
        assert everywhere(house, name) == {tuple(BLOCKED)}
        house.control.call("rules.remove", id=rule["id"])
        assert everywhere(house, name) == {("192.0.2.4",)}


def test_rules_for_one_device_pauses_and_lists_hold_everywhere(stand: Stand, tmp_path: Path) -> None:
    house = stand()
    ask("shared.example", server=house.dns, source="127.0.0.9")
    house.control.call("rules.add", action="block", name="device.example", device="ip:127.0.0.9", made_by="test")
    assert everywhere(house, "device.example", source="127.0.0.9") == {tuple(BLOCKED)}
    assert everywhere(house, "device.example") == {("192.0.2.7",)}
    # A device that no process has met yet.
    assert everywhere(house, "shared.example", source="127.0.0.77") == {("192.0.2.5",)}
    house.control.call("pause", device="ip:127.0.0.9", seconds=60, made_by="test")
    assert everywhere(house, "device.example", source="127.0.0.9") == {("192.0.2.7",)}
    house.control.call("pause", device="ip:127.0.0.9", seconds=0, made_by="test")
    assert everywhere(house, "device.example", source="127.0.0.9") == {tuple(BLOCKED)}

    listed = tmp_path / "list.txt"
    listed.write_text("listed.example\n")
    house.control.call("lists.add", source=str(listed), title="Mine", action="block", comment="")
    house.wait_for(lambda: everywhere(house, "listed.example") == {tuple(BLOCKED)})


def test_a_timed_rule_ends_everywhere(stand: Stand) -> None:
    house = stand()
    house.control.call("rules.add", action="block", name="shared.example", seconds=2, made_by="test")
    assert everywhere(house, "shared.example") == {tuple(BLOCKED)}
    house.wait_for(lambda: everywhere(house, "shared.example") == {("192.0.2.5",)})


def test_nobody_waits_for_a_worker_that_was_killed_and_it_comes_back(stand: Stand) -> None:
    house = stand(expects=(ENDED,))
    before = counters(house)["queries_udp"]
    first, _ = worker_pids(house)
    os.kill(first, signal.SIGKILL)
    assert everywhere(house, "shared.example", timeout=1.0) == {("192.0.2.5",)}
    house.wait_for(lambda: at_work(house) == WORKERS and first not in worker_pids(house))
    assert everywhere(house, "shared.example") == {("192.0.2.5",)}
    house.wait_for(lambda: counters(house)["queries_udp"] >= before + 2 * OFTEN)
    health = {each["part"]: each for each in house.control.call("status")["health"]}
    assert health["workers"]["healthy"]
    assert health["workers"]["says"] == "3 processes answer DNS."


def test_a_click_is_in_force_although_a_worker_hangs(stand: Stand) -> None:
    house = stand(expects=(ENDED, "a worker does not follow new rules"))
    assert everywhere(house, "shared.example") == {("192.0.2.5",)}
    hangs, _ = worker_pids(house)
    os.kill(hangs, signal.SIGSTOP)
    began = time.monotonic()
    house.control.call("rules.add", action="block", name="shared.example", made_by="test")
    assert time.monotonic() - began < 3
    assert everywhere(house, "shared.example", timeout=1.0) == {tuple(BLOCKED)}
    house.wait_for(lambda: at_work(house) == WORKERS)


def test_workers_do_not_outlive_the_resolver(stand: Stand) -> None:
    house = stand(expects=("resolver ended with SIGKILL",))
    house.control.call("rules.add", action="block", name="shared.example", made_by="test")
    orphans = worker_pids(house)
    house.kill_resolver()
    house.wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))

    def answers() -> bool:
        try:
            return addresses(ask("shared.example", server=house.dns, timeout=0.5)) == BLOCKED
        except (dns.exception.DNSException, OSError):
            return False

    house.wait_for(answers)
    house.wait_for(lambda: at_work(house) == WORKERS)
    assert everywhere(house, "shared.example") == {tuple(BLOCKED)}
