"""A disk that is really full, and has space again."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.journal.hooks import Hooks
from gateway.journal.reader import Reader
from gateway.journal.writer import Writer
from gateway.model.event import HealthChanged
from gateway.model.lookup import LogRow
from tests.support.waiting import wait_until
from tests.unit.journal.home import device_of, row, tag_of

pytestmark = pytest.mark.integration


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if os.geteuid() != 0 or mounted.returncode != 0:
        pytest.skip("mounting a small disk needs rights that are not here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Takes all the space that is left."""
    file = os.open(ballast, os.O_CREAT | os.O_WRONLY)
    try:
        with suppress(OSError):
            while os.write(file, b"x" * 1024):
                pass
    finally:
        os.close(file)


def test_recording_goes_on_by_itself_when_a_full_disk_has_space_again(small_disk: Path) -> None:
    path = small_disk / "journal.sqlite"
    queue: deque[LogRow] = deque()
    health: list[HealthChanged] = []
    writer = Writer(
        path,
        queue,
        hooks=Hooks(tag=tag_of, device_of=device_of, publish=lambda _: None, report=health.append),
        interval=0.02,
    )
    writer.start()
    try:
        queue.append(row("first.example"))
        wait_until(lambda: writer.counters()["recorded"] == 1)
        ballast = small_disk / "ballast"
        fill(ballast)
        queue.extend(row(f"name{n}.example", 1 + n / 1000) for n in range(4000))
        wait_until(lambda: writer.counters()["failures"] >= 2)
        # A few rows may still find room between two failures; what counts is that nothing is reported twice.
        states = [event.healthy for event in health]
        assert {event.part for event in health} == {"journal"}
        assert states[0] is False
        assert all(before != after for before, after in pairwise(states))
        reader = Reader(path)
        assert reader.totals(None, None).lookups <= 1
        ballast.unlink()
        wait_until(lambda: writer.counters()["recorded"] == 4001)
        wait_until(lambda: health[-1].healthy)
        assert reader.totals(None, None).lookups == 4001
        reader.close()
    finally:
        writer.stop()
    assert writer.counters()["dropped"] == 0
