"""kill -9 of each process of a box, one after the other, right behind a click that was acknowledged."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.faulty import (
    BLOCKED,
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

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

TIMES = ROUNDS or 1


def processes(box: RunningBox) -> dict[str, int]:
    """Everybody below `telltale up` who runs now, by the last word of the module."""
    found: dict[str, int] = {}
    parents = [box.process.pid]
    while parents:
        try:
            parent = parents.pop()
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            for child in map(int, children):
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                module = next((word for word in words if word.startswith(b"gateway.daemons.")), b"")
                if module:
                    found[module.rpartition(b".")[2].decode()] = child
                parents.append(child)
        except FileNotFoundError:
            continue
    return found


@contextmanager
def a_box(folder: Path) -> Iterator[RunningBox]:
    with (
        Upstream(ZONE) as upstream,
        RunningBox(
            folder / "data", ["--upstream", upstream.url, "--workers", "2"], expects=["ended", "worker", "SIGKILL"]
        ) as box,
    ):
        wait_until(lambda: set(processes(box)) == {"resolver", "web", "worker"}, "all processes run")
        yield box


def kill(box: RunningBox, name: str) -> None:
    """Until another process has taken its place and everything answers."""
    before = processes(box)[name]
    os.kill(before, signal.SIGKILL)

    def is_back() -> bool:
        now = processes(box)
        return now.get(name, before) != before and set(now) == {"resolver", "web", "worker"} and answers(box)

    wait_until(is_back, f"{name} is back", shows=box.log_lines)


def answers(box: RunningBox) -> bool:
    try:
        return box.get("/api/v1/status")[0] == 200
    except OSError:
        return False


def kill_everything(box: RunningBox) -> None:
    """`telltale up` itself; somebody starts it again."""
    children = processes(box)
    box.process.kill()
    box.process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children.values()), "its children end with it")
    box.start()


def test_each_process_is_killed_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    victims: dict[str, Callable[[RunningBox], None]] = {
        "resolver": lambda box: kill(box, "resolver"),
        "worker": lambda box: kill(box, "worker"),
        "web": lambda box: kill(box, "web"),
        "up": kill_everything,
    }
    with a_box(tmp_path) as box:
        acknowledged = Acknowledged(box)
        assert acknowledged.click(STOPPED)
        for victim, end in victims.items():
            row = Row(f"kill -9 {victim}, {TIMES} times")
            TABLE.append(row)
            for round_ in range(TIMES):
                name = f"{victim}{round_}.example.com"
                with Televisions(box, row) as televisions:
                    until_steady(box)
                    assert acknowledged.click(name)
                    end(box)
                    televisions.go_on()
                wait_until(lambda name=name: asked(box, name) == BLOCKED, f"{name} is blocked")
            assert acknowledged.missing() == [], victim
            row.kept = f"all {len(acknowledged.rules)} rules kept"
            row.reads = "Filtering on"
            assert "Filtering on" in page(box)
            assert "cannot" not in says(box, "journal")


def asked(box: RunningBox, name: str) -> list[str]:
    try:
        return addresses(ask(name, server=box.dns, timeout=1.0))
    except OSError:
        return []
