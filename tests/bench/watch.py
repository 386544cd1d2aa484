"""A client that looks at what it gets: waits for a server, checks answers under load, measures single latencies."""

from __future__ import annotations

import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import dns.exception
import dns.message
import dns.rcode

from tests.bench.figures import percentile
from tests.bench.workload import Workload, address_of
from tests.support.client import addresses, ask, question

_NULL = "0.0.0.0"
_SO_TIMESTAMPNS = 35


def wrong_with(name: str, blocked: bool, answer: dns.message.Message) -> str | None:
    """What is wrong with an answer, None for nothing; `ask` compared id and question already."""
    if answer.rcode() != dns.rcode.NOERROR:
        return f"{name}: {dns.rcode.to_text(answer.rcode())}"
    expected = [_NULL] if blocked else [address_of(name)]
    return None if addresses(answer) == expected else f"{name}: {addresses(answer)} instead of {expected}"


def wait_until_right(
    server: tuple[str, int], samples: Sequence[tuple[str, bool]], *, check: Callable[[], None], patience: float
) -> float:
    """Seconds until each sample (name, blocked or not) is answered rightly.

    `check` raises when the server is gone. Raises RuntimeError when it takes longer than `patience` seconds.
    """
    began = time.monotonic()
    complaint = "no answer"
    while time.monotonic() - began < patience:
        try:
            found = [wrong_with(name, blocked, ask(name, "A", server, timeout=1.0)) for name, blocked in samples]
        except (TimeoutError, ConnectionError, AssertionError, dns.exception.DNSException) as error:
            complaint = repr(error)
        else:
            wrong = [one for one in found if one]
            if not wrong:
                return time.monotonic() - began
            complaint = wrong[0]
        check()
        time.sleep(0.01)
    raise RuntimeError(f"After {patience:g} s the server still does not answer rightly: {complaint}.")


def latencies(
    server: tuple[str, int], names: Sequence[str], *, rate: float = 2_000.0, patience: float = 3.0
) -> tuple[float, float]:
    """Median and 99th percentile of the seconds that answers take while each name is asked at its own time, `rate` a
    second, whether or not those before are answered.

    What never comes counts as `patience` seconds. An answer has come when the kernel has it, not when this busy client
    looks. Raises RuntimeError when nothing is answered.
    """
    wires = [number.to_bytes(2) + question(name).to_wire()[2:] for number, name in enumerate(names)]
    sent: list[float] = []
    taken: dict[int, float] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.connect(server)
        sock.setblocking(False)
        began = time.time()
        ends = began + len(wires) / rate + patience
        while len(taken) < len(wires) and (now := time.time()) < ends:
            due = began + len(sent) / rate
            if len(sent) < len(wires) and due <= now:
                sent.append(time.time())
                sock.send(wires[len(sent) - 1])
                continue
            readable, _, _ = select.select([sock], [], [], max((due if len(sent) < len(wires) else ends) - now, 0.0))
            if readable:
                reply, notes, _, _ = sock.recvmsg(4096, 64)
                number = int.from_bytes(reply[:2])
                taken.setdefault(number, max(_came(notes) - sent[number], 0.0))
    if not taken:
        raise RuntimeError("Nothing was answered.")
    all_taken = [*taken.values(), *[patience] * (len(wires) - len(taken))]
    return percentile(all_taken, 0.50), percentile(all_taken, 0.99)


def _came(notes: Sequence[tuple[int, int, bytes]]) -> float:
    """When the kernel took a datagram in, in seconds since the epoch (socket(7), SO_TIMESTAMPNS)."""
    for level, kind, data in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("ll", data[:16])
            return float(seconds + nanoseconds * 1e-9)
    return time.time()


def wait_until_open(server: tuple[str, int], *, patience: float = 5.0) -> float:
    """Seconds until anything comes back."""
    began = time.monotonic()
    while time.monotonic() - began < patience:
        try:
            latencies(server, ["www.example"], patience=0.1)
        except (RuntimeError, ConnectionError):
            time.sleep(0.01)
        else:
            return time.monotonic() - began
    raise RuntimeError(f"After {patience:g} s nothing comes back.")


class Checker:
    """Asks and checks `rate` times a second in a thread while somebody else makes the load."""

    def __init__(self, server: tuple[str, int], workload: Workload, *, rate: float = 40.0) -> None:
        self.asked = 0
        self.wrong: list[str] = []
        self._server = server
        self._workload = workload
        self._pause = 1 / rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._check, name="checker", daemon=True)

    def __enter__(self) -> Checker:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(10)

    def _check(self) -> None:
        rng = random.Random(9)
        while not self._over.wait(self._pause):
            name = rng.choice(self._workload.asked)
            self.asked += 1
            try:
                found = wrong_with(name, name in self._workload.blocked, ask(name, "A", self._server, timeout=3.0))
            except (TimeoutError, OSError, AssertionError, dns.exception.DNSException) as error:
                found = f"{name}: {error!r}"
            if found and len(self.wrong) < 100:
                self.wrong.append(found)
