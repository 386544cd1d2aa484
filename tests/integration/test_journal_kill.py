"""A process that records 2,000 lookups a second is killed in the middle: the journal stays whole."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.journal.preparation import prepare
from gateway.journal.reader import Reader

pytestmark = pytest.mark.integration
ROUNDS = 6

# Tells, ten times a second, how many lookups it has handed over so far, and when.
CHILD = """
import sys, time
from collections import deque
from pathlib import Path
from datetime import timedelta
from gateway.journal.retention import Retention
from gateway.journal.hooks import Hooks
from gateway.journal.writer import Writer
from tests.unit.journal.home import device_of, facts, tag_of

queue = deque()
writer = Writer(
    Path(sys.argv[1]), queue, Hooks(tag=tag_of, device_of=device_of, publish=lambda event: None,
    report=lambda event: print("health", event.says, flush=True)), sweep_every=0.3,
    retention=Retention(lookups=timedelta(seconds=1), size=3_000_000),
)
writer.start()
names = [facts(f"name{n}.example") for n in range(300)]
given = int(sys.argv[2])
begun = time.time()
count = 0
while True:
    due = int((time.time() - begun) * 2000)
    for _ in range(due - count):
        given += 1
        known = names[given % 300] if given % 10 else facts(f"new{given}.example")
        queue.append((time.time(), "192.168.4.2", known, given / 1e6))
    count = due
    print(given, time.time(), flush=True)
    time.sleep(0.1)
"""


def test_a_killed_writer_leaves_a_whole_journal_and_loses_at_most_the_last_second(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    given = 0
    for round_number in range(ROUNDS):
        given_at = _run_and_kill(path, given, 1.2 + round_number * 0.17)
        before_last_second = max(
            (count for count, when in given_at[:-1] if when <= given_at[-1][1] - 1.0), default=given
        )
        given = given_at[-1][0]
        raw = sqlite3.connect(path)
        try:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            # The latency, in microseconds, is the number that the child gave the lookup.
            newest = raw.execute("SELECT latency FROM lookups ORDER BY id DESC LIMIT 1").fetchone()[0]
            assert before_last_second <= newest + 2 <= given + 300
            lost = raw.execute(
                "SELECT count(*) FROM lookups LEFT JOIN streams ON streams.id = stream "
                "LEFT JOIN names ON names.id = streams.name LEFT JOIN facts ON facts.id = fact "
                "WHERE names.name IS NULL OR facts.reason IS NULL"
            ).fetchone()
            assert lost == (0,)
            counted = raw.execute("SELECT (SELECT sum(lookups) FROM minutes), (SELECT max(id) FROM lookups)").fetchone()
            assert counted[0] == counted[1]
        finally:
            raw.close()
        assert prepare(path).quarantined is None
    reader = Reader(path)
    assert reader.totals(None, None).lookups == reader.lookups(limit=1).lookups[0].id
    reader.close()


def _run_and_kill(path: Path, given: int, seconds: float) -> list[tuple[int, float]]:
    """(how many lookups were handed over, when), as often as the child could say so before it was killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(given)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(seconds)
    os.kill(child.pid, signal.SIGKILL)
    said = [first, *child.stdout]
    child.stdout.close()
    child.wait(10)
    assert not [line for line in said if line.startswith("health")], said
    return [(int(count), float(when)) for count, when in (line.split() for line in said if line.endswith("\n"))]
