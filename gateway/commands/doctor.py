"""`telltale doctor`: looks at a box from outside and says, a sentence each, what is well and what to do."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gateway.application.filtering import ask_effect
from gateway.application.folder import is_held
from gateway.application.list_job import read_report
from gateway.catalogue.sentences import Notice
from gateway.control.client import ControlClient
from gateway.errors import ControlError, JournalError, SettingsError, TelltaleError
from gateway.journal.reader import LookupFilter, Reader
from gateway.linux.ports import Holder, holders
from gateway.linux.rights import rights_of_owner
from gateway.model.effect import Effect
from gateway.model.name import Name
from gateway.policy.book_file import load_book
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
_INSTALLED = Path("/var/lib/telltale")
_SYSTEMCTL = "sudo systemctl {} telltale-resolver"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    healthy: bool
    notice: Notice
    part: str = ""
    """Of the running box, as `status.health` calls it; "" for what was looked at from outside."""

    @property
    def says(self) -> str:
        return f"{self.part}: {self.notice}" if self.part else str(self.notice)

    def to_json(self) -> dict[str, object]:
        """For programs, and for comparing homes."""
        code, arguments = self.notice.code, self.notice.arguments
        return {
            "healthy": self.healthy, "part": self.part, "code": code, "arguments": arguments, "says": self.says
        }  # fmt: skip


def _well(code: str, /, **arguments: object) -> Finding:
    return Finding(True, Notice(code, **arguments))


def _wrong(code: str, /, **arguments: object) -> Finding:
    return Finding(False, Notice(code, **arguments))


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
        return [*findings, *_out_of_reach(settings), *_upstreams(settings.upstreams, settings)]
    findings.append(_well("doctor.resolver-runs", version=status["version"]))
    findings += _dns(status)
    findings += _filtering(ask_effect(map(Endpoint.parse, status["dns"])))
    findings += _upstreams(tuple(state["url"] for state in status["upstreams"]), settings)
    findings += [Finding(bool(h["healthy"]), Notice(h["code"], **h["arguments"]), h["part"]) for h in status["health"]]
    findings += _losses(status["counters"])
    return findings


# What DNS says of itself, and the same when nobody can speak with its resolver.
_EFFECTS = {
    Effect.BLOCKS: ("doctor.dns-blocks", "doctor.dns-blocks-unreached"),
    Effect.PAUSED: ("doctor.dns-paused", "doctor.dns-paused-unreached"),
    Effect.NOTHING: ("doctor.dns-blocks-nothing", "doctor.dns-blocks-nothing-unreached"),
}


def _filtering(effect: Effect | None) -> Iterator[Finding]:
    if effect is not None:
        yield _well(_EFFECTS[effect][0])


def _out_of_reach(settings: Settings) -> list[Finding]:
    """Nobody can speak with the resolver. It may run all the same: then it need not be started, and its ports are its
    own.
    """
    effect = ask_effect(settings.dns)
    with rights_of_owner(Path("/")):
        running = next((holder.pid for holder in _dns_holders(settings) if _is_ours(holder)), None)
    how = _SYSTEMCTL.format("restart") if _is_installed(settings) else "Ctrl-C and telltale up"
    if effect is not None:
        return [_wrong(_EFFECTS[effect][1], command=how)]
    addresses = ", ".join(map(str, settings.dns))
    if running is not None:
        return [_wrong("doctor.process-answers-nobody", process=running, addresses=addresses, command=how)]
    if is_held(settings.data):
        return [_wrong("doctor.resolver-answers-nobody", addresses=addresses, command=how)]
    start = _SYSTEMCTL.format("start") if _is_installed(settings) else "telltale up"
    return [_wrong("doctor.resolver-does-not-run", command=start), *_ports(settings)]


def _is_installed(settings: Settings) -> bool:
    """By the installer, whose units run on this folder."""
    return settings.data == _INSTALLED


def _dns_holders(settings: Settings) -> Iterator[Holder]:
    for address in settings.dns:
        for holder in holders(address.port, "udp"):
            if holder.address == address.host or ip_address(holder.address).is_unspecified:
                yield holder


def _is_ours(holder: Holder) -> bool:
    """Whether it is a process of ours; what we may not know of is not."""
    try:
        words = Path(f"/proc/{holder.pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(word == b"gateway.cli" or word.startswith(b"gateway.daemons.") for word in words)


def _keys(settings: Settings) -> Iterator[Finding]:
    """Whether people can log in. A file that is not there yet is made by the dashboard."""
    try:
        with rights_of_owner(settings.auth.parent):
            notice = why_nobody_can_log_in(settings.auth)
    except PermissionError:
        return
    if notice:
        yield Finding(False, notice)


def _losses(counters: dict[str, Any]) -> Iterator[Finding]:
    for name, code in (
        ("log_dropped", "doctor.answered-not-recorded"),
        ("journal_dropped", "doctor.could-not-record"),
        ("throttled", "doctor.device-asks-too-much"),
        ("errors", "doctor.faults-of-ours"),
    ):
        if count := counters.get(name, 0):
            yield _wrong(code, count=count)


def _data(settings: Settings) -> Iterator[Finding]:
    data = settings.data
    if not data.is_dir():
        yield _wrong("doctor.no-data-folder", data=data)
        return
    yield from _disk(data)
    yield from _history(settings)
    yield from _book(settings)


def _history(settings: Settings) -> Iterator[Finding]:
    journal = settings.journal
    try:
        found = journal.stat()
    except FileNotFoundError:
        if settings.policy.exists():
            yield _wrong("doctor.history-missing", journal=journal)
        else:
            yield _well("doctor.no-history-yet")
        return
    except OSError as error:
        yield _wrong("doctor.history-cannot-be-read", reason=f"{journal}: {error.strerror}")
        return
    if not stat.S_ISREG(found.st_mode):
        yield _wrong("doctor.history-is-no-file", journal=journal)
        return
    if found.st_size == 0:
        yield _wrong("doctor.history-has-no-bytes", journal=journal)
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(journal))}?mode=ro", uri=True, timeout=5)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'lookups'").fetchone()
    except sqlite3.DatabaseError as error:
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
        yield _wrong("doctor.history-damaged" if damaged else "doctor.history-cannot-be-read", reason=error)
        return
    if said != "ok":
        yield _wrong("doctor.history-damaged", reason=said)
    elif known is None:
        yield _wrong("doctor.history-has-no-table", journal=journal)
    else:
        yield _well("doctor.history-in-order")


def _book(settings: Settings) -> Iterator[Finding]:
    try:
        load_book(settings.policy)
    except OSError as error:
        yield _wrong("doctor.rules-cannot-be-read", file=settings.policy, reason=error.strerror)
    except SettingsError as error:
        yield _wrong("doctor.rules-damaged", says=error.notice)


def _disk(data: Path) -> Iterator[Finding]:
    disk = os.statvfs(data)
    free = disk.f_bavail * disk.f_frsize
    if free > _LITTLE_SPACE:
        yield _well("doctor.room", megabytes=free >> 20, data=data)
    else:
        yield _wrong("doctor.little-room", megabytes=free >> 20, data=data)
    if disk.f_files and disk.f_favail < _FEW_FILES:
        yield _wrong("doctor.few-files", data=data, files=disk.f_favail)
    if disk.f_flag & os.ST_RDONLY:
        yield _wrong("doctor.read-only", data=data)
    elif not os.access(data, os.W_OK | os.X_OK):
        yield _wrong("doctor.not-writable", data=data)


def _clock(settings: Settings, now: float) -> Iterator[Finding]:
    shown = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if now < BUILT:
        yield _wrong("doctor.clock-before-us", shown=shown)
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
        yield _wrong("doctor.clock-behind-history", shown=shown, last=last)
        return
    yield _well("doctor.clock", shown=shown)


def _lists(settings: Settings) -> Iterator[Finding]:
    for number, entry in sorted(read_report(settings).items()):
        if error := entry.get("error"):
            title = entry.get("title") or f"number {number}"
            if fetched := entry.get("fetched"):
                yield _wrong("doctor.list-failed-copy-stays", title=title, fetched=fetched, error=error)
            else:
                yield _wrong("doctor.list-failed", title=title, error=error)


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
                found = holders(address.port, transport)
                if found and _is_installed(settings) and all(holder.pid == 1 for holder in found):
                    # systemd holds the sockets of our units, for us.
                    continue
                place = {"what": what, "address": address, "transport": transport, "flag": flag}
                if found:
                    yield _wrong("doctor.port-is-taken", holder=found[0], **place)
                else:
                    yield _wrong("doctor.cannot-listen", reason=error.strerror, **place)
    for holder in holders(_DHCP, "udp"):
        yield _well("doctor.somebody-hands-out-addresses", holder=holder)


def _dns(status: dict[str, Any]) -> Iterator[Finding]:
    for text in status["dns"]:
        address = Endpoint.parse(text)
        answered = _ask(address)
        yield _well("doctor.dns-answers", address=text) if answered else _wrong("doctor.dns-silent", address=text)


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
        return [_wrong("doctor.no-upstream")]

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
        return Finding(False, error.notice)
    began = time.monotonic()
    try:
        await asyncio.wait_for(upstream.ask(PROBE), _PATIENCE)
    except (OSError, TelltaleError, TimeoutError) as error:
        if not str(error):
            return _wrong("doctor.upstream-silent", url=url, seconds=f"{_PATIENCE:g}")
        return _wrong("doctor.upstream-fails", url=url, reason=error)
    finally:
        await upstream.close()
    return _well("doctor.upstream-answers", url=url, milliseconds=round((time.monotonic() - began) * 1000))
