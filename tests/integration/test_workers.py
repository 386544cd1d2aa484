"""Three processes answer one address: one policy, one journal, and none is missed when it dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.exception
import pytest

from gateway.catalogue.sentences import say
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.processes import is_running
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

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
    boxes: list[RunningBox] = []

    def begin(*, expects: tuple[str, ...] = ()) -> RunningBox:
        flags = ["--upstream", upstream.url, "--workers", str(WORKERS + 1)]
        box = RunningBox(tmp_path / "data", flags, expects=expects)
        boxes.append(box)
        box.__enter__()
        wait_until(lambda: at_work(box) == WORKERS)
        return box

    try:
        yield begin
    finally:
        for box in boxes:
            box.__exit__(None, None, None)


def counters(box: RunningBox) -> dict[str, Any]:
    found: dict[str, Any] = box.control.call("status")["counters"]
    return found


def at_work(box: RunningBox) -> int:
    return int(counters(box)["workers"])


def worker_pids(box: RunningBox) -> list[int]:
    resolver = box.resolver_pid()
    children = Path(f"/proc/{resolver}/task/{resolver}/children").read_text().split()
    return [int(pid) for pid in children if b"daemons.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def everywhere(box: RunningBox, name: str, **more: Any) -> set[tuple[str, ...]]:
    """All the answers that the same question gets from many ports."""
    return {tuple(addresses(ask(name, server=box.dns, **more))) for _ in range(OFTEN)}


def test_all_answer_and_every_lookup_stands_in_the_one_journal_once(stand: Stand, upstream: Upstream) -> None:
    box = stand()
    assert everywhere(box, "shared.example") == {("192.0.2.5",)}
    assert upstream.count("shared.example") >= WORKERS, "each has a cache of its own, and most of them were asked"
    names = [f"n{number}.many.example" for number in range(OFTEN)]
    for name in names:
        ask(name, server=box.dns)
    asked = 2 * OFTEN
    wait_until(lambda: counters(box)["queries_udp"] == asked)
    wait_until(lambda: counters(box)["journal_recorded"] == asked)
    lookups = box.get("/api/v1/lookups?name=many.example&limit=200")[1]["lookups"]
    assert sorted(each["name"] for each in lookups) == sorted(names)
    assert all(each["times"] == 1 and each["device"] == "ip:127.0.0.1" for each in lookups)


def test_a_click_is_in_force_everywhere_when_it_is_confirmed(stand: Stand) -> None:
    box = stand()
    for number in range(5):
        name = f"click{number}.many.example"
        assert everywhere(box, name) == {("192.0.2.4",)}
        rule = box.control.call("rules.add", action="block", name=name, made_by="test")
        assert everywhere(box, name) == {tuple(BLOCKED)}
        box.control.call("rules.remove", id=rule["id"])
        assert everywhere(box, name) == {("192.0.2.4",)}


def test_rules_for_one_device_pauses_and_lists_hold_everywhere(stand: Stand, tmp_path: Path) -> None:
    box = stand()
    ask("shared.example", server=box.dns, source="127.0.0.9")
    box.control.call("rules.add", action="block", name="device.example", device="ip:127.0.0.9", made_by="test")
    assert everywhere(box, "device.example", source="127.0.0.9") == {tuple(BLOCKED)}
    assert everywhere(box, "device.example") == {("192.0.2.7",)}
    # A device that no process has met yet.
    assert everywhere(box, "shared.example", source="127.0.0.77") == {("192.0.2.5",)}
    box.control.call("pause", device="ip:127.0.0.9", seconds=60, made_by="test")
    assert everywhere(box, "device.example", source="127.0.0.9") == {("192.0.2.7",)}
    box.control.call("pause", device="ip:127.0.0.9", seconds=0, made_by="test")
    assert everywhere(box, "device.example", source="127.0.0.9") == {tuple(BLOCKED)}

    listed = tmp_path / "list.txt"
    listed.write_text("listed.example\n")
    box.control.call("lists.add", source=str(listed), title="Mine", action="block", comment="")
    wait_until(lambda: everywhere(box, "listed.example") == {tuple(BLOCKED)})


def test_a_timed_rule_ends_everywhere(stand: Stand) -> None:
    box = stand()
    box.control.call("rules.add", action="block", name="shared.example", seconds=4, made_by="test")
    assert addresses(ask("shared.example", server=box.dns)) == BLOCKED
    box.control.call("rules.add", action="block", name="device.example", seconds=3600, made_by="test")
    assert everywhere(box, "device.example") == {tuple(BLOCKED)}
    wait_until(lambda: everywhere(box, "shared.example") == {("192.0.2.5",)})


def test_nobody_waits_for_a_worker_that_was_killed_and_it_comes_back(stand: Stand) -> None:
    box = stand(expects=(ENDED,))
    before = counters(box)["queries_udp"]
    first, _ = worker_pids(box)
    os.kill(first, signal.SIGKILL)
    assert everywhere(box, "shared.example") == {("192.0.2.5",)}
    wait_until(lambda: at_work(box) == WORKERS and first not in worker_pids(box))
    assert everywhere(box, "shared.example") == {("192.0.2.5",)}
    wait_until(lambda: counters(box)["queries_udp"] >= before + 2 * OFTEN)
    health = {each["part"]: each for each in box.control.call("status")["health"]}
    assert health["workers"]["healthy"]
    assert say(health["workers"]["code"], health["workers"]["arguments"]) == "3 processes answer DNS."


def test_a_click_is_in_force_although_a_worker_hangs(stand: Stand) -> None:
    box = stand(expects=(ENDED, "a worker does not follow new rules"))
    assert everywhere(box, "shared.example") == {("192.0.2.5",)}
    hangs, _ = worker_pids(box)
    os.kill(hangs, signal.SIGSTOP)
    box.control.call("rules.add", action="block", name="shared.example", made_by="test")
    assert everywhere(box, "shared.example") == {tuple(BLOCKED)}
    wait_until(lambda: at_work(box) == WORKERS)


def test_workers_do_not_outlive_the_resolver(stand: Stand) -> None:
    box = stand(expects=("resolver ended with SIGKILL",))
    box.control.call("rules.add", action="block", name="shared.example", made_by="test")
    orphans = worker_pids(box)
    box.kill_resolver()
    wait_until(lambda: not any(is_running(pid) for pid in orphans))

    def answers() -> bool:
        try:
            return addresses(ask("shared.example", server=box.dns, timeout=0.5)) == BLOCKED
        except (dns.exception.DNSException, OSError):
            return False

    wait_until(answers)
    wait_until(lambda: at_work(box) == WORKERS)
    assert everywhere(box, "shared.example") == {tuple(BLOCKED)}
