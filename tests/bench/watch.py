"""A client that looks at what it gets: waits for a server, checks answers under load, measures single latencies."""

from __future__ import annotations

import random
import socket
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
        time.sleep(0.1)
    raise RuntimeError(f"After {patience:g} s the server still does not answer rightly: {complaint}.")


def latencies(server: tuple[str, int], workload: Workload, *, count: int) -> tuple[float, float]:
    """Median and 99th percentile of the seconds that one query at a time takes, our own reading left out."""
    taken = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3.0)
        sock.connect(server)
        for name in random.Random(5).choices(workload.asked, k=count):
            wire = question(name).to_wire()
            began = time.perf_counter()
            sock.send(wire)
            answer = sock.recv(4096)
            taken.append(time.perf_counter() - began)
            if answer[:2] != wire[:2]:
                raise RuntimeError(f"{name} was answered with another id.")
    return percentile(taken, 0.50), percentile(taken, 0.99)


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
