"""`telltale doctor`: looks at a box from outside and says, a sentence each, what is well and what to do."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.application.list_job import read_report
from gateway.catalogue.sentences import say
from gateway.control.client import ControlClient
from gateway.errors import ControlError, JournalError, SettingsError, TelltaleError
from gateway.journal.reader import LookupFilter, Reader
from gateway.linux.ports import holders
from gateway.linux.rights import rights_of_owner
from gateway.model.name import Name
from gateway.resolver.upstream import open_upstreams
from gateway.resolver.upstream.clock import BUILT
from gateway.resolver.upstream.member import PROBE
from gateway.settings import Endpoint, Settings
from web.auth import why_nobody_can_log_in

_LITTLE_SPACE = 200 << 20
_FEW_FILES = 500
_PATIENCE = 5.0
_DHCP = 67
_DAY = 86_400.0
_ASK = Name("telltale.test")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    healthy: bool
    says: str


def examine(settings: Settings, now: float | None = None) -> list[Finding]:
    """Everything that can be found out without changing anything. `now` is what this machine's clock says."""
    with rights_of_owner(settings.data):
        return _examined(settings, now)


def _examined(settings: Settings, now: float | None) -> list[Finding]:
    findings = [
        *_data(settings),
        *_keys(settings),
        *_clock(settings, time.time() if now is None else now),
        *_lists(settings),
    ]
    try:
        status: dict[str, Any] = ControlClient(settings.control).call("status")
    except ControlError:
        says = f"The resolver does not answer at {settings.control}; start it with: telltale up"
        return [*findings, Finding(False, says), *_ports(settings), *_upstreams(settings.upstreams, settings)]
    findings.append(Finding(True, f"The resolver runs (version {status['version']})."))
    findings += _dns(status)
    findings += _upstreams(tuple(state["url"] for state in status["upstreams"]), settings)
    findings += [
        Finding(bool(h["healthy"]), f"{h['part']}: {say(h['code'], h['arguments'])}") for h in status["health"]
    ]
    findings += _losses(status["counters"])
    return findings


def _keys(settings: Settings) -> Iterator[Finding]:
    """Whether people can log in. A file that is not there yet is made by the dashboard."""
    try:
        with rights_of_owner(settings.auth.parent):
            says = why_nobody_can_log_in(settings.auth)
    except PermissionError:
        return
    if says:
        yield Finding(False, says)


def _losses(counters: dict[str, Any]) -> Iterator[Finding]:
    for name, says in (
        ("log_dropped", "lookups were answered but not recorded: the disk is too slow."),
        ("journal_dropped", "lookups could not be recorded: see what is said about the disk and the history."),
        ("throttled", "queries of a device that asks far too much were dropped; Live shows which device it is."),
        ("errors", "queries met a fault of ours; please report what the log says about it."),
    ):
        if count := counters.get(name, 0):
            yield Finding(False, f"{count} {says}")


def _data(settings: Settings) -> Iterator[Finding]:
    data = settings.data
    if not data.is_dir():
        yield Finding(False, f"{data} does not exist; start Telltale once, or say --data DIR.")
        return
    yield from _disk(data)
    if not settings.journal.exists():
        yield Finding(True, "There is no history yet.")
        return
    try:
        with closing(sqlite3.connect(f"file:{settings.journal}?mode=ro", uri=True, timeout=5)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        yield Finding(said == "ok", "The history is in order." if said == "ok" else f"The history is damaged: {said}.")
    except sqlite3.Error as error:
        yield Finding(False, f"The history cannot be read: {error}.")


def _disk(data: Path) -> Iterator[Finding]:
    disk = os.statvfs(data)
    free = disk.f_bavail * disk.f_frsize
    enough = free > _LITTLE_SPACE
    hint = "" if enough else "; make room, or lookups will no longer be recorded"
    yield Finding(enough, f"{free >> 20} MB are free for {data}{hint}.")
    if disk.f_files and disk.f_favail < _FEW_FILES:
        yield Finding(False, f"The disk of {data} has room for {disk.f_favail} more files only; remove some.")
    if disk.f_flag & os.ST_RDONLY:
        says = "; an SD card that fails becomes so by itself: back it up and replace it, or mount it writable"
        yield Finding(False, f"The disk of {data} is read-only{says}.")
    elif not os.access(data, os.W_OK | os.X_OK):
        yield Finding(False, f"{data} cannot be written by this user; give it back with: sudo chown -R USER {data}")


def _clock(settings: Settings, now: float) -> Iterator[Finding]:
    shown = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    advice = "set it with: sudo timedatectl set-ntp true (a Raspberry Pi has no clock that runs without power)"
    if now < BUILT:
        yield Finding(False, f"The clock says {shown}, which is before this Telltale was made; {advice}.")
        return
    newest = 0.0
    if settings.journal.exists():
        try:
            newest = max(
                (each.time.timestamp() for each in Reader(settings.journal).lookups(LookupFilter(), limit=1).lookups),
                default=0.0,
            )
        except JournalError:
            newest = 0.0
    if newest > now + _DAY:
        last = datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%d %H:%M UTC")
        yield Finding(False, f"The clock says {shown}, but the last lookup is of {last}; {advice}.")
        return
    yield Finding(True, f"The clock says {shown}.")


def _lists(settings: Settings) -> Iterator[Finding]:
    for number, entry in sorted(read_report(settings).items()):
        if error := entry.get("error"):
            title = entry.get("title") or f"number {number}"
            kept = f"its copy of {entry['fetched']} stays in force" if entry.get("fetched") else "it blocks nothing yet"
            yield Finding(False, f"The list {title} failed, and {kept}: {error} Try again with: telltale lists refresh")


def _ports(settings: Settings) -> list[Finding]:
    # Only root learns which process of others it is, and may try a low port.
    with rights_of_owner(Path("/")):
        return list(_taken_ports(settings))


def _taken_ports(settings: Settings) -> Iterator[Finding]:
    wanted = [(address, "udp", "DNS", "--dns") for address in settings.dns]
    wanted += [(address, "tcp", "DNS", "--dns") for address in settings.dns]
    for address, transport, what, flag in [*wanted, (settings.web, "tcp", "The dashboard", "--web")]:
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        with socket.socket(family, kind) as probe:
            if transport == "tcp":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address.host, address.port))
            except OSError as error:
                who = next((f"{holder} has it" for holder in holders(address.port, transport)), error.strerror)
                yield Finding(
                    False, f"{what} cannot listen on {address} ({transport}): {who}; stop that, or choose with {flag}."
                )
    for holder in holders(_DHCP, "udp"):
        yield Finding(True, f"{holder} hands out addresses; it must name this machine as the DNS server.")


def _dns(status: dict[str, Any]) -> Iterator[Finding]:
    for text in status["dns"]:
        address = Endpoint.parse(text)
        answered = _ask(address)
        says = f"DNS answers on {text}." if answered else f"DNS gives no answer on {text}; see the resolver's log."
        yield Finding(answered, says)


def _ask(address: Endpoint) -> bool:
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


def _upstreams(urls: tuple[str, ...], settings: Settings) -> list[Finding]:
    """Asks each of them itself: one that nobody asked for a while still counts as healthy."""
    if not urls:
        return [Finding(False, "There is no upstream to ask; give one with --upstream udp://ADDRESS.")]

    async def all_of_them() -> list[Finding]:
        return list(await asyncio.gather(*(_probe(url, settings) for url in urls)))

    return asyncio.run(all_of_them())


async def _probe(url: str, settings: Settings) -> Finding:
    try:
        (upstream,) = open_upstreams(
            [url],
            bootstrap=settings.bootstrap,
            time_servers=[(each.host, each.port) for each in settings.time_servers],
            report=lambda change: None,
        )
    except SettingsError as error:
        return Finding(False, str(error))
    began = time.monotonic()
    try:
        await asyncio.wait_for(upstream.ask(PROBE), _PATIENCE)
    except (OSError, TelltaleError, TimeoutError) as error:
        why = str(error) or f"it did not answer within {_PATIENCE:g} s."
        return Finding(
            False, f"The upstream {url} does not answer: {why} Is the internet connected? Else choose with --upstream."
        )
    finally:
        await upstream.close()
    return Finding(True, f"The upstream {url} answers ({(time.monotonic() - began) * 1000:.0f} ms).")
