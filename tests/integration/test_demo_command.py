"""`telltale demo`: four televisions live within seconds, plainly marked, and nothing left behind."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.processes import children_of, is_running
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.integration

TELEVISIONS = {"127.0.0.21", "127.0.0.22", "127.0.0.23", "127.0.0.24"}


def test_the_demo_shows_four_simulated_televisions_live(tmp_path: Path) -> None:
    with RunningBox(tmp_path / "demo", ["--pace", "5"], verb="demo") as box:
        devices = box.get("/api/v1/devices")[1]["devices"]
        assert {address for device in devices for address in device["addresses"]} >= TELEVISIONS
        assert all(device["simulated"] and device["maker"] for device in devices)
        assert box.get("/api/v1/status")[1]["simulated"] is True

        started = box.control.call("status")["started"]
        wait_until(
            lambda: (
                {each["client"] for each in box.get(f"/api/v1/lookups?since={started}&limit=500")[1]["lookups"]}
                >= TELEVISIONS
            ),
        )
        overview = box.get("/api/v1/overview?hours=24")[1]
        assert overview["totals"]["lookups"] > 5000, "the charts are not empty at the start"
        for device in devices:
            age = datetime.now(UTC) - datetime.fromisoformat(device["first_seen"])
            assert age > timedelta(hours=22), "no television was seen first after what it asked for"
        assert {row["company"] for row in overview["companies"]} >= {"Samsung", "LG", "Roku", "Netflix"}

        name = "acr-us-prd.samsungcloud.tv"
        assert addresses(ask(name, server=box.dns)) != ["0.0.0.0"]
        box.request("POST", "/api/v1/rules", {"action": "block", "category": "acr"})
        assert addresses(ask(name, server=box.dns)) == ["0.0.0.0"]
        wait_until(
            lambda: box.get("/api/v1/lookups?verdict=block&category=acr")[1]["lookups"],
        )

        printed = box.output.read_text()
        assert re.search(r"^Dashboard +http://127\.0\.0\.1:\d+/$", printed, re.MULTILINE)
        assert re.search(r"^Password +\w+(-\w+){3}$", printed, re.MULTILINE)
        assert "simulated" in printed
        family = children_of(box.process.pid)
        assert len(family) >= 3, "the resolver, the dashboard and the simulated world"
    wait_until(lambda: not [pid for pid in family if is_running(pid)], "nothing is left running")


def test_the_supervisor_s_death_takes_everything_along(tmp_path: Path) -> None:
    box = RunningBox(tmp_path / "demo", verb="demo")
    box.start()
    family = children_of(box.process.pid)
    box.process.kill()
    box.process.wait(PATIENCE)
    wait_until(lambda: not [pid for pid in family if is_running(pid)])
