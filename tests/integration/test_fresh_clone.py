"""What a new user does first: clone, `make run`, look. In an empty folder with a virtual environment of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]


def test_make_run_prints_a_url(tmp_path: Path) -> None:
    clone = tmp_path / "telltale"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            target = clone / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    web, dns = free_port(), free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "PYTEST"))}

    def printed() -> object:
        said = (tmp_path / "out").read_text()
        assert running.poll() is None, said
        return re.search(rf"http://127\.0\.0\.1:{web}/", said)

    with (tmp_path / "out").open("wb") as output:
        running = subprocess.Popen(
            ["make", "run", f"DEMO=--web 127.0.0.1:{web} --dns 127.0.0.1:{dns}"],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(printed, "the URL is printed", patience=600, shows=(tmp_path / "out").read_text)
    finally:
        os.killpg(running.pid, signal.SIGINT)
        running.wait(120)
    assert "Telltale has stopped." in (tmp_path / "out").read_text()
