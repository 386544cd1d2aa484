"""A whole Telltale, started as a person starts it, on loopback addresses and ports of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from gateway.control.client import ControlClient
from gateway.control.places import ControlPlaces
from gateway.errors import ControlError
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE, wait_until


class RunningBox:
    """`telltale up` (or another verb) as a child process; `with` waits until it answers, and stops it.

    `expects` are texts that lines of its log may contain; any other line that it writes to standard error fails the
    test when the box is left.
    """

    def __init__(
        self,
        data: Path,
        flags: Sequence[str] = (),
        *,
        verb: str = "up",
        expects: Sequence[str] = (),
        python: Sequence[str] = (sys.executable,),
        stands_in: Path | None = None,
    ) -> None:
        self.data = data
        self.dns = ("127.0.0.1", free_port())
        self.web = ("127.0.0.1", free_port())
        self.control = ControlClient(ControlPlaces(data))
        self._flags = flags
        self._verb = verb
        self._expects = expects
        self._python = python
        self._stands_in = stands_in
        self._errors = data.with_name(data.name + ".log")
        self.output = data.with_name(data.name + ".out")
        self._token = ""
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> RunningBox:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        lines = self.log_lines()
        surprises = [line for line in lines if not any(text in line for text in self._expects)]
        if kind is None:
            assert not surprises, f"unexpected in the log: {surprises}"
        elif surprises:
            print("\n".join(surprises))

    def start(self) -> None:
        arguments = ["--data", str(self.data), "--dns", self._spell(self.dns), "--web", self._spell(self.web)]
        with self._errors.open("ab") as errors, self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*self._python, "-m", "gateway.cli", self._verb, *arguments, *self._flags],
                cwd=self._stands_in,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        self.wait_until_up()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(2 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
            raise

    def wait_until_up(self) -> None:
        """Until the control socket and the dashboard answer."""

        def up() -> bool:
            assert self.process.poll() is None, f"it ended: {self.log_lines()}"
            self.control.call("status")
            return self.get("/healthz", token=None)[0] == 200

        wait_until(up, "it comes up", ignoring=(ControlError, OSError), shows=self.log_lines)

    @property
    def token(self) -> str:
        """A bearer token, made as a person makes one."""
        if not self._token:
            made = subprocess.run(
                [sys.executable, "-m", "gateway.cli", "token", "--data", str(self.data)],
                check=True,
                capture_output=True,
                text=True,
            )
            self._token = made.stdout.strip()
        return self._token

    def get(self, path: str, token: str | None = "") -> tuple[int, Any]:
        return self.request("GET", path, token=token)

    def request(self, method: str, path: str, body: Any = None, token: str | None = "") -> tuple[int, Any]:
        """(status, JSON body or text). An empty token means ours, None means without."""
        connection = http.client.HTTPConnection(*self.web, timeout=15)
        headers = {} if token is None else {"Authorization": f"Bearer {token or self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            kind = answer.getheader("Content-Type", "")
            return answer.status, json.loads(content) if "json" in kind else content.decode()
        finally:
            connection.close()

    def resolver_pid(self) -> int:
        """The process that answers DNS."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            if b"gateway.daemons.resolver" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        raise ProcessLookupError("no resolver runs")

    def kill_resolver(self) -> int:
        """Pulls the plug on the resolver's process alone; its process id."""
        pid = self.resolver_pid()
        os.kill(pid, signal.SIGKILL)
        return pid

    def log_lines(self) -> list[str]:
        return [line for line in self._errors.read_text(errors="replace").splitlines() if line.strip()]

    @staticmethod
    def _spell(address: tuple[str, int]) -> str:
        return f"{address[0]}:{address[1]}"
