"""How much may your televisions tell? One click answers, one takes it back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.model.rule import ScopeKind
from gateway.model.verdict import Action, Reason, Verdict
from tests.browser.conftest import DESK, PHONE, Watched
from tests.browser.stage import Stage
from web import present

pytestmark = pytest.mark.browser

_SHOTS = os.environ.get("TELLTALE_SCREENSHOTS")


def presets(stage: Stage) -> set[tuple[str, str | None]]:
    return {(rule.scope.value, rule.device) for rule in stage.scene.current() if rule.scope.kind is ScopeKind.PRESET}


def card(page: Page, title: str) -> Locator:
    return page.locator("#chooser").get_by_role("button", name=title, exact=True)


def chosen(page: Page) -> str:
    return page.locator("#chooser [aria-pressed=true] .preset-top b").inner_text()


def shoot(page: Page, name: str) -> None:
    if _SHOTS:
        page.screenshot(path=Path(_SHOTS) / f"{name}.png", full_page=True)


def test_a_preset_is_chosen_with_one_click_and_undone_with_one(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/")
    assert chosen(page) == "Off"
    changes: list[str] = []
    page.on("request", lambda asked: changes.append(f"{asked.method} {asked.url}") if asked.method != "GET" else None)
    card(page, "Calm").click()
    expect(page.locator("#toasts")).to_contain_text("Calm is on for everyone.")
    expect(card(page, "Calm")).to_have_attribute("aria-pressed", "true")
    expect(card(page, "Calm")).to_contain_text("on now")
    assert presets(stage) == {("calm", None)}
    page.get_by_role("button", name="Undo").click()
    expect(card(page, "Off")).to_have_attribute("aria-pressed", "true")
    assert presets(stage) == set()
    number = stage.scene.next_id
    assert changes == [f"POST {stage.url}/api/v1/rules", f"DELETE {stage.url}/api/v1/rules/{number}"]


def test_undo_brings_the_preset_before_back(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/")
    card(page, "Quiet").click()
    expect(card(page, "Quiet")).to_have_attribute("aria-pressed", "true")
    card(page, "Silent").click()
    expect(card(page, "Silent")).to_have_attribute("aria-pressed", "true")
    page.locator("#toasts .toast", has_text="Silent").get_by_role("button", name="Undo").click()
    expect(card(page, "Quiet")).to_have_attribute("aria-pressed", "true")
    card(page, "Off").click()
    expect(page.locator("#toasts")).to_contain_text("No preset is on for everyone.")
    assert presets(stage) == {("off", None)}


def test_a_click_on_the_card_that_is_on_changes_nothing(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/")
    card(page, "Off").click()
    page.wait_for_timeout(200)
    assert presets(stage) == set()
    assert page.locator("#toasts .toast").count() == 0


def test_a_device_has_a_choice_of_its_own(stage: Stage, watched: Watched) -> None:
    kitchen = stage.scene.devices[1]
    page = watched.open(stage, "/")
    card(page, "Calm").click()
    expect(card(page, "Calm")).to_have_attribute("aria-pressed", "true")
    page.goto(stage.url + present.device_path(kitchen.id))
    assert chosen(page) == "As everyone"
    expect(card(page, "As everyone")).to_contain_text("Calm is on for everyone.")
    card(page, "Off").click()
    expect(page.locator("#toasts")).to_contain_text("No preset is on for Kitchen.")
    expect(card(page, "Off")).to_have_attribute("aria-pressed", "true")
    assert presets(stage) == {("calm", None), ("off", kitchen.id)}
    card(page, "As everyone").click()
    expect(page.locator("#toasts")).to_contain_text("From now on Kitchen does as everyone.")
    expect(card(page, "As everyone")).to_have_attribute("aria-pressed", "true")
    assert presets(stage) == {("calm", None)}
    page.locator("#toasts .toast", has_text="as everyone").get_by_role("button", name="Undo").click()
    expect(card(page, "Off")).to_have_attribute("aria-pressed", "true")
    assert presets(stage) == {("calm", None), ("off", kitchen.id)}


def test_the_rules_page_names_presets_and_takes_them_back(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/")
    card(page, "Silent").click()
    expect(card(page, "Silent")).to_have_attribute("aria-pressed", "true")
    page.goto(stage.url + "/rules")
    row = page.locator("#mine tr", has_text="Silent, a preset")
    expect(row).to_contain_text("everyone")
    page.get_by_role("button", name="Remove: Silent for everyone").click()
    expect(row).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Removed: the preset Silent, for everyone.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#mine tr", has_text="Silent, a preset")).to_have_count(1)
    page.goto(stage.url + "/")
    card(page, "Off").click()
    expect(card(page, "Off")).to_have_attribute("aria-pressed", "true")
    page.goto(stage.url + "/rules")
    expect(page.locator("#mine")).not_to_contain_text("preset")


def test_the_live_log_says_which_preset_stopped_what(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/live")
    expect(page.locator("#pulse")).to_have_text("Live")
    verdict = Verdict(Action.BLOCK, Reason.PRESET, "calm", rule=9, category="advertising")
    stage.scene.ask("ads.samsungads.com", verdict=verdict)
    expect(page.locator("tr.row").first).to_contain_text("Blocked: Calm (advertising, Samsung Ads)")


def test_the_name_page_follows_a_disguise(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, present.name_path("metrics.tvapp.example"))
    leads = page.locator("#about .path")
    expect(leads).to_contain_text("edge.tvapp.example")
    expect(leads).to_contain_text("events.cid.samba.tv this tells who stands behind it")
    shoot(page, "name-cloaked-1280-light")
    page.goto(stage.url + present.name_path("ads.samsungads.com"))
    expect(page.locator("#about")).to_contain_text("Calm, Quiet, Silent")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [DESK, PHONE], ids=["desk", "phone"])
def test_the_cards_fit_and_say_what_each_costs(
    stage: Stage, watched: Watched, view: dict[str, int], scheme: str
) -> None:
    page = watched.open(stage, "/", view=view, scheme=scheme)
    card(page, "Calm").click()
    expect(card(page, "Calm")).to_have_attribute("aria-pressed", "true")
    for path, name in (
        ("/", "overview"),
        (present.device_path(stage.scene.devices[1].id), "device"),
        ("/rules", "rules"),
    ):
        page.goto(stage.url + path)
        shoot(page, f"preset-{name}-{view['width']}-{scheme}")
        if name != "rules":
            for title in ("Calm", "Quiet", "Silent"):
                expect(card(page, title)).to_contain_text("What it costs:")
            boxes = [box.bounding_box() for box in page.locator("#chooser .preset").all()]
            assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= view["width"] for box in boxes)


def test_without_scripts_the_choice_can_be_read(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/", script=False)
    assert chosen(page) == "Off"
    expect(page.locator("#chooser")).to_contain_text("Places for advertisements stay empty.")
