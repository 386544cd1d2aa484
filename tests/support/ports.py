"""Ports that a test may choose now and use later."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from random import Random

_OURS = range(10_240, 32_000)
"""Below Linux's ephemeral range (32768 and up): neither an outgoing connection nor another's `bind` to port 0 takes one
of these in between, and who connects before a server listens does not meet himself (TCP simultaneous open)."""
_RANDOM = Random()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP."""
    udp, tcp = bind_pair(host)
    with udp, tcp:
        return int(udp.getsockname()[1])


def bind_pair(host: str = "127.0.0.1", port: int = 0) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket bound to one port, this one or any; OSError when it is taken. Not listening yet."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert lowest >= _OURS.stop, "this machine's ephemeral ports begin lower than Linux's own"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for chosen in [port] if port else _RANDOM.sample(_OURS, 50):
        with ExitStack() as closing:
            udp = closing.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            tcp = closing.enter_context(socket.socket(family, socket.SOCK_STREAM))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                udp.bind((host, chosen))
                tcp.bind((host, chosen))
            except OSError:
                if port:
                    raise
                continue
            closing.pop_all()
            return udp, tcp
    raise OSError(f"No port of {host} is free for both UDP and TCP.")
