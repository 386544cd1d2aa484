"""A headless Chromium that notices everything a page must not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request, sync_playwright

from tests.browser.scene import Scene, busy_scene, empty_scene, hostile_scene
from tests.browser.stage import Stage, perform

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield running
    running.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A busy home of one's own."""
    with perform(busy_scene(lookups=600), tmp_path) as running:
        yield running


@pytest.fixture(scope="module", params=["busy", "empty", "hostile"])
def any_stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Each kind of home, for tests that only look."""
    scenes: dict[str, Callable[[], Scene]] = {"busy": busy_scene, "empty": empty_scene, "hostile": hostile_scene}
    with perform(scenes[request.param](), tmp_path_factory.mktemp(request.param)) as running:
        yield running


class Watched:
    """Opens pages and keeps a list of what went wrong in them: console, exceptions, policy, requests elsewhere."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.wrongs: list[str] = []
        self.expected: list[str] = []

    def open(
        self, stage: Stage, path: str, *, view: dict[str, int] = DESK, scheme: str = "light", script: bool = True
    ) -> Page:
        context = self._browser.new_context(
            viewport=view,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            has_touch=view is PHONE,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        context.add_cookies(stage.cookies)  # type: ignore[arg-type]
        page = context.new_page()
        page.on(
            "console",
            lambda said: self._hear(f"console {said.type}: {said.text}") if said.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self._hear(f"exception: {error}"))
        page.on("dialog", lambda dialog: (self._hear(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._check(stage, request))
        if path:
            page.goto(stage.url + path)
        return page

    def _hear(self, said: str) -> None:
        self.wrongs.append(said)

    def _check(self, stage: Stage, request: Request) -> None:
        if not request.url.startswith((stage.url + "/", "data:")):
            self.wrongs.append(f"request elsewhere: {request.url}")

    def finish(self) -> None:
        for context in self._contexts:
            context.close()
        left = [wrong for wrong in self.wrongs if not any(text in wrong for text in self.expected)]
        assert not left, left


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    watching = Watched(browser)
    yield watching
    watching.finish()
