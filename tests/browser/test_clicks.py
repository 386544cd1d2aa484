"""One click stops it, one more brings it back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from gateway.lists.known import KNOWN_LISTS
from gateway.model.rule import Scope, ScopeKind
from tests.browser.conftest import Watched
from tests.browser.stage import Stage
from web import present

pytestmark = pytest.mark.browser


def scopes(stage: Stage) -> set[tuple[str, ScopeKind, str, str | None]]:
    return {(rule.action.value, rule.scope.kind, rule.scope.value, rule.device) for rule in stage.scene.current()}


def toast(page: Page) -> str:
    return page.locator("#toasts .toast").last.inner_text()


def test_a_company_is_blocked_with_one_request_and_undone_with_one(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/")
    before = scopes(stage)
    changes: list[str] = []
    page.on("request", lambda asked: changes.append(f"{asked.method} {asked.url}") if asked.method != "GET" else None)
    row = page.locator("#top-companies li", has_text="LG Ad Solutions")
    row.get_by_role("button", name="Block LG Ad Solutions for everyone").click()
    expect(page.locator("#toasts")).to_contain_text("Blocked: the company LG Ad Solutions, for everyone.")
    assert scopes(stage) - before == {("block", ScopeKind.COMPANY, "LG Ad Solutions", None)}
    expect(page.locator("#top-companies li", has_text="LG Ad Solutions")).to_contain_text("Blocked by you")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#top-companies li", has_text="LG Ad Solutions").get_by_role("button")).to_have_text("Block")
    assert scopes(stage) == before
    number = stage.scene.next_id
    assert changes == [f"POST {stage.url}/api/v1/rules", f"DELETE {stage.url}/api/v1/rules/{number}"]


def test_what_a_television_needs_is_said_before_it_is_blocked(stage: Stage, watched: Watched) -> None:
    name = "time.samsungcloudsolution.com"
    page = watched.open(stage, present.name_path(name))
    before = scopes(stage)
    page.locator("#choose").get_by_role("button", name="Block").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The clock stops; every app then refuses to start.")
    dialog.get_by_role("button", name="Keep it working").click()
    expect(dialog).to_be_hidden()
    assert scopes(stage) == before
    page.locator("#choose").get_by_role("button", name="Block").click()
    dialog.get_by_role("button", name="Block it anyway").click()
    expect(page.locator("#about")).to_contain_text("Blocked: time (Samsung).")
    assert scopes(stage) - before == {("block", ScopeKind.NAME, name, None)}


def test_a_subtree_warns_of_each_name_that_is_needed(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, present.name_path("samsungcloudsolution.com"))
    before = scopes(stage)
    page.locator("#choose form").locator("[name=what]").select_option("subtree")
    page.locator("#choose").get_by_role("button", name="Block").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("cdn.samsungcloudsolution.com: The television says it has no internet.")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert scopes(stage) == before


def test_a_company_is_blocked_but_for_what_a_television_needs(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/companies/Samsung")
    page.get_by_role("button", name="Block Samsung for everyone").click()
    expect(page.locator("#toasts")).to_contain_text("What a television needs stays allowed.")
    assert ("block", ScopeKind.COMPANY, "Samsung", None) in scopes(stage)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Undone.")
    assert ("block", ScopeKind.COMPANY, "Samsung", None) not in scopes(stage)


def test_a_company_that_people_use_offers_only_its_trackers(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/companies/Netflix")
    before = scopes(stage)
    block = page.locator("#about").get_by_role("button", name="Block Netflix for everyone")
    dialog = page.get_by_role("dialog")
    block.click()
    expect(dialog).to_contain_text("Netflix does not start.")
    dialog.get_by_role("button", name="Block nothing").click()
    expect(dialog).to_be_hidden()
    assert scopes(stage) == before
    block.click()
    dialog.get_by_role("button", name="Only its trackers").click()
    expect(page.locator("#toasts")).to_contain_text("Blocked: the trackers of Netflix, for everyone.")
    assert scopes(stage) - before == {("block", ScopeKind.TRACKERS, "Netflix", None)}
    expect(page.locator("#about")).to_contain_text("Its trackers are blocked")
    page.get_by_role("button", name="Undo").click()
    expect(block).to_be_visible()
    block.click()
    dialog.get_by_role("button", name="The whole company").click()
    expect(page.locator("#toasts")).to_contain_text(
        "Blocked: the company Netflix, for everyone. Netflix does not start."
    )
    assert scopes(stage) - before == {("block", ScopeKind.COMPANY, "Netflix", None)}


def test_an_app_is_blocked_on_one_television(stage: Stage, watched: Watched) -> None:
    tv = stage.scene.devices[0]
    page = watched.open(stage, present.device_path(tv.id))
    before = scopes(stage)
    used = page.locator("#services")
    expect(used.get_by_text("Netflix")).to_be_visible()
    expect(used.get_by_text("TikTok")).to_be_hidden()
    used.get_by_text("Block one that is not used yet").click()
    used.get_by_role("button", name="Block TikTok for Living room").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("TikTok shows nothing.")
    dialog.get_by_role("button", name="The whole service").click()
    expect(page.locator("#toasts")).to_contain_text("Blocked: TikTok, all of it, for Living room.")
    assert scopes(stage) - before == {("block", ScopeKind.SERVICE, "TikTok", tv.id)}


def test_undo_brings_back_the_rule_on_a_name_that_one_on_all_below_it_replaced(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, present.name_path("graph.facebook.com"))
    phone = stage.scene.devices[3]
    before = scopes(stage)
    form = page.locator("#choose form")
    form.locator("[name=whom]").select_option(phone.id)
    form.locator("[name=what]").select_option("subtree")
    form.get_by_role("button", name="Block").click()
    expect(page.locator("#toasts")).to_contain_text("and everything below it, for private address.")
    assert scopes(stage) - before == {("block", ScopeKind.SUBTREE, "graph.facebook.com", phone.id)}
    assert before - scopes(stage) == {("allow", ScopeKind.NAME, "graph.facebook.com", phone.id)}
    page.keyboard.press("Control+z")
    expect(page.locator("#toasts")).to_contain_text("Undone.")
    assert scopes(stage) == before


def test_undo_cuts_a_device_off_again_that_was_cut_off(stage: Stage, watched: Watched) -> None:
    tv = stage.scene.devices[0]
    made = stage.scene.add_rule({"action": "block", "everything": True, "device": tv.id})
    before = scopes(stage)
    page = watched.open(stage, "/rules")
    page.locator(f"[data-rule*='\"id\":{made['id']},'], [data-rule*='\"id\": {made['id']},']").first.click()
    expect(page.locator("#toasts")).to_contain_text("Removed: block everything, for Living room.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Undone.")
    assert scopes(stage) == before


def test_undo_brings_a_replaced_rule_back(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, present.name_path("graph.facebook.com"))
    phone = stage.scene.devices[3]
    before = scopes(stage)
    assert ("allow", ScopeKind.NAME, "graph.facebook.com", phone.id) in before
    form = page.locator("#choose form")
    form.locator("[name=whom]").select_option(phone.id)
    form.get_by_role("button", name="Block").click()
    expect(page.locator("#toasts")).to_contain_text("Blocked: graph.facebook.com, for private address.")
    assert ("block", ScopeKind.NAME, "graph.facebook.com", phone.id) in scopes(stage)
    page.keyboard.press("Control+z")
    expect(page.locator("#toasts")).to_contain_text("Undone.")
    assert scopes(stage) == before
    again = next(rule for rule in stage.scene.current() if rule.scope.value == "graph.facebook.com")
    assert again.ends is not None
    assert again.comment == "for the photo frame"


def test_a_refusal_is_a_sentence_and_nothing_changes(stage: Stage, watched: Watched) -> None:
    watched.expected.append("400 (BAD REQUEST)")
    page = watched.open(stage, "/rules")
    before = scopes(stage)
    page.locator("[name=name]").fill("refuse.example")
    page.locator("form[data-form=write]").get_by_role("button", name="Block").click()
    expect(page.locator("#alarms")).to_contain_text("This name cannot have a rule today.")
    expect(page.locator("[name=name]")).to_have_value("refuse.example")
    assert scopes(stage) == before


def test_a_rule_is_written_for_one_device_and_some_time(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/rules")
    kitchen = stage.scene.devices[1]
    form = page.locator("form[data-form=write]")
    form.locator("[name=name]").fill("ads.example.com")
    form.locator("[name=what]").select_option("subtree")
    form.locator("[name=whom]").select_option(kitchen.id)
    form.locator("[name=seconds]").select_option("900")
    form.get_by_role("button", name="Block").click()
    row = page.locator("#mine tbody tr", has_text="ads.example.com")
    expect(row).to_contain_text("and everything below it")
    expect(row).to_contain_text("Kitchen")
    expect(row).to_contain_text("until")
    assert ("block", ScopeKind.SUBTREE, "ads.example.com", kitchen.id) in scopes(stage)


def test_a_rule_is_removed_and_comes_back(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/rules")
    before = scopes(stage)
    page.get_by_role("button", name="Remove: Block the company Samba TV for everyone").click()
    expect(page.locator("#mine")).not_to_contain_text("Samba TV")
    assert before - scopes(stage) == {("block", ScopeKind.COMPANY, "Samba TV", None)}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#mine")).to_contain_text("Samba TV")
    assert scopes(stage) == before


def test_a_whole_kind_of_tracking_is_stopped(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/rules")
    page.get_by_role("button", name="Block screen recognition for everyone").click()
    expect(page.locator("#switches li").first).to_contain_text("Blocked by you")
    assert ("block", ScopeKind.CATEGORY, "acr", None) in scopes(stage)


def test_filtering_is_paused_for_everyone_and_counts_down(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/")
    page.locator("#pause summary").click()
    page.get_by_role("button", name="5 minutes").click()
    expect(page.locator("#guard")).to_contain_text(re.compile(r"Paused\s*[45]:\d\d"))
    expect(page.locator("#strip")).to_contain_text("Filtering is paused for everyone; it comes back in")
    assert ("allow", ScopeKind.EVERYTHING, "", None) in scopes(stage)
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#guard")).to_contain_text("Filtering on")
    assert Scope(ScopeKind.EVERYTHING) not in {rule.scope for rule in stage.scene.current()}


def test_one_device_is_paused_from_its_own_page(stage: Stage, watched: Watched) -> None:
    tv = stage.scene.devices[0]
    page = watched.open(stage, present.device_path(tv.id))
    page.locator("main").get_by_role("button", name="30 seconds").click()
    expect(page.locator("#strip")).to_contain_text("Filtering is paused for Living room")
    expect(page.locator("#guard")).to_contain_text("Filtering on")
    assert ("allow", ScopeKind.EVERYTHING, "", tv.id) in scopes(stage)


def test_a_device_gets_a_name_and_loses_it_again(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, present.device_path(stage.scene.devices[2].id))
    page.locator("[name=name]").fill("Bedroom <b>")
    page.get_by_role("button", name="Save the name").click()
    expect(page.locator("h1")).to_have_text("Bedroom <b>")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_have_text("roku-ultra")


def test_a_name_is_blocked_for_this_device_only(stage: Stage, watched: Watched) -> None:
    tv = stage.scene.devices[0]
    page = watched.open(stage, present.device_path(tv.id))
    page.locator(".tree > li", has_text="Samsung Ads").locator("summary").click()
    page.get_by_role("button", name="Block config.samsungads.com for Living room").click()
    leaf = page.locator(".leaf", has_text="config.samsungads.com")
    expect(leaf).to_contain_text("Blocked by you")
    expect(leaf).to_be_visible()
    assert ("block", ScopeKind.NAME, "config.samsungads.com", tv.id) in scopes(stage)


def test_a_list_is_added_undone_and_checked(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/lists")
    form = page.locator("form.filters[data-form=add-list]")
    form.locator("[name=source]").fill("https://example.org/new.txt")
    form.get_by_role("button", name="Add").click()
    expect(page.locator("#subscriptions")).to_contain_text("https://example.org/new.txt")
    expect(page.locator("#subscriptions")).to_contain_text("Not fetched yet.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#subscriptions")).not_to_contain_text("https://example.org/new.txt")
    page.locator("[name=check]").fill("https://ads.samsungads.com/x?y")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#checked")).to_contain_text("Blocked: advertising (Samsung Ads).")
    assert "check=" in page.url


def test_a_list_that_others_keep_is_one_click(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/lists")
    known = page.locator("#known li", has_text="Smart televisions")
    known.get_by_role("button", name="Subscribe to Smart televisions, kept by Perflyst").click()
    subscribed = page.locator("#subscriptions .subscription", has_text="PiHoleBlocklist/master/SmartTV.txt")
    expect(subscribed).to_contain_text("Smart televisions")
    expect(known).to_contain_text("subscribed")
    expect(known.get_by_role("button")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(subscribed).to_have_count(0)
    expect(known.get_by_role("button")).to_have_count(1)


def test_a_button_that_was_drawn_anew_still_subscribes_to_what_it_says(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/lists")
    known = page.locator("#known li")
    for number in (0, 1):
        # Elsewhere one list takes the place of another: there are as many buttons as before, for other lists.
        stage.scene.lists.clear()
        stage.scene.add_list({"source": KNOWN_LISTS[number].source, "action": "block"})
        page.evaluate("import('/static/js/fresh.js').then((fresh) => fresh.freshen())")
        expect(known.nth(number)).to_contain_text("subscribed")
    known.first.get_by_role("button").click()
    expect(page.locator("#subscriptions")).to_contain_text(KNOWN_LISTS[0].source)


def test_a_menu_closes_on_escape_and_the_toast_after_a_while(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/rules")
    page.locator("#pause summary").click()
    expect(page.get_by_role("button", name="5 minutes")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="5 minutes")).to_be_hidden()
    page.clock.install()
    page.get_by_role("button", name="Block analytics for everyone").click()
    expect(page.locator("#toasts .toast")).to_have_count(1)
    page.clock.fast_forward(9000)
    expect(page.locator("#toasts .toast")).to_have_count(0)


def test_without_an_answer_the_button_says_so(stage: Stage, watched: Watched) -> None:
    watched.expected.append("503")
    page = watched.open(stage, "/rules")
    stage.scene.asleep = True
    page.get_by_role("button", name="Block analytics for everyone").click()
    expect(page.locator("#alarms")).to_contain_text("The resolver does not answer; is Telltale running?")


def test_televisions_are_kept_apart_with_one_click_and_undone_with_one(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/network")
    apart = page.locator("#apart")
    expect(apart).to_contain_text("What it costs:")
    apart.get_by_role("button", name="Keep them apart").click()
    expect(page.locator("#toasts")).to_contain_text("cannot reach each other any more")
    expect(apart).to_contain_text("not each other")
    expect(apart.get_by_role("button", name="Let them reach each other")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(apart.get_by_role("button", name="Keep them apart")).to_be_visible()
    assert [asked["isolated"] for verb, asked in stage.scene.calls if verb == "network.isolate"] == [True, False]


def test_a_list_of_owners_shows_its_licence_and_blocks_nothing(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/lists")
    offer = page.locator("#known li", has_text="AdGuard companiesdb")
    expect(page.locator("#known")).to_contain_text("Whose names are")
    expect(offer).to_contain_text("Licence: CC-BY-SA-4.0.")
    offer.get_by_role("button").click()
    subscribed = page.locator("#subscriptions .subscription", has_text="AdGuard companiesdb")
    expect(subscribed).to_contain_text("owner list")
    expect(subscribed).not_to_contain_text("block list")
    number = next(each["id"] for each in stage.scene.lists if each["kind"] == "owners")
    stage.scene.lists[-1] |= {"entries": 4_623, "fetched": "2026-11-23T20:15:02.000Z", "syntax": "owners"}
    assert stage.scene.lists[-1]["id"] == number
    page.reload()
    expect(subscribed).to_contain_text("Says whose 4,623 names are, where Telltale itself does not know")
    expect(subscribed).to_contain_text("Licence: CC-BY-SA-4.0")
    subscribed.get_by_role("button", name="Remove the list AdGuard companiesdb").click()
    expect(subscribed).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(subscribed).to_contain_text("owner list")
