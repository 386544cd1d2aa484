"""A dead dashboard is no dead DNS: whatever has become of its keys, `telltale up` goes on, and a page says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.raw_http import get
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

ZONE = {"tv.example.com": ["60 A 198.51.100.9"]}
EXPECTED = ["Nobody can log in", "web ended with", "cannot be used"]


def _fifo(path: Path) -> None:
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_text('{"version": 1, "secret": "'),
    "no object": lambda path: path.write_text("[]"),
    "nested without end": lambda path: path.write_text("[" * 200_000),
    "of a newer version": lambda path: path.write_text('{"version": 99}'),
    "a number where a text belongs": lambda path: path.write_text('{"version": 1, "secret": 7, "generation": 1}'),
    "zeros": lambda path: path.write_bytes(b"\0" * 4096),
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "a folder": lambda path: path.mkdir(),
    "a pipe": _fifo,
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_dns_goes_on_and_the_pages_say_what_is_wrong(tmp_path: Path, kind: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    DAMAGES[kind](data / "web.json")
    with (
        Upstream(ZONE) as upstream,
        RunningBox(data, ["--upstream", upstream.url], expects=EXPECTED) as box,
    ):
        assert addresses(ask("tv.example.com", server=box.dns)) == ["198.51.100.9"]
        for path in ("/", "/login", "/setup", "/api/v1/status"):
            answer = get(box.web, path)
            assert answer.status == 503
            assert "telltale password" in answer.text
        assert box.process.poll() is None
        wait_until(lambda: "Password" in box.output.read_text())


def test_a_file_that_cannot_be_made_ends_nothing_but_logging_in(tmp_path: Path) -> None:
    """As where the folder of the keys is on a disk that takes nothing: here it is under a file."""
    (tmp_path / "file").write_text("")
    flags = ["--keys", str(tmp_path / "file" / "web.json")]
    with (
        Upstream(ZONE) as upstream,
        RunningBox(tmp_path / "data", [*flags, "--upstream", upstream.url], expects=EXPECTED) as box,
    ):
        assert addresses(ask("tv.example.com", server=box.dns)) == ["198.51.100.9"]
        assert get(box.web, "/login").status == 503


def test_a_file_that_is_damaged_meanwhile_leaves_the_owner_logged_in(tmp_path: Path) -> None:
    expects = [*EXPECTED, "the last good keys stay in force"]
    with RunningBox(tmp_path / "data", expects=expects) as box:
        assert box.get("/api/v1/status")[0] == 200
        (box.data / "web.json").write_bytes(b"{")
        assert box.get("/api/v1/status")[0] == 200
        box.stop()
        box.start()
        assert get(box.web, "/login").status == 503
        said = subprocess.run(
            [sys.executable, "-m", "gateway.cli", "password", "--data", str(box.data)],
            check=True,
            capture_output=True,
            text=True,
        )
        assert "was damaged" in said.stderr
        code = said.stdout.split("code=")[1].split()[0]
        wait_until(lambda: get(box.web, f"/setup?code={code}").status == 200)


def test_a_dashboard_that_is_killed_again_and_again_takes_nobody_along(tmp_path: Path) -> None:
    with (
        Upstream(ZONE) as upstream,
        RunningBox(tmp_path / "data", ["--upstream", upstream.url], expects=EXPECTED) as box,
    ):
        killed: set[int] = set()

        def dashboard() -> int | None:
            for child in Path(f"/proc/{box.process.pid}/task/{box.process.pid}/children").read_text().split():
                line = Path(f"/proc/{child}/cmdline").read_bytes()
                if b"gateway.daemons.web" in line and int(child) not in killed:
                    return int(child)
            return None

        for _ in range(3):
            pid = wait_until(dashboard)
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
            assert addresses(ask("tv.example.com", server=box.dns)) == ["198.51.100.9"]
        wait_until(lambda: get(box.web, "/healthz").status == 200)
