"""A laboratory whose gateway is bare: the network process is to build the bridge, and televisions ask for addresses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from gateway.control.client import ControlClient
from gateway.errors import Unavailable
from gateway.model.network import NetworkPlan
from gateway.schema.values import to_json
from tests.netns.lab import Lab
from tests.support.processes import is_running
from tests.support.waiting import PATIENCE, wait_until

_ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = """#!/bin/sh
# Never the one that comes with the client: that would write this machine's own resolv.conf.
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip -4 address flush dev "$interface" scope global
ip address add "$ip/$mask" dev "$interface"
ip route replace default via "$router"
echo "$ip $mask $router $dns $domain" > "$LEASE"
"""


class Household:
    """The network process in the gateway of a laboratory. `folder` is short-lived and ours."""

    def __init__(self, lab: Lab, folder: Path, *flags: str) -> None:
        self.lab, self.folder = lab, folder
        self.run_folder, self.state = folder / "run", folder / "state"
        self.client = ControlClient(self.run_folder / "network.sock", 30)
        self.process: subprocess.Popen[str] | None = None
        self._flags = flags
        self.prefix: tuple[str, ...] = ()
        self.python = sys.executable

    def make_bare(self) -> None:
        """Takes away what the laboratory has set up by hand."""
        self.lab.run("gateway", "ip", "link", "del", "br-tv")
        for tv in self.lab.televisions:
            self.lab.run(tv, "ip", "address", "flush", "dev", "eth0", "scope", "global")

    def start(self) -> None:
        self.process = self.lab.start(
            "gateway", *self.prefix, self.python, "-m", "gateway.daemons.network", "--run", str(self.run_folder),
            "--state", str(self.state), *self._flags, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )  # fmt: skip
        wait_until(self.answers)

    def stop(self, number: int = signal.SIGTERM) -> str:
        """Ends our process, nothing else; what it said."""
        assert self.process is not None
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=PATIENCE)
        self.process = None
        return said

    def end(self) -> None:
        """Our process and what it has left running on purpose."""
        if self.process is not None:
            self.stop(signal.SIGKILL)
        for note in self.run_folder.glob("*.pid"):
            try:
                pid = json.loads(note.read_text())["pid"]
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, ValueError):
                continue
            wait_until(lambda pid=pid: not is_running(pid))

    def answers(self) -> bool:
        try:
            self.client.call("status")
        except (Unavailable, OSError):
            return False
        return True

    def apply(self, plan: NetworkPlan) -> dict[str, Any]:
        said = self.client.call("apply", plan=to_json(plan))
        assert isinstance(said, dict)
        return said

    def ask_for_address(self, tv: str, *options: str) -> list[str]:
        """A real DHCP client in the television: address, mask, router, DNS server, domain."""
        script, lease = self.folder / "udhcpc.sh", self.folder / f"{tv}.lease"
        script.write_text(_SCRIPT)
        script.chmod(0o755)
        program = shutil.which("udhcpc") or "/sbin/udhcpc"
        self.lab.run(
            tv, "env", f"LEASE={lease}", program, "-i", "eth0", "-n", "-q", "-f", "-t", "10", "-T", "1",
            "-s", str(script), *options,
        )  # fmt: skip
        return lease.read_text().split()
