"""Hardly any file descriptors, and little memory with a large list."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.faulty import BLOCKED, OPEN, ROUNDS, STOPPED, TABLE, ZONE, Acknowledged, Row, Televisions, page, says
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

NAMES = 1_200_000 if ROUNDS else 400_000
MEMORY = 160 << 20


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as server:
        yield server


def test_sixty_four_file_descriptors(tmp_path: Path, upstream: Upstream) -> None:
    row = Row("64 file descriptors, 200 connections")
    TABLE.append(row)
    few = ("prlimit", "--nofile=64:64", sys.executable)
    # What asyncio says of a connection that it cannot take, each a trace of several lines.
    expects = ["accept", "Traceback", "Too many open files", "  File ", "socket: <"]
    with RunningBox(tmp_path / "data", ["--upstream", upstream.url], python=few, expects=expects) as box:
        acknowledged = Acknowledged(box)
        assert acknowledged.click(STOPPED)
        with Televisions(box, row) as televisions:
            held: list[socket.socket] = []
            try:
                for place in (box.dns, box.web):
                    for _ in range(100):
                        with suppress(OSError):
                            held.append(socket.create_connection(place, timeout=1.0))
                televisions.go_on(100)
                assert addresses(ask("new.example.com", server=box.dns)) == OPEN
            finally:
                for each in held:
                    each.close()
            wait_until(lambda: acknowledged.click("after.example.com"), "the dashboard takes a click again")
        assert acknowledged.missing() == []
        wait_until(lambda: "Filtering on" in page(box))
        row.kept = f"all {len(acknowledged.rules)} rules kept"


@contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """A control group whose processes have so many bytes together (cgroups(7)); skips the test where none can be."""
    old = Path("/sys/fs/cgroup/memory")
    group = (old if old.is_dir() else Path("/sys/fs/cgroup")) / f"telltale-faults-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("control groups need rights that are not here")
    try:
        try:
            (group / ("memory.limit_in_bytes" if old.is_dir() else "memory.max")).write_text(str(limit))
        except OSError:
            pytest.skip("this kernel does not limit the memory of a group")
        yield group
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text(), "all of its processes have ended")
        group.rmdir()


def test_little_memory_and_a_list_that_is_too_large_for_it(tmp_path: Path, upstream: Upstream) -> None:
    row = Row(f"{MEMORY >> 20} MiB of memory, a list of {NAMES:,} names")
    TABLE.append(row)
    (tmp_path / "large.txt").write_text("".join(f"||n{number * 7919:x}.example.net^\n" for number in range(NAMES)))
    (tmp_path / "small.txt").write_text("||listed.example.com^\n")
    flags = ["--upstream", upstream.url, "--list", str(tmp_path / "small.txt")]
    with memory_group(MEMORY) as group:
        inside = ("sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh", sys.executable)
        with RunningBox(tmp_path / "data", flags, python=inside) as box:
            wait_until(lambda: addresses(ask("listed.example.com", server=box.dns)) == BLOCKED, "the list is in force")
            acknowledged = Acknowledged(box)
            assert acknowledged.click(STOPPED)
            resolver = box.resolver_pid()
            with Televisions(box, row) as televisions:
                box.control.call("lists.add", source=str(tmp_path / "large.txt"), action="block")
                wait_until(lambda: "could not be updated" in says(box, "lists"), shows=lambda: says(box, "lists"))
                row.reads = says(box, "lists")
                televisions.go_on()
            assert "memory" in row.reads
            assert "the last good ones stay in force" in row.reads
            assert box.resolver_pid() == resolver, "the compiler goes first"
            assert addresses(ask("listed.example.com", server=box.dns)) == BLOCKED
            assert acknowledged.missing() == []
            row.kept = "all rules and the old list kept"
