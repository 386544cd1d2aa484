"""The whole box in a laboratory's gateway: the real resolver plans, the real network process builds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from gateway.control.client import ControlClient
from gateway.errors import ControlError
from gateway.journal.reader import Reader
from tests.netns.household import Household
from tests.netns.lab import Lab

_SETTINGS = """
[network]
mode = "wired"
uplink = "wan0"
ports = [{ports}]
address = "10.83.7.1/24"
domain = "tv.lan"
fallback = ["9.9.9.9"]
fail_closed = {fail_closed}
socket = "{socket}"
static = [{{ mac = "02:42:00:00:00:0b", address = "10.83.7.20", name = "salon" }}]
"""


class Box(Household):
    """Both processes, as on a real box but for systemd."""

    def __init__(self, lab: Lab, folder: Path, *, fail_closed: bool = False) -> None:
        super().__init__(lab, folder)
        self.data = folder / "data"
        self.data.mkdir()
        text = _SETTINGS.format(
            socket=self.run_folder / "network.sock",
            ports=", ".join(f'"port-{tv}"' for tv in lab.televisions),
            fail_closed=str(fail_closed).lower(),
        )
        (self.data / "settings.toml").write_text(text)
        self.control = ControlClient(self.data / "control.sock", 20)
        self.resolver: subprocess.Popen[str] | None = None

    def start_resolver(self) -> None:
        self.resolver = self.lab.start(
            "gateway", sys.executable, "-m", "gateway.daemons.resolver", "--data", str(self.data),
            "--dns", "0.0.0.0:53", "--dns", "[::]:53", "--upstream", "udp://9.9.9.9",
        )  # fmt: skip

    def kill_resolver(self) -> None:
        if self.resolver is not None:
            self.resolver.kill()
            self.resolver.wait()
            self.resolver = None

    def network(self) -> dict[str, Any]:
        try:
            said = self.control.call("network.status")
        except ControlError:
            return {}
        return dict(said)

    def stands(self) -> bool:
        """The plan is in force, and who speaks to us is filtered."""
        return self.network().get("mode") == "wired" and self.network().get("filtering") is True

    def block(self, name: str) -> None:
        """The click: this name and everything below it, for everybody."""
        self.control.call("rules.add", action="block", name=name, subtree=True)

    def reader(self) -> Reader:
        """The journal, as the dashboard reads it."""
        return Reader(self.data / "journal.sqlite")

    def dig(self, *words: str) -> str:
        """One try of half a second, from the television."""
        done = subprocess.run(
            ("ip", "netns", "exec", self.lab.names["tv1"], "dig", "+short", "+time=1", "+tries=1", *words),
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        return done.stdout.strip() if done.returncode == 0 else ""
