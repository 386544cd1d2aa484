"""The real unbound, forwarding everything to a server of ours; Debian's package `unbound`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import dns.exception

from tests.support.box import free_port
from tests.support.client import ask
from tests.support.waiting import wait_until

UNBOUND = Path(shutil.which("unbound") or "/usr/sbin/unbound")
MISSING = "unbound is not installed (Debian: apt-get install unbound)"


class RunningUnbound:
    """Use it as a context manager. `server` are lines of its section of that name; `known` is a name that it can look
    up once it runs.
    """

    def __init__(self, folder: Path, upstream_port: int, *, server: str = "", known: str = "plain.example") -> None:
        self.address = ("127.0.0.1", free_port())
        self._folder = folder
        self._upstream_port = upstream_port
        self._server = server
        self._known = known
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"udp://127.0.0.1:{self.address[1]}"

    def __enter__(self) -> RunningUnbound:
        config = self._folder / "unbound.conf"
        config.write_text(
            f"""server:
  interface: 127.0.0.1
  port: {self.address[1]}
  username: ""
  chroot: ""
  directory: "{self._folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
{self._server}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{self._upstream_port}
""",
            encoding="utf-8",
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(UNBOUND), "-d", "-p", "-c", str(config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        try:
            wait_until(self._answers, "unbound answers", ignoring=(TimeoutError, ConnectionError))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            ask(self._known, server=self.address, timeout=1.0)
        except dns.exception.DNSException:
            return False
        return True
