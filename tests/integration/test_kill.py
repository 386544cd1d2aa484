"""The plug is pulled twenty times while lookups rain; rules and history are there when the light comes back."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from tests.support.box import RunningBox
from tests.support.client import addresses, ask, question
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ROUNDS = 20
RATE = 2000
NAMES = 200


class Rain:
    """2,000 lookups a second over one socket; remembers when the last answer came."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._stop = threading.Event()
        self._wires = [question(f"n{n}.rain.example").to_wire() for n in range(NAMES)]
        self._thread = threading.Thread(target=self._pour)
        self.sent = 0
        self.stood_still = 0.0
        """For how many seconds at most the machine let nobody run; whoever looks may set it back."""

    def __enter__(self) -> Rain:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _pour(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            started = last = time.monotonic()
            while not self._stop.is_set():
                now = time.monotonic()
                self.stood_still, last = max(self.stood_still, now - last), now
                due = int((now - started) * RATE)
                while self.sent < due:
                    try:
                        sock.sendto(self._wires[self.sent % NAMES], self._server)
                    except OSError:
                        pass
                    self.sent += 1
                try:
                    while True:
                        sock.recv(2048)
                except OSError:
                    pass
                time.sleep(0.005)


def newest_second(journal: Path) -> float:
    """Epoch seconds of the newest recorded lookup; the journal counts milliseconds."""
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as connection:
        [(newest,)] = connection.execute("SELECT max(time) FROM lookups").fetchall()
    connection.close()
    return float(newest or 0) / 1e3


def test_kill_nine_twenty_times_under_two_thousand_lookups_a_second(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        Upstream({"*.rain.example": ["300 A 198.51.100.7"]}) as upstream,
        RunningBox(data, ["--upstream", upstream.url], expects=["resolver ended with SIGKILL"]) as box,
    ):
        names = []
        with Rain(box.dns) as rain:
            for round_ in range(ROUNDS):
                name = f"rule{round_}.rain.example"
                status, rule = box.request("POST", "/api/v1/rules", {"action": "block", "name": name})
                assert status == 201, rule
                names.append(name)
                rain.stood_still = 0.0
                time.sleep(0.7)
                killed_at = time.time()
                pid = box.kill_resolver()
                lost = _lost_seconds(data / "journal.sqlite", killed_at)
                assert lost <= 1.0 + rain.stood_still, f"round {round_}: the last {lost:.2f} s of lookups are gone"
                wait_until(lambda pid=pid: _is_back(box, pid))
                for each in names:
                    assert _ask_like_a_television(each, box.dns) == ["0.0.0.0"], f"round {round_}: {each}"
        rules = box.get("/api/v1/rules")[1]["rules"]
        assert {rule["name"] for rule in rules} == set(names)
    with sqlite3.connect(data / "journal.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def _lost_seconds(journal: Path, killed_at: float) -> float:
    return killed_at - newest_second(journal)


def _ask_like_a_television(name: str, server: tuple[str, int]) -> list[str]:
    """Asks again when nothing comes: what arrives while nobody listens fills the socket and is lost."""
    for _ in range(4):
        try:
            return addresses(ask(name, server=server, timeout=1.0))
        except TimeoutError:
            continue
    return []


def _is_back(box: RunningBox, killed: int) -> bool:
    try:
        if box.resolver_pid() == killed:
            return False
        box.control.call("status")
    except Exception:
        return False
    return True
