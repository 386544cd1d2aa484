"""Starting servers on a core of their own, and reading what they used."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.bench.figures import Stat, family, parse_stat, ticks

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process:
    """A server and its children, pinned to `core`; what it says goes to `log`. Use it as a context manager."""

    def __init__(self, name: str, command: Sequence[str], *, core: int, log: Path, cwd: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as out:
            self._child = subprocess.Popen(
                ["taskset", "-c", str(core), *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=cwd,
                # As at home, where modules are compiled once: else a start is mostly compiling.
                env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self, *, patience: float = 10.0) -> None:
        """Ends the server and everything that it started: SIGTERM, then SIGKILL, to its own session only."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(patience)
                break
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)

    def check(self) -> None:
        """Raises RuntimeError, with its last words, when the server has ended."""
        if self._child.poll() is not None:
            words = self.log.read_text(encoding="utf-8", errors="replace").strip()[-600:]
            raise RuntimeError(f"{self.name} ended with status {self._child.returncode}: {words or 'it said nothing'}")

    def cpu_seconds(self) -> float:
        return ticks(family(_all_stats(), self._child.pid)) * _TICK

    def resident_bytes(self, part: str = "") -> int:
        """Resident memory of the whole family, or of those with `part` in their command line; what its members share
        counts once for each.
        """
        total = 0
        for pid in family(_all_stats(), self._child.pid):
            with suppress(OSError):
                if part.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    continue
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        return total

    def settled_cpu_seconds(self, *, quiet: float = 0.4, patience: float = 5.0) -> float:
        """CPU once nothing more is being worked off: a log writer that lags behind is counted too."""
        deadline = time.monotonic() + patience
        last = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(quiet)
            now = self.cpu_seconds()
            if now - last <= 2 * _TICK:
                return now
            last = now
        return last


def _all_stats() -> list[Stat]:
    stats = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError, ValueError, IndexError):
                stats.append(parse_stat(Path(f"/proc/{entry}/stat").read_text(errors="replace")))
    return stats


def written_bytes(folder: Path) -> int:
    """What lies in a server's folder: configuration and, as the proof that it logs, its log."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
