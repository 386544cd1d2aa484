"""A program that must run as long as the network stands: started, watched, started again, and found again.

It outlives us on purpose: when this process dies, televisions keep their Wi-Fi and their leases, and the next one takes
the program over. So its words go to a file and not into a pipe, which would break with us.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.errors import NetworkError
from gateway.files import write_atomically

_MOST_LOG = 1 << 20
_MOST_LINES = 200
_FIRST_DELAY, _LONGEST_DELAY, _STEADY = 0.2, 10.0, 30.0
_PATIENCE = 5.0
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Child:
    """`folder` keeps its log and its number. For one thread; `tick` is called a few times a second."""

    def __init__(self, name: str, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.lines: deque[str] = deque(maxlen=_MOST_LINES)
        self.restarts = 0
        self._clock = clock
        self._log = folder / f"{name}.log"
        self._note = folder / f"{name}.pid"
        self._command: tuple[str, ...] = ()
        self._token = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._born = ""
        self._read = 0
        self._started = 0.0
        self._delay = _FIRST_DELAY
        self._again: float | None = None

    @property
    def wanted(self) -> bool:
        return bool(self._command)

    @property
    def pid(self) -> int:
        """0 when it does not run."""
        return self._pid if self._lives() else 0

    def want(self, command: Sequence[str], token: str) -> None:
        """Has it run with this command; one that runs with the same `token` (its configuration) goes on undisturbed.

        Raises NetworkError when it cannot be started.
        """
        same = self._token == token and self._command == tuple(command)
        if not self._command:
            self._adopt(token)
            same = self._token == token
        self._command, self._token = tuple(command), token
        if same and self._lives():
            return
        self._end()
        self._delay, self.restarts, self._again = _FIRST_DELAY, 0, None
        self._start()

    def drop(self) -> None:
        """Ends it for good; also one that an earlier process of ours left."""
        if not self._command:
            self._adopt("")
        self._command, self._token, self._again = (), "", None
        self._end()
        self._note.unlink(missing_ok=True)

    def tick(self) -> None:
        """Reads what it said, and starts it again when it has ended."""
        self._listen()
        if not self._command or self._lives():
            return
        now = self._clock()
        if self._again is None:
            if self._started and now - self._started > _STEADY:
                self._delay = _FIRST_DELAY
            self._again = now + self._delay
            self._delay = min(self._delay * 2, _LONGEST_DELAY)
        elif now >= self._again:
            self._again = None
            self.restarts += 1
            try:
                self._start()
            except NetworkError as error:
                self.lines.append(str(error))

    def _start(self) -> None:
        try:
            handle = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise NetworkError(
                "network.cannot-started", name=self.name, log=self._log, strerror=error.strerror
            ) from None
        self._read = 0
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, start_new_session=True,
                env=_ENVIRONMENT,
            )  # fmt: skip
        except OSError as error:
            raise NetworkError("network.cannot-started-install", name=self.name, strerror=error.strerror) from None
        finally:
            os.close(handle)
        self._pid, self._born, self._started = self._process.pid, _birth(self._process.pid), self._clock()
        said = {"pid": self._pid, "born": self._born, "token": self._token}
        try:
            write_atomically(self._note, [json.dumps(said).encode()], 0o600)
        except OSError as error:
            # Nobody could take it over after us: the next process would start a second one beside it.
            self._end()
            raise NetworkError(
                "network.cannot-started-note", name=self.name, note=self._note, strerror=error.strerror
            ) from None

    def _adopt(self, token: str) -> None:
        """Takes over what an earlier process of ours started, when it still lives."""
        try:
            said = json.loads(self._note.read_bytes()[:4096])
            pid, born, its_token = int(said["pid"]), str(said["born"]), str(said["token"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if pid > 1 and born and _birth(pid) == born:
            self._pid, self._born, self._token, self._process = pid, born, its_token, None
            self._started = self._clock()
            self._read = self._log.stat().st_size if token == its_token and self._log.exists() else 0

    def _lives(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            return False
        return self._pid > 1 and _birth(self._pid) == self._born

    def _end(self) -> None:
        if not self._lives():
            self._pid, self._process = 0, None
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(self._pid, number)
            except ProcessLookupError:
                break
            ends = time.monotonic() + _PATIENCE
            while self._lives() and time.monotonic() < ends:
                time.sleep(0.02)
            if not self._lives():
                break
        self._pid, self._process = 0, None

    def _listen(self) -> None:
        try:
            with self._log.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(min(self._read, size))
                said = file.read(_MOST_LOG)
                self._read = file.tell()
            if size > _MOST_LOG:
                os.truncate(self._log, 0)
                self._read = 0
        except OSError:
            return
        self.lines.extend(line[:500] for line in said.decode("utf-8", "replace").splitlines() if line.strip())


def _birth(pid: int) -> str:
    """When a process began, in the kernel's own ticks (proc(5), stat field 22); "" when there is none or it is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
