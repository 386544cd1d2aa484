"""`make screenshots`: the demo is looked at by a real browser, and what is kept shows what was seen."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.palette import with_palette
from tests.browser.pictures import LARGEST, SIZES, take

pytestmark = pytest.mark.browser

_FARTHEST = """async ([one, other]) => {
  const read = async (source) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(source), (each) => each.charCodeAt(0))]));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height).data;
  };
  const [a, b] = [await read(one), await read(other)];
  if (a.length !== b.length) return 999;
  let farthest = 0;
  for (let at = 0; at < a.length; at++) farthest = Math.max(farthest, Math.abs(a[at] - b[at]));
  return farthest;
}"""


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": 300, "height": 200})


def farthest(page: Page, one: bytes, other: bytes) -> int:
    """How far the colour of any pixel is from that of the other picture, 0 to 255."""
    return int(page.evaluate(_FARTHEST, [base64.b64encode(each).decode() for each in (one, other)]))


def test_few_colours_are_kept_exactly(page: Page) -> None:
    page.set_content("<body style='background: #0b5'><p style='background: #f31; height: 40px'></p>")
    seen = page.screenshot()
    kept = with_palette(page, seen)
    assert kept != seen
    assert farthest(page, seen, kept) == 0


def test_many_colours_become_those_nearest_to_them(page: Page) -> None:
    page.set_content("<body style='margin: 0'><p style='margin: 0; height: 200px; background: linear-gradient(45deg, "
                     "#fff, #036)'></p>")  # fmt: skip
    seen = page.screenshot()
    assert 0 < farthest(page, seen, with_palette(page, seen)) <= 40


def test_the_demo_s_pages_are_taken(tmp_path: Path, browser: Browser) -> None:
    # Playwright's driver runs once a process: what `make screenshots` starts itself is handed this one's browser.
    sizes = take(tmp_path, browser)
    assert set(sizes) == set(SIZES)
    for name, size in sizes.items():
        assert 10_000 < size < LARGEST, name
