"""One thing in the data folder is damaged while the plug is out: DNS starts, decisions hold, losses are said."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path

import pytest

from tests.faults.faulty import (
    BLOCKED,
    OPEN,
    ROUNDS,
    STOPPED,
    TABLE,
    ZONE,
    Acknowledged,
    Row,
    Televisions,
    page,
    says,
    until_steady,
)
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

LISTED = "listed.example.com"
THINGS = (
    "policy.json", "journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "lists", "lists/1.txt",
    "lists/compiled.bin", "lists/report.json", "lock", "control.sock", ".policy.json.new",
)  # fmt: skip
DAMAGES = ("missing", "empty", "junk", "half", "a folder", "a link to nowhere")
CASES = list(product(THINGS, DAMAGES))
# Those that lose most, or have stopped something.
FEW = [
    ("policy.json", "junk"), ("policy.json", "a folder"), ("journal.sqlite", "missing"), ("journal.sqlite", "half"),
    ("lists/compiled.bin", "empty"), ("lock", "a link to nowhere"), ("control.sock", "a folder"),
]  # fmt: skip
# What a person reads, by (thing, damage) or by the thing alone; all others lose nothing, and say nothing.
READS = {
    ("policy.json", "empty"): "The copy in the history is in force.",
    ("policy.json", "junk"): "The copy in the history is in force.",
    ("policy.json", "half"): "The copy in the history is in force.",
    ("policy.json", "a folder"): "policy.json cannot be read now: Is a directory",
    ("journal.sqlite", "missing"): "The history was missing when Telltale started",
    ("journal.sqlite", "empty"): "The file of the history was empty when Telltale started",
    ("journal.sqlite", "junk"): "and a new one has begun",
    ("journal.sqlite", "half"): "and a new one has begun",
    ("journal.sqlite", "a folder"): "there is a folder in its place",
    ("journal.sqlite", "a link to nowhere"): "The journal",
}


def damage(path: Path, how: str) -> None:
    """As if the card had lost it."""
    before = b"" if path.is_dir() or not path.is_file() else path.read_bytes()
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    match how:
        case "empty":
            path.touch()
        case "junk":
            path.write_bytes(os.urandom(max(len(before), 512)))
        case "half":
            path.write_bytes(before[: len(before) // 2])
        case "a folder":
            path.mkdir()
            (path / "something").touch()
        case "a link to nowhere":
            path.symlink_to(path.parent / "nowhere" / "at all")


def take_away(path: Path, how: str) -> None:
    """Somebody removes what should not be there, where the box has not done so itself."""
    if how == "a link to nowhere" and path.is_symlink() and not path.exists():
        path.unlink()
    elif how == "a folder" and path.is_dir() and path.name != "lists":
        shutil.rmtree(path)


@contextmanager
def a_box(folder: Path) -> Iterator[RunningBox]:
    (folder / "list.txt").write_text(f"||{LISTED}^\n")
    with (
        Upstream(ZONE) as upstream,
        RunningBox(
            folder / "data",
            ["--upstream", upstream.url, "--list", str(folder / "list.txt")],
            expects=["ended with", "telltale-resolver:"],
        ) as box,
    ):
        wait_until(lambda: answer(box, LISTED) == BLOCKED, "the list is in force")
        yield box


def answer(box: RunningBox, name: str) -> list[str]:
    try:
        return addresses(ask(name, server=box.dns, timeout=1.0))
    except OSError:
        return []


def both_have_all(data: Path) -> bool:
    """Whether a box could lose either of the two places of its rules, and nothing with it."""
    try:
        with closing(sqlite3.connect(f"file:{data / 'journal.sqlite'}?mode=ro", uri=True)) as connection:
            copied = connection.execute("SELECT revision FROM book").fetchone()
    except sqlite3.Error:
        return False
    stored = json.loads((data / "policy.json").read_bytes())["book"]["revision"]
    return bool(copied) and copied[0] == stored


def restart(box: RunningBox, thing: str, how: str) -> None:
    """The plug of the resolver is out while the thing is damaged."""
    until_steady(box)
    killed = box.kill_resolver()
    path = box.data / thing
    if thing == "journal.sqlite" and how in ("junk", "half"):
        # Its log would make it whole again.
        path.with_name("journal.sqlite-wal").unlink(missing_ok=True)
    damage(path, how)

    def is_back() -> bool:
        assert box.process.poll() is None, f"everything ended: {box.log_lines()}"
        return box.resolver_pid() != killed and bool(box.control.call("status"))

    wait_until(is_back, "the resolver is back", ignoring=(Exception,), shows=box.log_lines)


def test_one_damaged_thing_in_the_data_folder_at_a_time(tmp_path: Path) -> None:
    with a_box(tmp_path) as box:
        acknowledged = Acknowledged(box)
        assert acknowledged.click(STOPPED)
        for number, (thing, how) in enumerate(CASES if ROUNDS else FEW):
            row = Row(f"{thing}: {how}")
            TABLE.append(row)
            wait_until(lambda: both_have_all(box.data), "the journal's copy of the rules follows")
            with Televisions(box, row) as televisions:
                restart(box, thing, how)
                televisions.go_on()
                assert answer(box, "else.example.com") == OPEN
                wait_until(lambda: answer(box, LISTED) == BLOCKED, f"{row.fault}: the list is in force")
            row.reads = READS.get((thing, how), "")
            wait_until(lambda text=row.reads: text in page(box), f"{row.fault}: {row.reads}", shows=lambda: page(box))
            row.reads = row.reads or says(box, "journal")
            assert acknowledged.click(f"after{number}.example.com"), f"{row.fault}: {says(box, 'rules')}"
            assert acknowledged.missing() == [], row.fault
            take_away(box.data / thing, how)
            wait_until(lambda name=f"mended{number}.example.com": acknowledged.click(name), "a click is stored")
            row.kept = f"all {len(acknowledged.rules)} rules kept"
