"""Who holds a port of this machine, read from /proc (proc_pid_net(5))."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

_LISTENING = {"tcp": "0A", "udp": "07"}


@dataclass(frozen=True, slots=True)
class Holder:
    """`program` is empty when we may not know it: only root sees the processes of others."""

    transport: str
    address: str
    port: int
    program: str
    pid: int | None

    def __str__(self) -> str:
        who = f"{self.program} (process {self.pid})" if self.program else "another program"
        return f"{who} on {f'[{self.address}]' if ':' in self.address else self.address}:{self.port}"


def holders(port: int, transport: str, proc: Path = Path("/proc")) -> list[Holder]:
    """Everybody who listens on this port; `transport` is "udp" or "tcp"."""
    found = []
    for family in (transport, transport + "6"):
        for address, inode in _listening(proc / "net" / family, port, _LISTENING[transport]):
            pid, program = _owner(proc, inode)
            found.append(Holder(transport, address, port, program, pid))
    return found


def _listening(table: Path, port: int, state: str) -> Iterator[tuple[str, str]]:
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        words = line.split()
        with suppress(IndexError, ValueError):
            address, _, number = words[1].rpartition(":")
            if int(number, 16) == port and words[3] == state:
                yield _address(address), words[9]


def _address(text: str) -> str:
    """The kernel prints each 32-bit word in the order of this machine."""
    raw = b"".join(int(text[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(text), 8))
    return str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw))


def _owner(proc: Path, inode: str) -> tuple[int | None, str]:
    wanted = f"socket:[{inode}]"
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            for descriptor in (entry / "fd").iterdir():
                with suppress(OSError):
                    if os.readlink(descriptor) == wanted:
                        return int(entry.name), (entry / "comm").read_text(errors="replace").strip()
    return None, ""
