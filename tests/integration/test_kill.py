"""The plug is pulled twenty times while lookups rain; rules and history are there when the light comes back."""

from __future__ import annotations

import socket
import sqlite3
import threading
from contextlib import closing, suppress
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import pytest

from gateway.journal.reader import Reader
from gateway.journal.views import LookupFilter
from tests.support.box import RunningBox
from tests.support.client import addresses, ask, question
from tests.support.upstream import Upstream
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ROUNDS = 20
RATE = 2000
NAMES = 200


class Rain:
    """2,000 lookups a second over one socket."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._stop = threading.Event()
        self._wires = [question(f"n{n}.rain.example").to_wire() for n in range(NAMES)]
        self._thread = threading.Thread(target=self._pour)

    def __enter__(self) -> Rain:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)

    def _pour(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            wires = cycle(self._wires)
            while not self._stop.wait(0.005):
                with suppress(OSError):
                    for wire in islice(wires, RATE // 200):
                        sock.sendto(wire, self._server)
                with suppress(OSError):
                    while True:
                        sock.recv(2048)


def test_kill_nine_twenty_times_under_two_thousand_lookups_a_second(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        Upstream({"*.rain.example": ["300 A 198.51.100.7"]}) as upstream,
        RunningBox(data, ["--upstream", upstream.url], expects=["resolver ended with SIGKILL"]) as box,
    ):
        names = []
        with Rain(box.dns):
            for round_ in range(ROUNDS):
                name = f"rule{round_}.rain.example"
                status, rule = box.request("POST", "/api/v1/rules", {"action": "block", "name": name})
                assert status == 201, rule
                names.append(name)
                last = f"last{round_}.rain.example"
                assert _ask_like_a_television(last, box.dns) == ["198.51.100.7"]
                # The writer keeps up with the rain.
                wait_until(lambda last=last: _stands_in(data / "journal.sqlite", last))
                pid = box.kill_resolver()
                wait_until(lambda pid=pid: _is_back(box, pid))
                for each in names:
                    assert _ask_like_a_television(each, box.dns) == ["0.0.0.0"], f"round {round_}: {each}"
        rules = box.get("/api/v1/rules")[1]["rules"]
        assert {rule["name"] for rule in rules} == set(names)
        for round_ in range(ROUNDS):
            assert _stands_in(data / "journal.sqlite", f"last{round_}.rain.example"), (
                "what could be seen is still there"
            )
    with sqlite3.connect(data / "journal.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def _stands_in(journal: Path, name: str) -> bool:
    with closing(Reader(journal)) as reader:
        return any(lookup.name == name for lookup in reader.lookups(LookupFilter(name=name)).lookups)


def _ask_like_a_television(name: str, server: tuple[str, int]) -> list[str]:
    """Asks again when nothing comes: what arrives while nobody listens fills the socket and is lost."""
    asking = partial(ask, name, server=server, timeout=1.0)
    return wait_until(lambda: addresses(asking()), ignoring=(TimeoutError,))


def _is_back(box: RunningBox, killed: int) -> bool:
    try:
        if box.resolver_pid() == killed:
            return False
        box.control.call("status")
    except Exception:
        return False
    return True
