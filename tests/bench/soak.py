"""`python -m tests.bench.soak --minutes 30`: mixed load at a modest rate; leaks, lost answers and log lines as JSON.

Hot names, blocked names, ever new names, several types and spellings, TCP, and a click every few seconds.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.endurance import Pace, Rig, rig, slope
from tests.bench.report import write_json
from tests.bench.workload import allowed_names
from tests.support.client import ask, question

_ANSWER_WITHIN = 5.0
_CLICK_EVERY, _TCP_EVERY = 5.0, 1.0
_HOT = 2_000
_MAX_HOURLY_GROWTH = 20.0


class Load:
    """Questions on their way from one socket, and what came of them."""

    def __init__(self, stage: Rig, seed: int) -> None:
        self._stage = stage
        self._rng = random.Random(seed)
        self._hot = allowed_names(_HOT)
        self._fresh = 0
        self._open: dict[int, tuple[float, str]] = {}
        self._id = 0
        self.outcomes: Counter[str] = Counter()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.connect(stage.server)
        self.sock.setblocking(False)

    def ask_one(self, now: float) -> None:
        kind = self._rng.choices(("hot", "blocked", "new"), (60, 25, 15))[0]
        if kind == "hot":
            name = self._hot[min(int(self._rng.paretovariate(1.1)), _HOT - 1)]
        elif kind == "blocked":
            name = self._rng.choice(self._stage.blocked)
        else:
            self._fresh += 1
            name = f"n{self._fresh}.fresh.example"
        self._id = (self._id + 1) & 0xFFFF
        if self._open.pop(self._id, None) is not None:
            self.outcomes["lost"] += 1
        spelled = name.upper() if self._rng.random() < 0.2 else name
        rtype = self._rng.choices(("A", "AAAA", "HTTPS"), (6, 3, 1))[0]
        edns = 1232 if self._rng.random() < 0.5 else None
        self.sock.send(question(spelled, rtype, edns=edns, message_id=self._id).to_wire())
        self._open[self._id] = (now, kind)
        self.outcomes["asked"] += 1

    def collect(self, now: float) -> None:
        """Takes what has come, and gives up what will not come any more."""
        while True:
            try:
                reply = self.sock.recv(65_535)
            except BlockingIOError:
                break
            if self._open.pop(reply[0] << 8 | reply[1], None) is None:
                self.outcomes["unasked"] += 1
            else:
                self.outcomes["answered" if not reply[3] & 0x0F else f"rcode {reply[3] & 0x0F}"] += 1
        for message_id in [one for one, (asked, _) in self._open.items() if now - asked > _ANSWER_WITHIN]:
            del self._open[message_id]
            self.outcomes["lost"] += 1

    @property
    def waiting(self) -> int:
        return len(self._open)


def soak(stage: Rig, seconds: float, rate: float, seed: int = 1) -> dict[str, Any]:
    """Runs the load for so long; the report."""
    load = Load(stage, seed)
    looks, clicks, tcp = Pace(seconds / 200), Pace(_CLICK_EVERY), Pace(_TCP_EVERY)
    crash: str | None = None
    began, asked = time.monotonic(), 0
    try:
        while (passed := time.monotonic() - began) < seconds:
            while asked < passed * rate:
                load.ask_one(time.monotonic())
                asked += 1
            load.collect(time.monotonic())
            if clicks.due(passed):
                _click(stage, load.outcomes)
            if tcp.due(passed):
                load.outcomes["tcp"] += ask("www0.shop-0.example", "A", stage.server, tcp=True).rcode() == 0
            if looks.due(passed):
                stage.look(passed / 3600)
            time.sleep(0.002)
        while load.waiting and time.monotonic() - began < seconds + _ANSWER_WITHIN + 1:
            load.collect(time.monotonic())
            time.sleep(0.01)
    except (RuntimeError, ConnectionError, TimeoutError) as error:
        crash = repr(error)
    finally:
        load.sock.close()
    counters = {} if crash else stage.counters()
    return {
        "seconds": round(time.monotonic() - began, 1),
        "rate": rate,
        "crash": crash,
        "outcomes": dict(load.outcomes),
        "lost": load.outcomes["lost"] + load.waiting,
        "resident_mb": [[round(at * 3600, 1), round(mb, 2)] for at, mb in stage.memory],
        "resident_mb_per_hour": round(slope(stage.memory), 2),
        "counters": counters,
        "log_lines": stage.log_lines(),
    }


def complaints(report: dict[str, Any]) -> list[str]:
    """What must not be; a short run says nothing about growth."""
    said = [f"it crashed: {report['crash']}"] if report["crash"] else []
    said += [f"{report['lost']} questions were not answered"] if report["lost"] else []
    said += [f"{n} answers were {kind}" for kind, n in report["outcomes"].items() if kind.startswith(("rcode", "un"))]
    said += [f"{report['counters'][name]} {name}" for name in ("errors", "log_dropped") if report["counters"].get(name)]
    if report["seconds"] > 600 and report["resident_mb_per_hour"] > _MAX_HOURLY_GROWTH:
        said.append(f"memory grows by {report['resident_mb_per_hour']} MB an hour")
    return said + [f"in the log: {line}" for line in report["log_lines"][:5]]


def _click(stage: Rig, outcomes: Counter[str]) -> None:
    """Blocks a hot name and takes that back: each time everything prepared has to be decided anew."""
    rule = stage.control.call("rules.add", action="block", name="www1.shop-1.example", made_by="soak")
    stage.control.call("rules.remove", id=rule["id"])
    outcomes["clicks"] += 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 when anything was not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=500.0, help="queries a second (default 500)")
    parser.add_argument("--names", type=int, default=100_000, help="names on the block list (default 100000)")
    parser.add_argument("--json", type=Path, help="write the report here")
    options = parser.parse_args(arguments)
    with rig(options.names) as stage:
        report = soak(stage, options.minutes * 60, options.rate)
    if options.json is not None:
        write_json(options.json, report)
    wrong = complaints(report)
    print(json.dumps({**report, "resident_mb": report["resident_mb"][:: max(1, len(report["resident_mb"]) // 10)]}))
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
