"""What holds for each page, whatever the home is like: it renders, fits, stays at home and breaks nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.conftest import DESK, PHONE, Watched
from tests.browser.stage import Stage
from web import present

pytestmark = pytest.mark.browser

_SHOTS = os.environ.get("TELLTALE_SCREENSHOTS")

# Every text that stands on the page at less contrast than WCAG 2.2 AA asks for (1.4.3): its words and its ratio.
_CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const words = [...node.childNodes].filter((each) => each.nodeType === 3).map((each) => each.data.trim()).join("");
    const style = getComputedStyle(node);
    const box = node.getBoundingClientRect();
    if (!words || !box.width || style.visibility === "hidden") continue;
    if (node.closest("svg, [disabled], .heard, [hidden]")) continue;
    const [a, b] = [light(parse(style.color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${words.slice(0, 40)} ${ratio.toFixed(2)}`);
  }
  return poor;
}"""

# What a finger has to hit and is smaller than 44 pixels; links within a line of text are exempt (WCAG 2.5.8).
_SMALL = """() => [...document.querySelectorAll("button, select, input, summary, nav a:not(.crumbs a), a.button")]
  .filter((each) => each.checkVisibility() && !each.closest("[hidden], dialog"))
  .filter((each) => { const box = each.getBoundingClientRect(); return box.height < 43.5 || box.width < 43.5; })
  .map((each) => `${each.outerHTML.slice(0, 80)} ${each.getBoundingClientRect().height}`)"""

_NAMELESS = """() => [...document.querySelectorAll("button, a, select, input, summary")]
  .filter((each) => each.checkVisibility())
  .filter((each) => !(each.getAttribute("aria-label") || each.innerText || each.labels?.length || "").toString().trim())
  .map((each) => each.outerHTML.slice(0, 120))"""


def paths_of(stage: Stage) -> dict[str, str]:
    """Every page of this home, by a short name."""
    paths = {
        "overview": "/",
        "overview-30d": "/?period=30d",
        "live": "/live",
        "devices": "/devices",
        "companies": "/companies",
        "rules": "/rules",
        "lists": "/lists?check=ads.samsungads.com",
        "network": "/network",
    }
    if stage.scene.devices:
        paths["device"] = present.device_path(stage.scene.devices[0].id)
        names = [*stage.scene.tags] or ["cdn.samsungcloudsolution.com"]
        companies = [tag.company for tag in stage.scene.tags.values()] or ["Samsung"]
        paths |= {f"name-{index}": present.name_path(name) for index, name in enumerate(names)}
        paths |= {f"company-{index}": present.company_path(company or "") for index, company in enumerate(companies)}
    return paths


def shoot(page: object, name: str) -> None:
    """Keeps a picture when TELLTALE_SCREENSHOTS names a folder."""
    if _SHOTS:
        page.screenshot(path=Path(_SHOTS) / f"{name}.png", full_page=True)  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_fits_reads_well_and_stays_at_home(
    any_stage: Stage, watched: Watched, view: dict[str, int], scheme: str
) -> None:
    page = watched.open(any_stage, "", view=view, scheme=scheme)
    for name, path in paths_of(any_stage).items():
        answer = page.goto(any_stage.url + path)
        assert answer is not None
        assert answer.status == 200, (name, page.inner_text("main"))
        page.wait_for_timeout(60)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} scrolls sideways by {wide} pixels"
        assert page.evaluate(_CONTRAST) == [], name
        assert page.evaluate(_NAMELESS) == [], name
        assert page.locator("h1").count() == 1, name
        if view is PHONE:
            assert page.evaluate(_SMALL) == [], name
        assert page.locator("iframe, script:not([type=module]), [style], [onclick], [onerror]").count() == 0, name
        # The one picture is the code that joins the Wi-Fi.
        assert page.locator("img").count() == page.locator("#secret img.code").count(), name
        # Last, for taking the picture leaves its marks on the page.
        shoot(page, f"{name}-{view['width']}-{scheme}-{len(any_stage.scene.devices)}")


def test_a_very_narrow_phone_does_not_scroll_sideways(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/", view={"width": 320, "height": 600})
    for name, path in paths_of(stage).items():
        page.goto(stage.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name


def test_pages_can_be_read_without_scripts(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/", script=False)
    for name, path in paths_of(stage).items():
        page.goto(stage.url + path)
        assert page.locator(".scripted").first.is_hidden(), name
        assert "telltale block NAME" in page.inner_text("body"), name
    page.goto(stage.url + "/live")
    assert page.locator("tr.row").count() > 20
    page.locator("tr.row .unfold").first.click()
    assert "What happens, and why" in page.inner_text("main")


def test_every_part_behind_may_be_gone_and_the_page_says_so(stage: Stage, watched: Watched) -> None:
    stage.scene.asleep = True
    watched.expected.append("503")
    page = watched.open(stage, "/")
    for name, path in paths_of(stage).items():
        answer = page.goto(stage.url + path)
        assert answer is not None
        assert answer.status == 200, name
        assert "The resolver does not answer; is Telltale running?" in page.inner_text("#strip"), name
        assert "Filtering off" in page.inner_text("#guard"), name


def test_an_unknown_device_or_company_is_not_found(stage: Stage, watched: Watched) -> None:
    watched.expected.append("404")
    watched.expected.append("400")
    page = watched.open(stage, "")
    for path in ("/devices/mac:00:00", "/companies/Nobody"):
        answer = page.goto(stage.url + path)
        assert answer is not None
        assert answer.status == 404
    answer = page.goto(stage.url + "/names/" + "a" * 64)
    assert answer is not None
    assert answer.status == 400
    assert "63 bytes" in page.inner_text("main")


def test_the_keyboard_alone_reaches_the_content(stage: Stage, watched: Watched) -> None:
    page = watched.open(stage, "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_joins_the_wifi_from_the_network_page(stage: Stage, watched: Watched, scheme: str) -> None:
    page = watched.open(stage, "/network", view=PHONE, scheme=scheme)
    assert page.locator("#secret img").is_hidden(), "not before somebody asks: a guest may look over a shoulder"
    page.locator("#secret summary").click()
    assert "abcde-fghjk-mnpqr-stuvw" in page.inner_text("#secret")
    page.wait_for_function("document.querySelector('#secret img').naturalWidth > 100")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    shoot(page, f"network-open-{PHONE['width']}-{scheme}")
