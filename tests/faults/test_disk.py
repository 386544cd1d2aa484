"""A disk that is full, has no room for a file more, or can only be read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.faulty import BLOCKED, STOPPED, TABLE, ZONE, Acknowledged, Row, Televisions, page, says, until_steady
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@contextmanager
def mounted(folder: Path, *flags: str) -> Iterator[None]:
    """Skips the test where nothing can be mounted."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *flags, str(folder)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("mounting a disk needs rights that are not here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as server:
        yield server


def a_box(data: Path, upstream: Upstream, expects: Sequence[str] = ()) -> RunningBox:
    return RunningBox(data, ["--upstream", upstream.url], expects=["resolver ended with SIGKILL", *expects])


def restart(box: RunningBox) -> None:
    until_steady(box)
    killed = box.kill_resolver()
    wait_until(lambda: box.resolver_pid() != killed and box.control.call("status"), "it is back", ignoring=(Exception,))


def fill(folder: Path) -> None:
    """Takes all the space that is left."""
    with (folder / "film.mp4").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def use_up_inodes(folder: Path) -> list[Path]:
    made: list[Path] = []
    with suppress(OSError):
        while True:
            made.append(folder / f"photo{len(made)}.jpg")
            made[-1].touch()
    return made


def test_a_disk_that_is_full_and_then_has_no_room_for_another_file(tmp_path: Path, upstream: Upstream) -> None:
    data = tmp_path / "data"
    with mounted(data, "-t", "tmpfs", "-o", "size=6m,nr_inodes=120", "none"), a_box(data, upstream) as box:
        acknowledged = Acknowledged(box)
        assert acknowledged.click(STOPPED)

        row = Row("disk full")
        TABLE.append(row)
        fill(data)
        with Televisions(box, row) as televisions:
            row.reads = "The disk is full: lookups are not recorded until there is space again."
            wait_until(lambda: row.reads in page(box), row.reads, shows=lambda: page(box))
            for number in range(3):
                acknowledged.click(f"full{number}.example.com")
            televisions.go_on()
            restart(box)
            assert acknowledged.missing() == [], "what was said to be done is done, also after the plug was pulled"
            (data / "film.mp4").unlink()
            wait_until(lambda: row.reads not in page(box), "lookups are recorded again", shows=lambda: page(box))
        assert acknowledged.click("space.example.com")
        assert acknowledged.missing() == []
        row.kept = f"{len(acknowledged.rules)} rules kept, {acknowledged.refused} refused in a sentence"

        row = Row("no inode left")
        TABLE.append(row)
        photos = use_up_inodes(data)
        with Televisions(box, row) as televisions:
            for number in range(3):
                acknowledged.click(f"inode{number}.example.com")
            row.reads = "No space left on device"
            wait_until(lambda: row.reads in page(box), row.reads, shows=lambda: page(box))
            televisions.go_on()
            restart(box)
            assert acknowledged.missing() == []
            for photo in photos:
                photo.unlink(missing_ok=True)
        wait_until(lambda: acknowledged.click("room.example.com"), "there is room again")
        wait_until(lambda: row.reads not in page(box), "nothing is wrong any more", shows=lambda: page(box))
        restart(box)
        assert acknowledged.missing() == []
        row.kept = f"{len(acknowledged.rules)} rules kept, {acknowledged.refused} refused in a sentence"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_disk_that_can_only_be_read(tmp_path: Path, upstream: Upstream) -> None:
    data = tmp_path / "data"
    row = Row("disk read-only")
    TABLE.append(row)
    box = a_box(data, upstream)
    with box:
        acknowledged = Acknowledged(box)
        assert acknowledged.click(STOPPED)
    with mounted(data, "--bind", str(data)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(data)], check=True)
        with box, Televisions(box, row) as televisions:
            row.reads = wait_until(lambda: text if "read-only" in (text := says(box, "journal")) else "")
            said = page(box)
            assert row.reads in said
            for untrue in ("Filtering off", "Filtering is off", "does not answer", "cannot speak with"):
                assert untrue not in said
            assert "Filtering on" in said
            assert not acknowledged.click("refused.example.com")
            assert acknowledged.refused == 1
            televisions.go_on()
            assert acknowledged.missing() == []
            assert addresses(ask(STOPPED, server=box.dns)) == BLOCKED
            doctor = subprocess.run(
                [sys.executable, "-m", "gateway.cli", "doctor", "--data", str(data), "--upstream", upstream.url],
                capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
            assert "The resolver runs" in doctor.stdout
            assert f"The disk of {data} is read-only" in doctor.stdout
    row.kept = "all rules kept, a click refused in a sentence"
