"""This machine, as the network process touches it: programs that run and end, and what /sys tells."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from gateway.errors import NetworkError
from gateway.network.links import SHOW_LINKS, SHOW_ROUTES, SHOW_ROUTES6, NetworkLink, parse_links
from gateway.network.radio import can_isolate, explain_switch

_PATIENCE = 15.0
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_NET = Path("/sys/class/net")
_RFKILL = Path("/sys/class/rfkill")


def run(command: Sequence[str]) -> str:
    """What a program prints. Never a shell. Raises NetworkError with its own last words."""
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, timeout=_PATIENCE, env=_ENVIRONMENT, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise NetworkError("network.program-missing-install-package", command=f"{command[0]}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NetworkError("network.program-did-not", command=f"{command[0]}", error=error) from None
    if done.returncode:
        lines = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        said = lines[-1][:200] if lines else f"status {done.returncode}"
        raise NetworkError("network.failed", join=f"{' '.join(command)[:120]}", said=said)
    return done.stdout.decode("utf-8", "replace")


def look_at_links() -> list[NetworkLink]:
    """Every link but loopback. Raises NetworkError."""
    wireless, physical = set(), set()
    for folder in _NET.glob("*") if _NET.is_dir() else ():
        if (folder / "phy80211").exists() or (folder / "wireless").exists():
            wireless.add(folder.name)
        if (folder / "device").exists():
            physical.add(folder.name)
    routes = (run(SHOW_ROUTES), run(SHOW_ROUTES6))
    return parse_links(run(SHOW_LINKS), routes, wireless=wireless, physical=physical)


def look_at_hairpin(interface: str, folder: Path = _NET) -> bool | None:
    """Whether its bridge gives back through this link what came in there; None when it hangs on no bridge."""
    try:
        return (folder / interface / "brport" / "hairpin_mode").read_text().strip() == "1"
    except OSError:
        return None


def hands_on_by_itself(interface: str, folder: Path = _NET) -> bool:
    """Whether this radio gives on what one station says to another, and does not show it to us. False where nobody can
    say.
    """
    try:
        phy = (folder / interface / "phy80211" / "name").read_text().strip()
        return not can_isolate(run(("iw", "phy", phy, "info")))
    except (OSError, NetworkError):
        return False


def look_at_switches(folder: Path = _RFKILL) -> str | None:
    """What keeps the Wi-Fi switched off, in one sentence; None when nothing does."""
    for switch in sorted(folder.glob("*")) if folder.is_dir() else ():
        try:
            if (switch / "type").read_text().strip() != "wlan":
                continue
            said = explain_switch(*(((switch / name).read_text().strip() == "1") for name in ("soft", "hard")))
        except OSError:
            continue
        if said:
            return said
    return None
