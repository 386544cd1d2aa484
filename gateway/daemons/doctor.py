"""`telltale doctor`: looks at a box from outside and says, a sentence each, what is well and what to do."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from gateway.control.client import ControlClient
from gateway.errors import ControlError
from gateway.model.name import Name
from gateway.settings import Address, Settings

_LITTLE_SPACE = 200 << 20
_ASK = Name("telltale.test")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    healthy: bool
    says: str


def examine(settings: Settings) -> list[Finding]:
    """Everything that can be found out without changing anything."""
    findings = list(_data(settings))
    try:
        status: dict[str, Any] = ControlClient(settings.control).call("status")
    except ControlError:
        says = f"The resolver does not answer at {settings.control}; start it with: telltale up"
        return [*findings, Finding(False, says), *_ports(settings)]
    findings.append(Finding(True, f"The resolver runs (version {status['version']})."))
    findings += _dns(status)
    findings += _upstreams(status)
    findings += [Finding(bool(h["healthy"]), f"{h['part']}: {h['says']}") for h in status["health"]]
    dropped = status["counters"].get("log_dropped", 0)
    if dropped:
        findings.append(Finding(False, f"{dropped} lookups were answered but not recorded: the disk is too slow."))
    return findings


def _data(settings: Settings) -> Iterator[Finding]:
    if not settings.data.is_dir():
        yield Finding(False, f"{settings.data} does not exist; start Telltale once, or say --data DIR.")
        return
    free = shutil.disk_usage(settings.data).free
    enough = free > _LITTLE_SPACE
    hint = "" if enough else "; make room, or lookups will no longer be recorded"
    yield Finding(enough, f"{free >> 20} MB are free for {settings.data}{hint}.")
    if not settings.journal.exists():
        yield Finding(True, "There is no history yet.")
        return
    try:
        with closing(sqlite3.connect(f"file:{settings.journal}?mode=ro", uri=True, timeout=5)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        yield Finding(said == "ok", "The history is in order." if said == "ok" else f"The history is damaged: {said}.")
    except sqlite3.Error as error:
        yield Finding(False, f"The history cannot be read: {error}.")


def _ports(settings: Settings) -> Iterator[Finding]:
    for address in settings.dns:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address.host, address.port))
            except OSError as error:
                yield Finding(False, f"DNS cannot listen on {address}: {error.strerror}; choose another with --dns.")


def _dns(status: dict[str, Any]) -> Iterator[Finding]:
    for text in status["dns"]:
        address = Address.parse(text)
        answered = _ask(address)
        says = f"DNS answers on {text}." if answered else f"DNS gives no answer on {text}; see the resolver's log."
        yield Finding(answered, says)


def _ask(address: Address) -> bool:
    query = b"\x54\x4c\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + _ASK.to_wire() + b"\x00\x01\x00\x01"
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(4)
        try:
            asking.connect((address.host, address.port))
            asking.send(query)
            return asking.recv(4096)[:2] == query[:2]
        except OSError:
            return False


def _upstreams(status: dict[str, Any]) -> Iterator[Finding]:
    states = status["upstreams"]
    for state in states:
        if state["healthy"]:
            yield Finding(True, f"The upstream {state['url']} answers.")
        else:
            yield Finding(False, f"The upstream {state['url']} does not answer; is the internet connected?")
    if not states:
        yield Finding(False, "There is no upstream to ask; give one with --upstream udp://ADDRESS.")
