"""A list of owners on a running box, from a real server: subscribed to, shown, blocked by, refreshed, given up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.list_server import ListServer
from tests.support.owner_lists import companies, trackers
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

ZONE = {"*.watcher.org": ["60 A 198.51.100.9"], "*.netflix.com": ["60 A 198.51.100.8"]}
OPEN, BLOCKED = ["198.51.100.9"], ["0.0.0.0"]
NAMES = {"watcher.org": "Watch Incorporated", "netflix.com": "Watch Incorporated", "com": "Watch Incorporated"}
MARKED = "Watch Incorporated, by People's owners"


class Home(RunningBox):
    owners: ListServer

    def answers(self, name: str) -> list[str]:
        return addresses(ask(name, server=self.dns))

    def only_list(self) -> dict[str, Any]:
        [found] = self.get("/api/v1/lists")[1]["lists"]
        return dict(found)

    def company_of(self, name: str) -> str | None:
        """Of the newest lookup of this name, once it is recorded."""
        self.answers(name)
        rows: list[dict[str, Any]] = []

        def recorded() -> bool:
            rows[:] = self.get(f"/api/v1/lookups?name={name}&limit=1")[1]["lookups"]
            return bool(rows)

        wait_until(recorded, "it is recorded")
        return rows[0]["company"]  # type: ignore[no-any-return]

    def settle(self) -> None:
        wait_until(lambda: not self.get("/api/v1/lists")[1]["refreshing"], "the run is over")

    def refresh(self) -> None:
        asked = len(self.owners.asked)
        assert self.request("POST", "/api/v1/lists/refresh")[0] == 202
        wait_until(lambda: len(self.owners.asked) >= asked + 2, "both files are fetched")
        self.settle()


@contextmanager
def home(folder: Path) -> Iterator[Home]:
    data = folder / "data"
    data.mkdir()
    (data / "settings.toml").write_text("[lists]\nprivate_addresses = true\n")
    with (
        ListServer(trackers(NAMES)) as server,
        Upstream(ZONE) as upstream,
        Home(data, ["--upstream", upstream.url]) as box,
    ):
        server.beside["/companies.json"] = companies("Watch Incorporated")
        box.owners = server
        yield box


def subscribe(box: Home) -> None:
    address = box.owners.url.replace("list.txt", "trackers.json")
    asked = {"url": address, "title": "People's owners"}
    assert box.request("POST", "/api/v1/lists", asked)[0] == 201
    wait_until(lambda: box.only_list()["kind"] == "owners" and box.only_list()["entries"], "it is read")
    box.settle()


def test_a_company_of_an_owner_list_is_marked_and_one_click_blocks_its_names(tmp_path: Path) -> None:
    with home(tmp_path) as box:
        assert box.company_of("a.watcher.org") is None
        subscribe(box)
        found = box.only_list()
        assert (found["entries"], found["licence"], found["error"]) == (2, None, None)
        assert sum(found["skipped"].values()) == 1, "nobody owns all of com"
        wait_until(lambda: box.company_of("a.watcher.org") == MARKED, "names that were known are learned anew")
        assert box.company_of("b.watcher.org") == MARKED
        assert box.company_of("www.netflix.com") == "Netflix", "what we know ourselves comes first"

        ours = box.request("POST", "/api/v1/rules", {"action": "block", "company": "Watch Incorporated"})
        assert ours[0] == 201
        assert box.answers("a.watcher.org") == OPEN, "a list puts no name under a company of the same name"
        status, rule = box.request("POST", "/api/v1/rules", {"action": "block", "company": MARKED})
        assert status == 201
        assert box.answers("a.watcher.org") == BLOCKED
        assert box.answers("never.seen.watcher.org") == BLOCKED
        assert box.answers("www.netflix.com") == ["198.51.100.8"]
        assert box.request("DELETE", f"/api/v1/rules/{rule['id']}")[0] == 200
        assert box.answers("a.watcher.org") == OPEN


def test_it_is_said_on_the_command_line_and_on_the_page_of_the_company(tmp_path: Path) -> None:
    with home(tmp_path) as box:
        subscribe(box)
        box.company_of("a.watcher.org")
        said = subprocess.run(
            [sys.executable, "-m", "gateway.cli", "lists", "ls", "--data", str(box.data)],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        assert "owners  People's owners  (2 names, licence unknown, 1 left out)" in said
        about = box.control.call("company", name=MARKED)
        assert "Named so by the owner list People's owners" in about["line"]
        assert "https://watch.example/" in about["line"]


def test_a_list_that_becomes_bad_keeps_what_it_said_and_one_that_is_given_up_says_nothing(tmp_path: Path) -> None:
    with home(tmp_path) as box:
        subscribe(box)
        assert box.request("POST", "/api/v1/rules", {"action": "block", "company": MARKED})[0] == 201
        assert box.answers("a.watcher.org") == BLOCKED
        box.owners.publish('{"trackers": []}')
        box.refresh()
        assert "neither a block list nor a list of owners" in str(box.only_list()["error"])
        assert box.answers("a.watcher.org") == BLOCKED
        box.owners.publish(trackers({**NAMES, "late.example": "Late"}))
        box.owners.beside["/companies.json"] = "[" * 100_000
        box.refresh()
        assert "neither a block list nor a list of owners" in str(box.only_list()["error"])
        assert box.answers("a.watcher.org") == BLOCKED
        box.owners.beside["/companies.json"] = companies("Watch Incorporated", "Late")
        box.refresh()
        assert (box.only_list()["error"], box.only_list()["entries"]) == (None, 3)

        box.stop()
        box.start()
        assert box.answers("a.watcher.org") == BLOCKED, "it is in force from the first answer on"
        number = box.only_list()["id"]
        assert box.request("DELETE", f"/api/v1/lists/{number}")[0] == 200
        wait_until(lambda: box.answers("a.watcher.org") == OPEN, "without the list nobody knows whose it is")
        box.settle()
        assert sorted(path.name for path in (box.data / "lists").iterdir()) == ["compiled.bin", "report.json"]
