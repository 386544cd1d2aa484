"""A quiet device beside a flood: `python -m tests.bench.fairness HOST PORT TAG` asks for 98,900 new names from 100
addresses, 20,000 a second, whoever answers; `beside_many` has 40 new names asked meanwhile."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import percentile
from tests.support.client import question

FLOOD, SOURCES, RATE = 98_900, 100, 20_000.0
QUIET, QUIET_RATE, PATIENCE = 40, 12.0, 3.0
_QUIET_ADDRESS = "127.0.0.77"


@dataclass(frozen=True)
class Fairness:
    """How many of the quiet device's names were answered beside the flood; the 99th percentiles of its answers in
    milliseconds, alone and beside it. What is lost counts as three seconds.
    """

    answered: int
    alone_ms: float
    beside_ms: float


def beside_many(server: tuple[str, int], tag: str, root: Path) -> Fairness:
    """Both in one go: first alone, then beside the flood."""
    _, alone = _ask(server, f"{tag}-alone")
    flood = subprocess.Popen([sys.executable, "-m", "tests.bench.fairness", server[0], str(server[1]), tag], cwd=root)
    try:
        time.sleep(0.5)
        answered, beside = _ask(server, f"{tag}-quiet")
    finally:
        flood.wait(60)
    return Fairness(answered, alone * 1e3, beside * 1e3)


def _ask(server: tuple[str, int], tag: str) -> tuple[int, float]:
    """How many of 40 new names were answered, and the 99th percentile in seconds; each is asked once."""
    taken: dict[int, float] = {}
    sent: list[float] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((_QUIET_ADDRESS, 0))
        sock.connect(server)
        began = time.monotonic()
        while len(taken) < QUIET and (now := time.monotonic()) < began + QUIET / QUIET_RATE + PATIENCE:
            due = began + len(sent) / QUIET_RATE
            if len(sent) < QUIET and due <= now:
                sock.send(len(sent).to_bytes(2) + question(f"n{len(sent)}.{tag}.example").to_wire()[2:])
                sent.append(now)
                continue
            if select.select([sock], [], [], max(due - now, 0.0) if len(sent) < QUIET else 0.1)[0]:
                number = int.from_bytes(sock.recv(4096)[:2])
                taken.setdefault(number, time.monotonic() - sent[number])
    return len(taken), percentile([*taken.values(), *[PATIENCE] * (QUIET - len(taken))], 0.99)


def flood(server: tuple[str, int], tag: str) -> None:
    """Asks, and listens to nobody."""
    sockets = []
    for number in range(SOURCES):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((f"127.0.2.{number + 1}", 0))
        sock.connect(server)
        sockets.append(sock)
    head, _, tail = question(f"n00000.{tag}.example").to_wire().partition(b"n00000")
    began = time.monotonic()
    for number in range(FLOOD):
        if number % 50 == 0:
            time.sleep(max(began + number / RATE - time.monotonic(), 0.0))
        try:
            sockets[number % SOURCES].send(head + b"n%05d" % number + tail)
        except OSError:
            continue
    for sock in sockets:
        sock.close()


def main(arguments: Sequence[str]) -> int:
    host, port, tag = arguments
    flood((host, int(port)), tag)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
