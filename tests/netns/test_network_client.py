"""The whole box: the real resolver plans, the network process builds, a television comes, and both are killed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.netns.box import Box
from tests.netns.lab import Lab
from tests.netns.servers import NamedDns
from tests.support.waiting import wait_until

pytestmark = pytest.mark.netns


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Lab(televisions=1) as lab:
        made = Box(lab, tmp_path)
        made.make_bare()
        made.start()
        with lab.inside("internet"):
            internet = NamedDns("internet", ("9.9.9.9", "8.8.8.8"))
        with internet:
            try:
                made.start_resolver()
                yield made
            finally:
                made.kill_resolver()
                made.end()


def test_a_television_joins_is_known_by_name_and_outlives_both_processes(box: Box) -> None:
    wait_until(lambda: box.network().get("mode") == "wired")
    assert box.ask_for_address("tv1", "-x", "hostname:Samsung-TV") == [
        *("10.83.7.20", "24", "10.83.7.1", "10.83.7.1", "tv.lan"),
    ]

    def device() -> list[dict[str, Any]]:
        devices = box.control.call("devices.list")["devices"]
        return [each for each in devices if each["id"] == "mac:02:42:00:00:00:0b" and each["host"]]

    wait_until(device)
    assert device()[0]["host"] == "samsung-tv"
    assert "10.83.7.20" in device()[0]["addresses"]
    # The name that the owner gave stands in DNS, forward and reverse; no other name of the domain leaves the home.
    wait_until(lambda: box.dig("@10.83.7.1", "salon.tv.lan") == "10.83.7.20")
    assert box.dig("@10.83.7.1", "-x", "10.83.7.20") == "salon.tv.lan."
    assert box.dig("@10.83.7.1", "nobody.tv.lan") == ""
    # A resolver in the television's firmware is answered by us.
    wait_until(lambda: box.dig("@8.8.8.8", "salon.tv.lan") == "10.83.7.20")

    box.kill_resolver()
    # How soon is measured in test_network_process, where a try takes less than dig's whole second.
    wait_until(lambda: box.dig("@10.83.7.1", "TXT", "tracker.example") == '"internet"')
    wait_until(lambda: box.client.call("status")["filtering"] is False)

    box.start_resolver()
    wait_until(lambda: box.network().get("filtering") is True)
    wait_until(lambda: box.dig("@8.8.8.8", "salon.tv.lan") == "10.83.7.20")

    def filtered() -> bool:
        health = {part["part"]: part for part in box.control.call("status")["health"]}
        return bool(health["network filtering"]["healthy"])

    wait_until(filtered)

    # The network process dies; DNS and leases go on, and its next run hears of the plan again.
    box.stop(9)
    wait_until(lambda: box.network().get("reached") is False)
    assert box.dig("@10.83.7.1", "salon.tv.lan") == "10.83.7.20"
    box.start()
    wait_until(lambda: box.network().get("reached") is True)


def test_a_paused_device_reaches_nothing_until_it_may_again(box: Box) -> None:
    wait_until(lambda: box.network().get("mode") == "wired")
    box.ask_for_address("tv1")
    wait_until(lambda: [d for d in box.control.call("devices.list")["devices"] if d["mac"] == "02:42:00:00:00:0b"])
    box.lab.run("tv1", "ping", "-c", "1", "-W", "5", "203.0.113.10")
    said = box.control.call("network.pause", device="mac:02:42:00:00:00:0b", paused=True)
    assert said == {"paused": ["02:42:00:00:00:0b"]}
    with pytest.raises(AssertionError):
        box.lab.run("tv1", "ping", "-c", "1", "-W", "1", "203.0.113.10")
    assert json.loads((box.data / "paused.json").read_text()) == ["02:42:00:00:00:0b"]
    box.control.call("network.pause", device="mac:02:42:00:00:00:0b", paused=False)
    box.lab.run("tv1", "ping", "-c", "1", "-W", "5", "203.0.113.10")


def test_the_command_line_tells_plans_and_clears(box: Box) -> None:
    wait_until(lambda: box.network().get("mode") == "wired")

    def telltale(*words: str) -> str:
        return box.lab.run("gateway", sys.executable, "-m", "gateway.cli", "network", *words, "--data", str(box.data))

    assert "wired, 0 leases, filtering on" in telltale("status")
    assert json.loads(telltale("plan"))["tv"]["address"] == "10.83.7.1/24"
    assert "dhcp-range=10.83.7.50" in telltale("apply", "--dry-run")
    telltale("clear", "--dry-run")
    assert box.client.call("status")["mode"] == "wired"
    telltale("clear")
    assert box.client.call("status")["mode"] is None
    time.sleep(4)
    assert box.client.call("status")["mode"] is None
    telltale("apply")
    assert box.client.call("status")["mode"] == "wired"
