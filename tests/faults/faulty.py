"""What the tests of faults share: somebody who asks all the time, what was acknowledged, and a table of it all."""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import dataclass, field

from gateway.errors import ControlError
from tests.support.box import RunningBox
from tests.support.client import addresses, ask, question
from tests.support.waiting import PATIENCE, wait_until

ROUNDS = int(os.environ.get("TELLTALE_FAULT_ROUNDS", "0"))
"""0: few, as in `make test`. CONTRIBUTING.md says what it raises."""

OPEN, BLOCKED = ["198.51.100.9"], ["0.0.0.0"]
ZONE = {"*.example.com": ["60 A 198.51.100.9"]}
STOPPED, KNOWN = "stopped.example.com", "known.example.com"


@dataclass
class Row:
    """One line of the table. `silence` is the longest time between two answers, in seconds, as it was measured."""

    fault: str
    reads: str = ""
    silence: float = 0.0
    answers: int = 0
    kept: str = ""


TABLE: list[Row] = []


class Televisions:
    """Ask for a blocked and for an allowed name all the time, as long as the block lasts; nobody is let through.

    `row.silence` counts what a television would have waited for one answer, its repeated questions included.
    """

    def __init__(self, box: RunningBox, row: Row, names: tuple[str, str] = (STOPPED, KNOWN)) -> None:
        self._box, self._row = box, row
        self._names = names
        self._over = threading.Event()
        self._wrong: list[str] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Televisions:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)
        if kind is None:
            assert self._row.answers, "it answered during the fault"
            assert not self._wrong, "what is blocked stays blocked"

    def go_on(self, more: int = 20) -> None:
        """Until so many further answers have come."""
        before = self._row.answers
        wait_until(lambda: self._row.answers >= before + more, "televisions are answered")

    def _ask(self) -> None:
        number = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.1)
            last = time.monotonic()
            while not self._over.is_set():
                number += 1
                message = question(self._names[number % 2], message_id=number % 65_536)
                sock.sendto(message.to_wire(), self._box.dns)
                try:
                    wire = sock.recv(4096)
                except OSError:
                    continue
                finally:
                    self._row.silence = max(self._row.silence, time.monotonic() - last)
                last = time.monotonic()
                self._row.answers += 1
                self._look(wire)
                self._over.wait(0.002)

    def _look(self, wire: bytes) -> None:
        import dns.message

        answer = dns.message.from_wire(wire)
        if answer.question[0].name.to_text(omit_final_dot=True) == self._names[0] and addresses(answer) == OPEN:
            self._wrong.append(str(answer))


@dataclass
class Acknowledged:
    """What the box said it had done, and still has to have."""

    box: RunningBox
    rules: list[str] = field(default_factory=list)
    refused: int = 0

    def click(self, name: str) -> bool:
        """Blocks a name; whether the box said that it is done. What it refuses it must say in a sentence."""
        try:
            status, said = self.box.request("POST", "/api/v1/rules", {"action": "block", "name": name})
        except OSError:
            return False
        if status == 201:
            self.rules.append(name)
        else:
            assert status == 503 or said.get("error", {}).get("says") or said.get("detail"), said
            self.refused += 1
        return status == 201

    def missing(self) -> list[str]:
        """Names that are not blocked any more although it was acknowledged; waits for the box."""
        found: list[str] = wait_until(self._rules, "the box tells its rules", ignoring=(OSError,))
        gone = sorted(set(self.rules) - set(found))
        return gone + [each for each in self.rules if self._asked(each) != BLOCKED]

    def _rules(self) -> list[str]:
        status, said = self.box.get("/api/v1/rules")
        return [rule["name"] for rule in said["rules"]] if status == 200 else []

    def _asked(self, name: str) -> list[str]:
        return wait_until(
            lambda: addresses(ask(name, server=self.box.dns, timeout=1.0)), f"{name} is answered", ignoring=(OSError,)
        )


def says(box: RunningBox, part: str) -> str:
    """The box's own sentence about one of its parts; "" when it has none or cannot be asked."""
    try:
        status, said = box.get("/api/v1/status")
    except OSError:
        return ""
    if status != 200:
        return ""
    return next((each["says"] for each in said["health"] if each["part"] == part), "")


def page(box: RunningBox) -> str:
    """The overview as a person reads it, without mark-up."""
    import re
    from html import unescape

    try:
        status, text = box.get("/")
    except OSError:
        return ""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", str(text))).split()) if status == 200 else ""


def until_steady(box: RunningBox) -> None:
    """Who is killed again as soon as it is back is started again more slowly each time, and that is another fault."""
    wait_until(lambda: box.control.call("status")["uptime_s"] > 2, "it runs steadily", ignoring=(ControlError,))
