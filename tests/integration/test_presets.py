"""Calm, Quiet and Silent through the whole box: chosen by one request, true of the very next answer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.model.rule import PRESET_OFF, PRESETS
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

SCREEN, CLOCK, REPORTS = "log-config.samsungacr.com", "time.samsungcloudsolution.com", "smetrics.samsung.com"
STRANGER, CLOAKED, DISPUTED = "www.nobody-knows.example", "metrics.shop.example", "platform.cid.samba.tv"
REAL, NULL = ["198.51.100.9"], ["0.0.0.0"]
KITCHEN, BEDROOM = "127.0.0.81", "127.0.0.82"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    zone = {name: ["60 A 198.51.100.9"] for name in (SCREEN, CLOCK, REPORTS, STRANGER, DISPUTED)}
    zone[CLOAKED] = [f"60 CNAME {SCREEN}."]
    folder = tmp_path_factory.mktemp("presets")
    with Upstream(zone) as upstream, RunningBox(folder / "data", ["--upstream", upstream.url]) as running:
        yield running


@pytest.fixture(autouse=True)
def unruly(box: RunningBox) -> None:
    """Every test begins without a rule."""
    for rule in box.get("/api/v1/rules")[1]["rules"]:
        box.request("DELETE", f"/api/v1/rules/{rule['id']}")


def choose(box: RunningBox, preset: str, **more: Any) -> dict[str, Any]:
    status, rule = box.request("POST", "/api/v1/rules", {"action": "block", "preset": preset, **more})
    assert status == 201, rule
    assert rule["preset"] == preset
    return dict(rule)


def seen(box: RunningBox, name: str, client: str = "127.0.0.1") -> list[str]:
    return list(addresses(ask(name, server=box.dns, source=client)))


def device(box: RunningBox, client: str) -> str:
    ask(CLOCK, server=box.dns, source=client)
    return str(wait_until(lambda: known(box, client))["id"])


def known(box: RunningBox, client: str) -> dict[str, Any] | None:
    devices = box.get("/api/v1/devices")[1]["devices"]
    return next((each for each in devices if client in each["addresses"]), None)


def test_a_preset_holds_from_the_very_next_answer_on(box: RunningBox) -> None:
    for _ in range(5):
        assert seen(box, SCREEN) == REAL
        choose(box, "calm")
        assert seen(box, SCREEN) == NULL
        choose(box, "off")
        assert seen(box, SCREEN) == REAL


def test_each_preset_stops_more_than_the_one_before_and_never_the_clock(box: RunningBox) -> None:
    stopped = {}
    for preset in (PRESET_OFF, *PRESETS):
        choose(box, preset)
        stopped[preset] = {name for name in (SCREEN, CLOCK, STRANGER, DISPUTED) if seen(box, name) == NULL}
    assert stopped == {"off": set(), "calm": {SCREEN}, "quiet": {SCREEN}, "silent": {SCREEN, STRANGER}}
    assert len(box.get("/api/v1/rules")[1]["rules"]) == 1, "a new preset replaces the old one"


def test_a_device_may_do_otherwise_than_everyone(box: RunningBox) -> None:
    kitchen = device(box, KITCHEN)
    choose(box, "silent")
    choose(box, "off", device=kitchen)
    assert (seen(box, STRANGER, KITCHEN), seen(box, STRANGER, BEDROOM)) == (REAL, NULL)
    own = choose(box, "calm", device=kitchen)
    assert (seen(box, STRANGER, KITCHEN), seen(box, SCREEN, KITCHEN)) == (REAL, NULL)
    box.request("DELETE", f"/api/v1/rules/{own['id']}")
    assert seen(box, STRANGER, KITCHEN) == NULL, "without a choice of its own it does as everyone"


def test_what_a_person_allows_by_name_stays_allowed(box: RunningBox) -> None:
    choose(box, "silent")
    assert seen(box, STRANGER) == NULL
    box.request("POST", "/api/v1/rules", {"action": "allow", "name": STRANGER})
    assert seen(box, STRANGER) == REAL


def test_the_makers_own_measuring_belongs_to_calm_too(box: RunningBox) -> None:
    bedroom = device(box, BEDROOM)
    assert box.request("PATCH", f"/api/v1/devices/{bedroom}", {"maker": "Samsung"})[0] == 200
    assert seen(box, REPORTS, BEDROOM) == REAL
    choose(box, "calm")
    assert (seen(box, REPORTS, BEDROOM), seen(box, REPORTS, KITCHEN)) == (NULL, NULL)
    own = box.get(f"/api/v1/explain?name={REPORTS}&device={bedroom}")[1]
    assert (own["party"], own["verdict"]) == ("first", "block")
    assert "The maker of this device is Samsung" in own["sentence"]


def test_a_tracker_behind_another_name_is_found(box: RunningBox) -> None:
    choose(box, "calm")
    assert seen(box, CLOAKED) == NULL
    lookup = wait_until(
        lambda: next(iter(box.get(f"/api/v1/lookups?name={CLOAKED}&verdict=block")[1]["lookups"]), None)
    )
    assert (lookup["reason"], lookup["matched"], lookup["via"]) == ("preset", "calm", SCREEN)
    said = box.get(f"/api/v1/explain?name={CLOAKED}")[1]
    assert (said["via"], said["leads_to"], said["verdict"]) == (SCREEN, [SCREEN], "block")
    assert said["presets"] == [*PRESETS]
    assert f"It leads to {SCREEN}: behind it stands Samsung" in said["sentence"]


def test_presets_outlive_the_box_and_a_lost_journal(box: RunningBox) -> None:
    choose(box, "quiet")
    box.stop()
    with sqlite3.connect(box.data / "journal.sqlite") as journal:
        assert journal.execute("SELECT kind, value FROM rules").fetchall() == [("preset", "quiet")]
    book = json.loads((box.data / "policy.json").read_text())["book"]
    assert [(rule["scope"], rule["value"]) for rule in book["rules"]] == [("preset", "quiet")]
    box.start()
    assert seen(box, SCREEN) == NULL


def test_the_terminal_chooses_and_explains(box: RunningBox, capsys: pytest.CaptureFixture[str]) -> None:
    def telltale(*words: str) -> str:
        capsys.readouterr()
        assert main([*words, "--data", str(box.data)]) == 0
        return capsys.readouterr().out

    kitchen = device(box, KITCHEN)
    assert "Calm for everyone." in (said := telltale("preset", "calm"))
    assert "What it costs:" in said
    assert "Off for " in telltale("preset", "off", "--device", kitchen, "--for", "1h")
    assert f"preset off for {kitchen} until" in telltale("rules", "ls")
    assert (seen(box, SCREEN), seen(box, SCREEN, KITCHEN)) == (NULL, REAL)
    telltale("preset", "as-everyone", "--device", kitchen)
    assert seen(box, SCREEN, KITCHEN) == NULL
    assert "because the preset Calm is on" in telltale("explain", SCREEN)
    assert "No preset blocks it." in telltale("explain", CLOCK)
    disputed = telltale("explain", DISPUTED)
    assert "Sources disagree" in disputed
    assert disputed.count("Because:") >= 2, "both sides are heard"
    seen(box, CLOAKED)
    assert "behind it stands Samsung" in wait_until(lambda: telltale("explain", CLOAKED))
    telltale("preset", "off")
    assert seen(box, SCREEN) == REAL


@pytest.mark.parametrize(
    ("body", "field"),
    [({"action": "block", "preset": "loud"}, "preset"), ({"action": "allow", "preset": "calm"}, "action")],
)
def test_no_other_preset_is_taken(box: RunningBox, body: dict[str, str], field: str) -> None:
    status, said = box.request("POST", "/api/v1/rules", body)
    assert (status, said["field"]) == (400, field)


def test_every_preset_says_what_it_stops_and_costs(box: RunningBox) -> None:
    offered = box.get("/api/v1/presets")[1]["presets"]
    assert [each["preset"] for each in offered] == [PRESET_OFF, *PRESETS]
    assert all(each["stops"] and each["costs"] and each["title"] for each in offered)


def test_backup_carries_presets(box: RunningBox, tmp_path: Path) -> None:
    choose(box, "calm")
    assert main(["backup", str(tmp_path / "saved.zip"), "--data", str(box.data)]) == 0
    assert main(["restore", str(tmp_path / "saved.zip"), "--data", str(tmp_path / "new")]) == 0
    book = json.loads((tmp_path / "new" / "policy.json").read_text())["book"]
    assert [(rule["scope"], rule["value"]) for rule in book["rules"]] == [("preset", "calm")]
