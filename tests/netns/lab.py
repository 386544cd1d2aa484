"""The television laboratory: televisions, a gateway with a bridge, and an internet, each a network namespace.

    tv1 (10.42.0.11, fd42::11) --+
                                 +-- br-tv [gateway] wan0 -- eth0 [internet: owns 8.8.8.8, 203.0.113.0/24, ...]
    tv2 (10.42.0.12, fd42::12) --+           home network 192.168.77.0/24, 2001:db8:18::/64; laptop .20

    with Lab(televisions=2) as lab:
        with lab.inside("gateway"): FirewallController(folder).apply(lab.plan())
        with lab.inside("tv1"): ask("8.8.8.8")

No packet leaves the namespaces. Their names are this run's own, and they go when the block ends. A socket stays in the
namespace that it was made in, so servers here are threads of the test.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface, IPv6Interface, ip_address
from pathlib import Path
from typing import Any

import pytest

from gateway.model.network import Barrier, Mode, NetworkPlan, TvNetwork

BRIDGE_MAC = "02:42:00:00:00:00"
GATEWAY4, GATEWAY6 = "10.42.0.1", "fd42::1"
OUTSIDE4, OUTSIDE6 = "192.168.77.2", "2001:db8:18::2"
LAPTOP4, LAPTOP6 = "192.168.77.20", "2001:db8:18::20"
SERVER4, SERVER6 = "203.0.113.10", "2001:db8:99::10"
RESOLVERS4 = ("8.8.8.8", "1.1.1.1", "9.9.9.9")
RESOLVERS6 = ("2001:4860:4860::8888", "2620:fe::fe")
STRANGER4, STRANGER6 = "198.51.100.53", "2001:db8:99::53"
"""A resolver that nobody has listed."""

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def why_not() -> str | None:
    """Why there can be no laboratory here, or None."""
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    missing = [program for program in ("ip", "nft") if shutil.which(program) is None]
    return f"{', '.join(missing)} not installed: deploy/setup.sh test" if missing else None


def run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, input=text, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


def sent_again() -> int:
    """How many TCP segments, the first ones of connections among them, this thread's namespace had to repeat."""
    lines = Path("/proc/thread-self/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Tcp:"))
    return int(values[names.index("RetransSegs")])


class Lab:
    """`names` maps "gateway", "internet", "tv1" .. to the namespaces' real names."""

    def __init__(self, televisions: int = 2, tag: str | None = None) -> None:
        self.televisions = [f"tv{number}" for number in range(1, televisions + 1)]
        self.tag = tag or f"telltale-lab-{uuid.uuid4().hex[:8]}"
        self.names = {role: f"{self.tag}-{role}" for role in ("gateway", "internet", *self.televisions)}

    def __enter__(self) -> Lab:
        if reason := why_not():
            pytest.skip(reason)
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in self.names.values():
            for pid in self._run_quietly("ip", "netns", "pids", name).split():
                self._run_quietly("kill", "-9", pid)
        self._run_quietly("ip", "-force", "-batch", "-", text=self._lines("netns del {}"))

    @contextmanager
    def inside(self, role: str) -> Iterator[None]:
        """This thread, and what it starts, live in that namespace."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/run/netns/{self.names[role]}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(there)
            yield
        finally:
            _enter(home)
            os.close(there)
            os.close(home)

    def run(self, role: str, *command: str, text: str | None = None) -> str:
        return run("ip", "netns", "exec", self.names[role], *command, text=text)

    def start(self, role: str, *command: str, **options: Any) -> subprocess.Popen[str]:
        """Whoever starts it ends it; what is forgotten dies with the laboratory."""
        return subprocess.Popen(("ip", "netns", "exec", self.names[role], *command), text=True, **options)

    def plan(self, tv: dict[str, Any] | None = None, **barrier: Any) -> NetworkPlan:
        """The laboratory's plan; `tv` and `barrier` change parts of it."""
        network = TvNetwork(
            "br-tv",
            IPv4Interface(f"{GATEWAY4}/24"),
            IPv6Interface(f"{GATEWAY6}/64"),
            ip_address("10.42.0.100"),
            ip_address("10.42.0.199"),
            ports=tuple(f"port-{name}" for name in self.televisions),
        )
        known = tuple(ip_address(text) for text in (*RESOLVERS4, *RESOLVERS6))
        walls = dataclasses.replace(Barrier(resolvers=known), **barrier)
        return NetworkPlan(Mode.WIRED, "wan0", dataclasses.replace(network, **(tv or {})), None, walls)

    def mac(self, name: str) -> str:
        return f"02:42:00:00:00:{10 + int(name.removeprefix('tv')):02x}"

    def address(self, name: str, version: int = 4) -> str:
        number = 10 + int(name.removeprefix("tv"))
        return f"10.42.0.{number}" if version == 4 else f"fd42::{number}"

    def _lines(self, pattern: str) -> str:
        return "\n".join(pattern.format(name) for name in self.names.values()) + "\n"

    def _run_quietly(self, *command: str, text: str | None = None) -> str:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, input=text, check=False).stdout

    def _build(self) -> None:
        names = self.names
        batch = [f"netns add {name}" for name in names.values()]
        batch.append(
            f"link add wan0 netns {names['gateway']} type veth peer name eth0 netns {names['internet']}",
        )
        batch += [
            f"link add port-{tv} netns {names['gateway']} type veth peer name eth0 netns {names[tv]}"
            for tv in self.televisions
        ]
        run("ip", "-batch", "-", text="\n".join(batch) + "\n")
        self._inside_batch(
            "gateway",
            "link set lo up",
            f"link add br-tv address {BRIDGE_MAC} type bridge",
            "link set br-tv up",
            *(f"link set port-{tv} master br-tv up" for tv in self.televisions),
            "link set wan0 up",
            f"addr add {GATEWAY4}/24 dev br-tv",
            f"addr add {GATEWAY6}/64 dev br-tv nodad",
            f"addr add {OUTSIDE4}/24 dev wan0",
            f"addr add {OUTSIDE6}/64 dev wan0 nodad",
            "route add default via 192.168.77.1",
            "route add ::/0 via 2001:db8:18::1",
        )
        self._inside_batch(
            "internet",
            "link set lo up",
            "link set eth0 up",
            "addr add 192.168.77.1/24 dev eth0",
            f"addr add {LAPTOP4}/24 dev eth0",
            "addr add 2001:db8:18::1/64 dev eth0 nodad",
            f"addr add {LAPTOP6}/64 dev eth0 nodad",
            *(f"addr add {address}/32 dev lo" for address in (*RESOLVERS4, STRANGER4)),
            *(f"addr add {address}/128 dev lo nodad" for address in (*RESOLVERS6, STRANGER6, SERVER6)),
            "route add local 203.0.113.0/24 dev lo",
        )
        for tv in self.televisions:
            self._inside_batch(
                tv,
                "link set lo up",
                f"link set eth0 address {self.mac(tv)} up",
                f"addr add {self.address(tv)}/24 dev eth0",
                f"addr add {self.address(tv, 6)}/64 dev eth0 nodad",
                f"route add default via {GATEWAY4}",
                f"route add ::/0 via {GATEWAY6}",
            )

    def _inside_batch(self, role: str, *lines: str) -> None:
        run("ip", "-n", self.names[role], "-batch", "-", text="\n".join(lines) + "\n")


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
