"""Lists on a running box, when copies are damaged, servers are wrong, and the compiler is ended: what was blocked stays
blocked, and a sentence says what is wrong.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.application.list_job import JobEnd
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.list_server import ListServer
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

ZONE = {"*.example.com": ["60 A 198.51.100.9"]}
MANY = "".join(f"||n{n}.example.com^\n" for n in range(20_000))
OPEN, BLOCKED = ["198.51.100.9"], ["0.0.0.0"]


class Listed(RunningBox):
    """A box with one list from a server on loopback."""

    lists: ListServer

    def answers(self, name: str) -> list[str]:
        return addresses(ask(name, server=self.dns))

    def says(self) -> str:
        """What the box says of its lists."""
        health = self.get("/api/v1/status")[1]["health"]
        return next((each["says"] for each in health if each["part"] == "lists"), "")

    def only_list(self) -> dict[str, object]:
        [found] = self.get("/api/v1/lists")[1]["lists"]
        return dict(found)

    def refresh(self) -> None:
        """Until a run that was asked for now is over."""
        asked = len(self.lists.asked)
        assert self.request("POST", "/api/v1/lists/refresh")[0] == 202
        wait_until(lambda: len(self.lists.asked) > asked or not self.lists.gate.is_set(), "the list is fetched")
        self.settle()

    def settle(self) -> None:
        wait_until(lambda: not self.get("/api/v1/lists")[1]["refreshing"], "the run is over")


@contextmanager
def listed(folder: Path, expects: Sequence[str] = ()) -> Iterator[Listed]:
    data = folder / "data"
    data.mkdir()
    (data / "settings.toml").write_text("[lists]\nprivate_addresses = true\n")
    with (
        ListServer(MANY) as server,
        Upstream(ZONE) as upstream,
        Listed(data, ["--upstream", upstream.url, "--list", server.url], expects=expects) as box,
    ):
        box.lists = server
        wait_until(lambda: box.answers("n7.example.com") == BLOCKED, "the list is in force")
        box.settle()
        yield box


def copy_of(box: Listed) -> Path:
    return box.data / "lists" / f"{box.only_list()['id']}.txt"


def test_a_damaged_copy_heals_although_the_server_says_that_nothing_changed(tmp_path: Path) -> None:
    with listed(tmp_path) as box:
        copy = copy_of(box)
        copy.write_bytes(copy.read_bytes()[: len(MANY) // 2])
        box.refresh()
        assert copy.read_text() == MANY
        assert box.lists.asked[-1] is None
        assert box.only_list()["entries"] == 20_000
        assert box.says() == "Every list is up to date."
        box.refresh()
        assert box.lists.asked[-1] is not None
        assert box.answers("n19999.example.com") == BLOCKED


def test_a_damaged_copy_is_not_compiled_while_the_server_is_away(tmp_path: Path) -> None:
    with listed(tmp_path) as box:
        copy = copy_of(box)
        copy.write_bytes(copy.read_bytes()[: len(MANY) // 2])
        box.lists.close()
        assert box.request("POST", "/api/v1/lists/refresh")[0] == 202
        wait_until(lambda: "is damaged and cannot be fetched anew" in box.says(), shows=box.says)
        assert box.answers("n19999.example.com") == BLOCKED
        box.stop()
        box.start()
        assert box.answers("n19999.example.com") == BLOCKED
        wait_until(lambda: "is damaged and cannot be fetched anew" in box.says(), shows=box.says)
        assert box.answers("n19999.example.com") == BLOCKED


def test_a_list_that_falls_to_one_name_is_held_back_and_asked_about(tmp_path: Path) -> None:
    with listed(tmp_path) as box:
        box.lists.publish("||only.example.com^\n")
        box.refresh()
        found = box.only_list()
        assert found["shrinking"] == {"before": 20_000, "entries": 1}
        assert "fell from 20,000 entries to 1" in box.says()
        assert f"telltale lists accept {found['id']}" in box.says()
        assert (box.answers("n7.example.com"), box.answers("only.example.com")) == (BLOCKED, OPEN)

        status, taken = box.request("POST", f"/api/v1/lists/{found['id']}/accept")
        assert (status, taken["shrinking"]) == (200, None)
        wait_until(lambda: box.answers("only.example.com") == BLOCKED, "the new entries are in force")
        assert box.answers("n7.example.com") == OPEN
        box.settle()
        assert box.only_list()["entries"] == 1
        assert box.says() == "Every list is up to date."
        assert box.request("POST", f"/api/v1/lists/{found['id']}/accept")[0] == 400


def test_a_list_that_was_taken_stays_taken_when_the_resolver_is_killed_at_once(tmp_path: Path) -> None:
    with listed(tmp_path, expects=["resolver ended with SIGKILL"]) as box:
        box.lists.publish("||only.example.com^\n")
        box.refresh()
        assert box.request("POST", f"/api/v1/lists/{box.only_list()['id']}/accept")[0] == 200
        box.kill_resolver()
        box.wait_until_up()
        wait_until(lambda: box.answers("only.example.com") == BLOCKED, "the new entries are in force")
        box.settle()
        assert box.only_list()["shrinking"] is None


def test_a_list_that_comes_back_to_itself_is_asked_about_no_more(tmp_path: Path) -> None:
    with listed(tmp_path) as box:
        box.lists.publish("||only.example.com^\n")
        box.refresh()
        assert box.only_list()["shrinking"]
        box.lists.publish(MANY)
        box.refresh()
        assert box.only_list()["shrinking"] is None
        assert box.says() == "Every list is up to date."


def processes_of_job(box: Listed) -> list[int]:
    """The process that the resolver started to fetch and compile, and the one that it started itself."""
    found: list[int] = []
    parents = [box.resolver_pid()]
    while parents:
        parent = parents.pop()
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if b"gateway.daemons.lists" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
                parents.append(int(child))
    return found


@pytest.mark.parametrize("which", [0, 1])
def test_a_compiler_that_is_killed_leaves_the_old_lists_in_force(tmp_path: Path, which: int) -> None:
    with listed(tmp_path) as box:
        box.lists.gate.clear()
        assert box.request("POST", "/api/v1/lists/refresh")[0] == 202
        job = wait_until(lambda: found if len(found := processes_of_job(box)) == 2 else None, "the job runs")
        wait_until(lambda: len(box.lists.asked) == 2, "it fetches")
        os.kill(job[which], signal.SIGKILL)
        wait_until(lambda: "was ended (SIGKILL)" in box.says(), shows=box.says)
        assert "the last good ones stay in force" in box.says()
        assert box.answers("n7.example.com") == BLOCKED
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in job), "both are gone")
        box.lists.gate.set()
        box.refresh()
        assert box.says() == "Every list is up to date."


def test_the_compiler_goes_before_the_resolver_and_has_a_limit_of_its_own(tmp_path: Path) -> None:
    with listed(tmp_path) as box:
        box.lists.gate.clear()
        assert box.request("POST", "/api/v1/lists/refresh")[0] == 202
        _, work = wait_until(lambda: found if len(found := processes_of_job(box)) == 2 else None, "the job runs")
        wait_until(lambda: len(box.lists.asked) == 2, "it fetches")

        def score(pid: int) -> int:
            return int(Path(f"/proc/{pid}/oom_score_adj").read_text())

        def data_limit(pid: int) -> str:
            lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
            return next(line for line in lines if line.startswith("Max data size"))

        assert score(work) >= 900
        assert score(box.resolver_pid()) < score(work)
        assert str(288 << 20) in data_limit(work)
        assert str(288 << 20) not in data_limit(box.resolver_pid())
        box.lists.gate.set()
        box.settle()


SMALL = """
import sys
from gateway.daemons import lists
lists.COMPILER_MEMORY = int(sys.argv.pop(1)) << 20
sys.exit(lists.main(sys.argv[1:]))
"""


def test_a_compiler_that_needs_more_memory_than_it_may_have_ends_and_leaves_the_old_lists(tmp_path: Path) -> None:
    """The same program with less memory than it has in truth, so that the test need not fill that."""
    data = tmp_path / "data"
    folder = data / "lists"
    folder.mkdir(parents=True)
    source = tmp_path / "list.txt"
    chance = random.Random(5)

    def run(mib: int, names: int) -> int:
        source.write_text("".join(f"||{chance.getrandbits(160):x}.example^\n" for _ in range(names)))
        job = {"lists": [{"id": 1, "source": str(source), "title": "", "action": "block"}], "fetch": True}
        done = subprocess.run(
            [sys.executable, "-c", SMALL, str(mib), "--data", str(data)],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=150,
            check=False,
        )
        return done.returncode

    assert run(60, 1_000) == JobEnd.DONE
    before = (folder / "compiled.bin").read_bytes()
    assert run(60, 300_000) == JobEnd.TOO_MUCH_MEMORY
    assert (folder / "compiled.bin").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["1.txt", "compiled.bin", "report.json"]
    assert run(60, 1_000) == JobEnd.DONE
