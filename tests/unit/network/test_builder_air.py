"""What one station says to another goes by the bridge and back, or nowhere."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.model.network import AccessPoint, Mode
from gateway.network import host
from gateway.network.builder import Builder
from gateway.network.controller import FirewallController
from gateway.network.service import NetworkService
from tests.unit.network.plans import plan_with

OFF = ("ip", "link", "set", "dev", "wlan0", "type", "bridge_slave", "hairpin", "off")
ON = (*OFF[:-1], "on")


@pytest.mark.parametrize(
    ("isolated", "by_itself", "found", "done"),
    [
        (False, False, False, [ON]),
        (False, False, True, []),
        (True, False, True, [OFF]),
        (True, False, False, []),
        (False, True, True, [OFF]),
        (False, True, False, []),
        (False, False, None, []),
    ],
)
def test_the_bridge_gives_back_what_our_rules_have_seen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    isolated: bool,
    by_itself: bool,
    found: bool | None,
    done: list[Sequence[str]],
) -> None:
    steps: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> str:
        steps.append(command)
        return ""

    monkeypatch.setattr(host, "look_at_hairpin", lambda interface: found)
    builder = Builder(tmp_path, tmp_path, FirewallController(tmp_path), run=run)
    builder.hands_on_by_itself = by_itself
    builder.keep_air(AccessPoint("wlan0", "Home", "correct horse", "DE", isolated=isolated))
    assert steps == done


@pytest.mark.expects_log("isolation: This Wi-Fi radio cannot")
def test_a_radio_that_shows_us_nothing_is_said_and_never_believed_to_keep_apart(tmp_path: Path) -> None:
    builder = Builder(tmp_path, tmp_path, FirewallController(tmp_path))
    service = NetworkService(builder, tmp_path)
    point = AccessPoint("wlan0", "Home", "correct horse", "DE", isolated=True)

    def status() -> dict[str, Any]:
        builder.plan = dataclasses.replace(plan_with(), mode=Mode.ACCESS_POINT, access_point=point)
        service._judge_isolation(point)
        return asyncio.run(service.status({}))

    assert (status()["notes"], status()["health"]) == ([], [])
    builder.hands_on_by_itself = True
    said = status()
    assert "nothing of it is seen here" in said["notes"][0]
    assert [(each["code"], each["healthy"]) for each in said["health"]] == [("network.radio-cannot-isolate", False)]
    point = dataclasses.replace(point, isolated=False)
    assert status()["health"][0]["healthy"] is True
    service.close()
