"""A process that records 2,000 lookups a second is killed in the middle: the journal stays whole."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.journal.preparation import prepare
from gateway.journal.reader import Reader
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.integration
ROUNDS = 6

# Says, ten times a second, how many lookups it has handed over so far, and how many the writer counts as recorded.
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
    print(given, writer.counters()["recorded"], flush=True)
    time.sleep(0.1)
"""


def test_a_killed_writer_leaves_a_whole_journal_and_loses_nothing_that_it_counted_as_recorded(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    given = 0
    for round_number in range(ROUNDS):
        before = given
        given, recorded = _run_and_kill(path, given, 1_000 + round_number * 377)
        raw = sqlite3.connect(path)
        try:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            # The latency, in microseconds, is the number that the child gave the lookup.
            newest = raw.execute("SELECT latency FROM lookups ORDER BY id DESC LIMIT 1").fetchone()[0]
            assert before + recorded - 1 <= newest
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


def _run_and_kill(path: Path, given: int, enough: int) -> tuple[int, int]:
    """How many lookups were handed over and how many recorded, as the child said last; `enough` of them, then it is
    killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(given)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert child.stdout is not None
    said = []
    for line in child.stdout:
        said.append(line)
        if not line.startswith("health") and int(line.split()[1]) >= enough:
            os.kill(child.pid, signal.SIGKILL)
            break
    said += child.stdout
    child.stdout.close()
    child.wait(PATIENCE)
    assert not [line for line in said if line.startswith("health")], said
    given, recorded = map(int, [line for line in said if line.endswith("\n")][-1].split())
    return given, recorded
