"""What the long runs share: a resolver process of its own with an instant authority, and an eye on its memory."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.control.client import ControlClient
from tests.bench.processes import Process
from tests.bench.watch import wait_until_right
from tests.bench.workload import allowed_names, block_list
from tests.support.ports import free_port

_ROOT = Path(__file__).resolve().parents[2]
_MB = 1e6


@dataclass
class Rig:
    """`server` answers DNS; `blocked` are names on its list; `memory` grows by a sample with each `look`."""

    process: Process
    server: tuple[str, int]
    control: ControlClient
    blocked: list[str]
    memory: list[tuple[float, float]] = field(default_factory=list)

    def look(self, at: float) -> None:
        """One sample of resident megabytes; `at` counts whatever the run counts. Raises RuntimeError if it is gone."""
        self.process.check()
        self.memory.append((at, self.process.resident_bytes() / _MB))

    def counters(self) -> dict[str, Any]:
        counters: dict[str, Any] = self.control.call("status")["counters"]
        return counters

    def log_lines(self) -> list[str]:
        text = self.process.log.read_text(encoding="utf-8", errors="replace")
        return [line for line in text.splitlines() if line.strip()]


@contextmanager
def rig(names: int) -> Iterator[Rig]:
    """A resolver with that many blocked names, answering rightly; gone again afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="telltale-endurance-")))
        blocked = list(block_list(names))
        (folder / "blocked.txt").write_text("\n".join(blocked) + "\n", encoding="ascii")
        authority, port = free_port(), free_port()
        command = [sys.executable, "-m", "tests.bench.authority", str(authority)]
        stack.enter_context(Process("the authority", command, core=1, log=folder / "authority.log", cwd=_ROOT))
        command = [
            sys.executable, "-m", "gateway.daemons.resolver", "--data", str(folder / "data"),
            "--dns", f"127.0.0.1:{port}", "--web", f"127.0.0.1:{free_port()}",
            "--upstream", f"udp://127.0.0.1:{authority}", "--list", str(folder / "blocked.txt"),
        ]  # fmt: skip
        process = Process("the resolver", command, core=0, log=folder / "resolver.log", cwd=_ROOT)
        stack.enter_context(process)
        server = ("127.0.0.1", port)
        samples = [(blocked[0], True), (blocked[-1], True), (allowed_names(1)[0], False)]
        wait_until_right(server, samples, check=process.check, patience=120.0)
        yield Rig(process, server, ControlClient(folder / "data" / "control.sock"), blocked)


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """How much the second value grows with each unit of the first, over the later half of the samples (least squares).

    The earlier half fills caches. 0 for fewer than four samples.
    """
    later = samples[len(samples) // 2 :]
    if len(samples) < 4:
        return 0.0
    mean_x = sum(x for x, _ in later) / len(later)
    mean_y = sum(y for _, y in later) / len(later)
    spread = sum((x - mean_x) ** 2 for x, _ in later)
    return sum((x - mean_x) * (y - mean_y) for x, y in later) / spread if spread else 0.0


class Pace:
    """Says every `step` that it is time again; beginning at once."""

    def __init__(self, step: float) -> None:
        self._step = step
        self._next = 0.0

    def due(self, at: float) -> bool:
        if at < self._next:
            return False
        self._next = at + self._step
        return True
