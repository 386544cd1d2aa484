"""The live log: it shows what happens, holds still when asked to, and never shows anything twice."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from gateway.model.rule import ScopeKind
from gateway.model.verdict import Action, Reason, Verdict
from tests.browser.conftest import Watched
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser


def opened(watched: Watched, stage: Stage, query: str = "") -> Page:
    page = watched.open(stage, "/live" + query)
    expect(page.locator("#pulse")).to_have_text("Live")
    return page


def top(page: Page) -> str:
    return page.locator("tr.row").first.inner_text()


def test_a_lookup_appears_by_itself_and_the_newest_is_on_top(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    stage.scene.ask("events.cid.samba.tv")
    first = page.locator("tr.row").first
    expect(first).to_contain_text("events.cid.samba.tv")
    expect(first).to_contain_text("Blocked: screen recognition (Samba TV)")
    expect(first).to_contain_text("Living room")
    expect(first.get_by_role("button", name="Allow events.cid.samba.tv for everyone")).to_be_visible()


def test_the_same_lookup_in_a_row_is_one_row(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    count = page.locator("tr.row").count()
    stage.scene.ask("logs.netflix.com", times=29)
    expect(page.locator("tr.row").first).to_contain_text("×29")
    assert page.locator("tr.row").count() == count + 1
    assert "×5" in page.locator("tr.row", has_text="scribe.logs.roku.com").first.inner_text()


def test_a_server_row_and_a_script_row_say_the_same(stage: Stage, watched: Watched) -> None:
    verdicts = [
        Verdict(Action.ALLOW, Reason.KEEP_LIST),
        Verdict(Action.BLOCK, Reason.RULE, "logs.roku.com", rule=8),
        Verdict(Action.BLOCK, Reason.DEVICE_RULE, "x", rule=8),
        Verdict(Action.BLOCK, Reason.BLOCK_LIST, "||x^", lists=("One", "Two", "Three")),
        Verdict(Action.BLOCK, Reason.PRESET, "quiet", rule=9, category="telemetry"),
        Verdict(Action.BLOCK, Reason.REBINDING),
        Verdict(Action.ALLOW, Reason.PAUSED),
        Verdict(Action.ALLOW, Reason.NOTHING),
    ]
    page = opened(watched, stage)
    for index, verdict in enumerate(verdicts):
        stage.scene.ask("scribe.logs.roku.com", device=2, verdict=verdict)
        stage.scene.ask(f"stranger-{index}.example", device=3, verdict=verdict)
    expect(page.locator("tr.row", has_text="stranger-6.example")).to_be_visible()
    drawn = """rows => rows.slice(0, 14).map(row => [
      row.innerText, row.className.replace(" fresh", ""),
      ...[...row.querySelectorAll("a, button, use, .chip")].map(each => [
        each.getAttribute("href"), each.getAttribute("aria-label"), String(each.className), each.dataset.act,
        each.dataset.device])])"""
    by_script = page.locator("tr.row").evaluate_all(drawn)
    page.reload()
    by_server = page.locator("tr.row").evaluate_all(drawn)
    assert by_script == by_server


def test_a_row_unfolds_to_why(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    page.locator("tr.row", has_text="metrics.tvapp.example").locator(".unfold").click()
    why = page.locator("tr.why")
    expect(why).to_contain_text("Blocked: on the list Smart TV.")
    expect(why).to_contain_text("||samba.tv^")
    expect(why.locator(".path")).to_contain_text("metrics.tvapp.example")
    expect(why.locator(".path b")).to_have_text("events.cid.samba.tv")
    expect(why).to_contain_text("Nobody has written down what stops without this.")
    expect(why.get_by_role("link", name="About this name")).to_have_attribute("href", "/names/metrics.tvapp.example")
    page.locator("tr.row", has_text="ads.samsungads.com").first.locator(".unfold").click()
    link = page.get_by_role("link", name="https://example.org/paper.pdf").first
    expect(link).to_have_attribute("rel", "noreferrer noopener external")


def test_the_choice_of_scope_person_and_time(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    page.locator("tr.row", has_text="amarillo.logs.roku.com").first.locator(".unfold").click()
    form = page.locator("tr.why form")
    expect(form.locator("[name=what]").locator("option")).to_have_text(
        ["this name", "everything below it too", "the company Roku", "all telemetry"]
    )
    form.locator("[name=what]").select_option("category")
    form.locator("[name=whom]").select_option("device")
    form.locator("[name=seconds]").select_option("3600")
    form.get_by_role("button", name="Block").click()
    expect(page.locator("#toasts")).to_contain_text("Blocked: telemetry, for roku-ultra.")
    rule = stage.scene.rules[-1]
    assert (rule.scope.kind, rule.scope.value, rule.device) == (
        ScopeKind.CATEGORY,
        "telemetry",
        stage.scene.devices[2].id,
    )
    assert rule.ends is not None


def test_one_click_blocks_and_the_rows_say_what_holds_from_now_on(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    row = page.locator("tr.row", has_text="amarillo.logs.roku.com").first
    row.get_by_role("button", name="Block amarillo.logs.roku.com for everyone").click()
    expect(row).to_contain_text("Blocked by you from now on")
    expect(row).to_contain_text("Allowed")
    row.get_by_role("button", name="Unblock").click()
    expect(row).not_to_contain_text("from now on")
    expect(row.locator("[data-act]")).to_have_text("Block")


def test_what_somebody_else_decides_shows_here_too(stage: Stage, watched: Watched) -> None:
    page, other = opened(watched, stage), opened(watched, stage)
    other.locator("tr.row", has_text="amarillo.logs.roku.com").first.locator("[data-act]").click()
    expect(page.locator("tr.row", has_text="amarillo.logs.roku.com").first).to_contain_text(
        "Blocked by you from now on"
    )


def test_hold_keeps_the_place_and_counts_what_is_new(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    before = page.locator("tr.row").all_inner_texts()
    page.get_by_role("button", name="Hold").click()
    for index in range(37):
        stage.scene.ask(f"n{index}.example")
    expect(page.locator("#newer")).to_have_text("37 new lookups")
    expect(page.locator("#pulse")).to_have_text("Held")
    assert page.locator("tr.row").all_inner_texts() == before
    page.locator("#newer").click()
    expect(page.locator("tr.row").first).to_contain_text("n36.example")
    stage.scene.ask("one-more.example")
    expect(page.locator("#newer")).to_have_text("1 new lookup")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("tr.row").first).to_contain_text("one-more.example")


def test_reading_further_down_or_why_holds_by_itself(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    page.mouse.wheel(0, 1500)
    page.wait_for_function("scrollY > 600")
    stage.scene.ask("while-reading.example")
    expect(page.locator("#newer")).to_have_text("1 new lookup")
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator("tr.row").first).to_contain_text("while-reading.example")
    page.locator("tr.row .unfold").nth(3).click()
    stage.scene.ask("while-asking.example")
    expect(page.locator("#newer")).to_have_text("1 new lookup")


def test_the_page_never_grows_past_five_hundred_rows(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    for batch in range(12):
        for index in range(80):
            stage.scene.ask(f"n{batch}-{index}.example")
        expect(page.locator("tr.row").first).to_contain_text(f"n{batch}-79.example")
    assert page.locator("tr.row").count() == 500


def test_the_keyboard_walks_asks_why_and_blocks(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage, "?name=amarillo")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tr.row").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("tr.why")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("tr.why")).to_have_count(0)
    page.keyboard.press("b")
    expect(page.locator("#toasts")).to_contain_text("Blocked: amarillo.logs.roku.com, for everyone.")
    page.locator("#filters input[name=name]").focus()
    page.keyboard.press("End")
    page.keyboard.type("jkb")
    assert page.locator("#filters input[name=name]").input_value().endswith("jkb")


def test_filters_live_in_the_address_and_hold_for_what_arrives(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    page.locator("[name=verdict]").select_option("block")
    page.wait_for_url("**/live?verdict=block")
    expect(page.locator("#pulse")).to_have_text("Live")
    assert page.locator("tr.row.going").count() == 0
    stage.scene.ask("youtubei.googleapis.com")
    stage.scene.ask("ads.samsungads.com", times=3)
    expect(page.locator("tr.row").first).to_contain_text("×4")
    page.goto(stage.url + "/live?category=trackers&verdict=allow")
    expect(page.locator("#pulse")).to_have_text("Live")
    stage.scene.ask("api-global.netflix.com")
    stage.scene.ask("acr-eu-prd.samsungcloud.tv")
    expect(page.locator("tr.row").first).to_contain_text("acr-eu-prd.samsungcloud.tv")
    chips = set(page.locator("tr.row .chip").all_inner_texts())
    assert chips <= {"screen recognition", "advertising", "analytics", "telemetry"}


def test_older_lookups_are_a_page_away(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    ids = page.locator("tr.row").evaluate_all("rows => rows.map(row => Number(row.dataset.id))")
    page.get_by_role("link", name="Older lookups").click()
    older = page.locator("tr.row").evaluate_all("rows => rows.map(row => Number(row.dataset.id))")
    assert max(older) < min(ids)
    page.goto(stage.url + "/live?category=trackers")
    page.get_by_role("link", name="Older lookups").click()
    assert page.locator("tr.row").count() > 10
    page.get_by_role("link", name="Back to now").click()
    assert page.url.endswith("/live?category=trackers")


def test_without_a_stream_the_page_asks_every_few_seconds(stage: Stage, watched: Watched) -> None:
    watched.expected.append("503")
    page = watched.open(stage, "")
    refusal = json.dumps({"error": "Too many live views are open."})
    page.route(
        "**/api/v1/stream*", lambda route: route.fulfill(status=503, body=refusal, content_type="application/json")
    )
    page.goto(stage.url + "/live")
    expect(page.locator("#pulse")).to_have_text("Asking every 3 seconds")
    stage.scene.ask("polled.example")
    expect(page.locator("tr.row").first).to_contain_text("polled.example")
    stage.scene.ask("polled-again.example")
    expect(page.locator("tr.row").first).to_contain_text("polled-again.example")
    assert page.locator("tr.row", has_text="polled.example").count() == 1


def test_the_empty_log_says_so_until_something_asks(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage, "?name=later.example")
    expect(page.locator("#none")).to_contain_text("No lookup fits.")
    stage.scene.ask("later.example")
    expect(page.locator("tr.row").first).to_contain_text("later.example")
    expect(page.locator("#none")).to_be_hidden()


def test_a_hostile_lookup_arrives_as_text(stage: Stage, watched: Watched) -> None:
    page = opened(watched, stage)
    stage.scene.ask("<img\\032src=x\\032onerror=alert(1)>.example")
    row = page.locator("tr.row").first
    expect(row).to_contain_text("<img\\032src=x\\032onerror=alert(1)>.example")
    row.locator(".unfold").click()
    expect(page.locator("tr.why")).to_contain_text("no rule or list names it")
    assert page.locator("#rows img").count() == 0
    page.get_by_role("link", name="About this name").click()
    expect(page.locator("h1")).to_have_text("<img\\032src=x\\032onerror=alert(1)>.example")
