"""The way in, as a person walks it: code, password, log out, log in. On a desk and a telephone, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import DESK, PHONE
from tests.support.box import RunningBox
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.integration]

PASSWORD = "correct horse battery"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RunningBox]:
    with RunningBox(tmp_path / "data") as running:
        yield running


@pytest.fixture(params=[(DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")], ids=str)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    view, scheme = request.param
    context = browser.new_context(viewport=view, color_scheme=scheme)
    made = context.new_page()
    wrongs: list[str] = []
    made.on("pageerror", lambda error: wrongs.append(str(error)))
    # A page that answers 403 or 401 on purpose is named in the console by the browser itself.
    made.on("console", lambda said: wrongs.append(said.text) if "status of 40" not in said.text else None)
    yield made
    context.close()
    assert wrongs == []


def fits(page: Page) -> bool:
    """Nothing stands out at the side, and whatever is to be pressed is large enough for a thumb."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tall: bool = page.evaluate("[...document.querySelectorAll('button, input:not([type=hidden]):not([hidden])')]"
                               ".every(each => each.getBoundingClientRect().height >= 40)")  # fmt: skip
    return tall


def test_a_person_finds_the_way_in(box: RunningBox, page: Page) -> None:
    printed = wait_until(lambda: re.search(r"^Set up +(\S+)$", box.output.read_text(), re.MULTILINE))[1]
    home = f"http://127.0.0.1:{box.web[1]}/"

    page.goto(home)
    assert "code" in page.inner_text("label[for=code]").lower()
    assert fits(page)
    page.click("summary")
    assert "screen" in page.inner_text("details")

    page.fill("#code", "abcd-efgh-2345")
    page.click("button.primary")
    assert "not right" in page.inner_text("[role=alert]")
    assert fits(page)

    page.fill("#code", printed.partition("code=")[2].upper().replace("-", " "))
    page.click("button.primary")
    assert "Welcome" in page.inner_text("h1")
    assert fits(page)
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD + "?")
    page.click("button.primary")
    assert "differ" in page.inner_text("[role=alert]")
    for field in ("#password", "#again"):
        page.fill(field, PASSWORD)
    page.click("button.primary")
    assert page.url == home

    page.context.clear_cookies()
    page.goto(printed)
    assert page.url.endswith("/login"), "a link that was used leads to the door"
    assert fits(page)
    page.fill("#password", "something else")
    page.click("button.primary")
    assert "not right" in page.inner_text("[role=alert]")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    assert page.url == home
