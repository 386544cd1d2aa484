"""The two pictures that README shows, taken from the demo: `make screenshots` writes them anew.

Nothing in them is made up for the picture: `telltale demo` runs as a person starts it, a rule is made as a click makes
it, and a real Chromium looks.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.palette import with_palette
from tests.support.box import RunningBox
from tests.support.waiting import wait_until

FOLDER = Path(__file__).resolve().parents[2] / "web" / "static" / "img"
SIZES = {"overview.png": (1280, 1480), "live.png": (1280, 800)}
LARGEST = 200_000
"""Bytes; who reads README on a telephone waits for them."""
_PACE = "20"
_BLOCKED = 12


def take(folder: Path, browser: Browser) -> dict[str, int]:
    """Writes the pictures into `folder`; their sizes in bytes. Raises SystemExit when one grew too large."""
    with (
        tempfile.TemporaryDirectory() as home,
        RunningBox(Path(home) / "demo", ["--pace", _PACE], verb="demo") as box,
        browser.new_page(color_scheme="light", reduced_motion="reduce") as page,
        # Our pages forbid foreign scripts, so an empty one counts the colours.
        browser.new_page() as empty,
    ):
        _log_in(page, box)
        _block_recognition(box)
        for name, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            _show(page, name.removesuffix(".png").capitalize())
            (folder / name).write_bytes(with_palette(empty, page.screenshot(animations="disabled")))
    sizes = {name: (folder / name).stat().st_size for name in SIZES}
    if too_large := {name: size for name, size in sizes.items() if size >= LARGEST}:
        raise SystemExit(f"Pictures of README stay below {LARGEST} bytes; these do not: {too_large}")
    return sizes


def _log_in(page: Page, box: RunningBox) -> None:
    password = re.search(r"^Password +(\S+)$", box.output.read_text(), re.MULTILINE)
    assert password is not None
    page.goto(f"http://{box.web[0]}:{box.web[1]}/")
    page.get_by_label("Password").fill(password[1])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Who your televisions talk to")


def _block_recognition(box: RunningBox) -> None:
    """What an owner may do first: no television recognises any more what is on its screen."""
    box.request("POST", "/api/v1/rules", {"action": "block", "category": "acr"})
    wait_until(
        lambda: len(box.get(f"/api/v1/lookups?verdict=block&limit={_BLOCKED}")[1]["lookups"]) == _BLOCKED, patience=120
    )


def _show(page: Page, which: str) -> None:
    page.get_by_role("link", name=which).first.click()
    if which == "Live":
        expect(page.locator("#pulse")).to_have_text("Live")
        expect(page.locator("tr.row", has_text="Blocked").first).to_be_in_viewport()


if __name__ == "__main__":
    with sync_playwright() as driver, driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as chromium:
        for each, size in take(FOLDER, chromium).items():
            print(f"{each}: {size} bytes")
