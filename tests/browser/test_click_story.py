"""The whole box in a real browser: a first visit, a lookup that appears by itself, a click, and its undoing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser

NAME = "ads.samsungads.com"
PASSWORD = "a quiet living room"
PAYLOAD = "<img src=x onerror=document.title='executed'>"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    folder = tmp_path_factory.mktemp("click")
    (folder / "list.txt").write_text(f"! Title: {PAYLOAD}\n! {PAYLOAD}\n||listed.example^\n")
    zone = {NAME: ["60 A 198.51.100.7"], "other.example.com": ["60 A 198.51.100.8"]}
    with (
        Upstream(zone) as upstream,
        RunningBox(folder / "data", ["--upstream", upstream.url, "--list", str(folder / "list.txt")]) as running,
    ):
        yield running


def enter(page: Page, box: RunningBox) -> None:
    """The first visit follows the link that the box printed, and sets a password; the next one asks for it."""
    link = re.search(r"http://\S+/setup\?code=\S+", box.output.read_text())
    assert link is not None
    page.goto(link[0])
    fields = page.locator("input[type=password]")
    for field in fields.all():
        field.fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    expect(page.locator("nav").first).to_be_visible()


def test_a_click_is_felt_at_the_next_lookup_and_can_be_undone(browser: Browser, box: RunningBox) -> None:
    page = browser.new_page()
    try:
        enter(page, box)
        assert "setup" not in page.url
        page.goto(f"http://127.0.0.1:{box.web[1]}/live")
        expect(page.locator("#pulse")).to_contain_text("Live")

        assert addresses(ask(NAME, server=box.dns)) == ["198.51.100.7"]
        row = page.locator("tr.row", has_text=NAME).first
        expect(row).to_be_visible(timeout=5000)
        expect(row).to_contain_text("Allowed")

        row.get_by_role("button", name="Block").click()
        toast = page.get_by_role("button", name="Undo")
        expect(toast).to_be_visible()
        assert addresses(ask(NAME, server=box.dns)) == ["0.0.0.0"]
        page.mouse.move(0, 0)
        blocked = page.locator("tr.row", has_text=NAME).filter(has_text="Blocked").first
        expect(blocked).to_be_visible(timeout=5000)

        page.get_by_role("button", name="Undo").first.click()
        expect(page.get_by_role("button", name="Undo")).to_have_count(0, timeout=5000)
        wait_until(lambda: box.get("/api/v1/rules")[1]["rules"] == [])
        assert addresses(ask(NAME, server=box.dns)) == ["198.51.100.7"]
    finally:
        page.close()


def test_what_strangers_write_is_never_executed(browser: Browser, box: RunningBox) -> None:
    """Device name, host name, QNAME label and list comment are all `<img src=x onerror=...>`, on every page."""
    ask(rf"{PAYLOAD.replace(' ', chr(92) + '032')}.example", server=box.dns, source="127.0.0.61")
    device = "ip:127.0.0.61"
    wait_until(lambda: any(d["id"] == device for d in box.get("/api/v1/devices")[1]["devices"]))
    status, _ = box.request("PATCH", f"/api/v1/devices/{device}", {"name": PAYLOAD})
    assert status == 200
    box.request("POST", "/api/v1/rules", {"action": "block", "name": "x.example", "comment": PAYLOAD})
    box.request("POST", "/api/v1/rules", {"action": "block", "company": PAYLOAD})
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        enter(page, box)
        base = f"http://127.0.0.1:{box.web[1]}"
        page.goto(base + "/live")
        hostile = page.locator("tr.row", has_text="onerror").first
        expect(hostile).to_be_visible(timeout=5000)
        seen = set()
        waiting = ["/", "/live", "/devices", "/companies", "/rules", "/lists", "/names/other.example.com", "/api/docs"]
        while waiting:
            path = waiting.pop()
            if path in seen or len(seen) > 40:
                continue
            seen.add(path)
            page.goto(base + path)
            page.wait_for_timeout(100)
            assert page.title() != "executed", path
            assert page.locator("img[onerror], img[src='x']").count() == 0, path
            links = page.eval_on_selector_all("a[href^='/']", "all => all.map(a => a.getAttribute('href'))")
            waiting += [link for link in links if "127.0.0.61" in link or "onerror" in link]
        assert any("onerror" in path for path in seen), "no page of the hostile name was seen"
        assert any("127.0.0.61" in path for path in seen), "no page of the hostile device was seen"
        assert said == []
    finally:
        page.close()


def test_the_password_is_asked_for_on_the_next_visit(browser: Browser, box: RunningBox) -> None:
    page = browser.new_page()
    try:
        page.goto(f"http://127.0.0.1:{box.web[1]}/rules")
        expect(page).to_have_url(f"http://127.0.0.1:{box.web[1]}/login?next=/rules")
        enter(page, box)
    finally:
        page.close()


def test_a_screenshot_can_be_taken(browser: Browser, box: RunningBox, tmp_path: Path) -> None:
    """The page has something to show at the width of a phone, without scrolling sideways."""
    page = browser.new_page(viewport={"width": 360, "height": 740})
    try:
        enter(page, box)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert len(page.screenshot(path=str(tmp_path / "phone.png"))) > 10_000
    finally:
        page.close()
