"""`python -m tests.bench.replay --millions 10`: a fuzz corpus against a running resolver; crashes and memory as JSON.

The corpus is made once (same seed, same datagrams) and recorded with `--corpus FILE`; a file that is there is replayed.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.endurance import Pace, Rig, rig, slope
from tests.bench.report import write_json
from tests.bench.workload import allowed_names
from tests.support.client import question
from tests.support.datagrams import MALFORMED, captured_in, good_queries, good_responses, mutants

_BURST = 32
_FENCE_PATIENCE = 2.0
_FENCE_TRIES = 5
CORPUS = 50_000


def record(count: int, seed: int, captures: Path | None) -> list[bytes]:
    """That many datagrams: every seed once, then mutants of them."""
    seeds = [*good_queries(), *good_responses(), *MALFORMED.values()]
    if captures is not None:
        seeds += [wire for wires in captured_in(captures).values() for wire in wires]
    return [*seeds, *mutants(seeds, max(count - len(seeds), 0), seed)]


def write_corpus(path: Path, corpus: Sequence[bytes]) -> None:
    path.write_bytes(b"".join(len(wire).to_bytes(2) + wire for wire in corpus))


def read_corpus(path: Path) -> list[bytes]:
    data, at, corpus = path.read_bytes(), 0, []
    while at + 2 <= len(data):
        length = int.from_bytes(data[at : at + 2])
        corpus.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return corpus


def replay(stage: Rig, corpus: Sequence[bytes], count: int) -> dict[str, Any]:
    """Sends `count` datagrams, over and over, and a question that must be answered behind every 32 of them."""
    before = stage.counters()["queries_udp"]
    sent = lost = fences = 0
    looks, began = Pace(count / 200), time.monotonic()
    crash: str | None = None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.connect(stage.server)
        try:
            while sent < count:
                for _ in range(min(_BURST, count - sent)):
                    sock.send(corpus[sent % len(corpus)])
                    sent += 1
                fences += 1
                lost += not _fence(sock, fences)
                if looks.due(sent):
                    stage.look(sent / 1e6)
        except (RuntimeError, ConnectionRefusedError) as error:
            crash = str(error)
    seconds = time.monotonic() - began
    after: dict[str, Any] = {} if crash else stage.counters()
    return {
        "datagrams": sent,
        "received": after.get("queries_udp", before) - before - fences,
        "seconds": round(seconds, 2),
        "per_second": round(sent / seconds),
        "crash": crash,
        "lost_fences": lost,
        "faults": after.get("errors", 0),
        "resident_mb": [[round(at, 4), round(mb, 2)] for at, mb in stage.memory],
        "resident_mb_per_million": round(slope(stage.memory), 3),
        "counters": after,
        "log_lines": stage.log_lines(),
    }


def complaints(report: dict[str, Any]) -> list[str]:
    """What must not be."""
    said = [f"it crashed: {report['crash']}"] if report["crash"] else []
    said += [f"{report['lost_fences']} good questions were not answered"] if report["lost_fences"] else []
    said += [f"{report['faults']} queries met a fault"] if report["faults"] else []
    return said + [f"in the log: {line}" for line in report["log_lines"][:5]]


def _fence(sock: socket.socket, number: int) -> bool:
    """Asks for a known name and reads everything that waits until its answer comes."""
    message_id = number & 0xFFFF
    wire = question(allowed_names(1)[0], message_id=message_id).to_wire()
    head = message_id.to_bytes(2)
    sock.settimeout(_FENCE_PATIENCE)
    for _ in range(_FENCE_TRIES):
        sock.send(wire)
        try:
            while True:
                reply = sock.recv(65_535)
                if reply[:2] == head and reply[12 : len(wire)] == wire[12:]:
                    return True
        except TimeoutError:
            continue
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 when anything was not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.replay", description=__doc__)
    parser.add_argument("--millions", type=float, default=10.0, help="how many datagrams (default 10)")
    parser.add_argument("--corpus", type=Path, help="replay this file; it is recorded when it is not there")
    parser.add_argument("--captures", type=Path, help="a folder of captures whose datagrams become seeds, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--names", type=int, default=1_000, help="names on the block list (default 1000)")
    parser.add_argument("--json", type=Path, help="write the report here")
    options = parser.parse_args(arguments)
    if options.corpus is not None and options.corpus.exists():
        corpus = read_corpus(options.corpus)
    else:
        corpus = record(CORPUS, options.seed, options.captures)
        if options.corpus is not None:
            write_corpus(options.corpus, corpus)
    with rig(options.names) as stage:
        report = {"corpus": len(corpus), **replay(stage, corpus, int(options.millions * 1e6))}
    if options.json is not None:
        write_json(options.json, report)
    wrong = complaints(report)
    print(json.dumps({**report, "resident_mb": report["resident_mb"][:: max(1, len(report["resident_mb"]) // 10)]}))
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
