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
from gateway.catalogue.sentences import say
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
        return [*findings, *_out_of_reach(settings), *_upstreams(settings.upstreams, settings)]
    findings.append(Finding(True, f"The resolver runs (version {status['version']})."))
    findings += _dns(status)
    findings += _filtering(ask_effect(map(Endpoint.parse, status["dns"])))
    findings += _upstreams(tuple(state["url"] for state in status["upstreams"]), settings)
    findings += [
        Finding(bool(h["healthy"]), f"{h['part']}: {say(h['code'], h['arguments'])}") for h in status["health"]
    ]
    findings += _losses(status["counters"])
    return findings


_EFFECTS = {
    Effect.BLOCKS: "names are blocked as you decided",
    Effect.PAUSED: "filtering is paused for everyone",
    Effect.NOTHING: "nothing is blocked, for there is no rule, preset or list",
}


def _filtering(effect: Effect | None) -> Iterator[Finding]:
    if effect is not None:
        yield Finding(True, f"DNS says of itself that {_EFFECTS[effect]}.")


def _out_of_reach(settings: Settings) -> list[Finding]:
    """Nobody can speak with the resolver. It may run all the same: then it need not be started, and its ports are its
    own.
    """
    effect = ask_effect(settings.dns)
    with rights_of_owner(Path("/")):
        running = next((holder.pid for holder in _dns_holders(settings) if _is_ours(holder)), None)
    how = _SYSTEMCTL.format("restart") if _is_installed(settings) else "Ctrl-C and telltale up"
    restart = f"restart it with: {how}"
    if effect is not None:
        says = f"DNS answers, and {_EFFECTS[effect]}; but nobody can speak with the resolver, so nothing can be changed"
        return [Finding(False, f"{says}. Look at its log, then {restart}")]
    if running is not None or is_held(settings.data):
        which = f" (process {running})" if running else ""
        addresses = ", ".join(map(str, settings.dns))
        says = f"Telltale runs{which}, but its resolver cannot be spoken to and answers no DNS on {addresses}"
        return [Finding(False, f"{says}. Look at its log, then {restart}")]
    start = _SYSTEMCTL.format("start") if _is_installed(settings) else "telltale up"
    return [Finding(False, f"The resolver does not run; start it with: {start}"), *_ports(settings)]


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
    yield from _history(settings)
    yield from _book(settings)


def _history(settings: Settings) -> Iterator[Finding]:
    journal = settings.journal
    anew = "what was recorded before is in your backups only; a new history begins by itself while Telltale runs"
    try:
        found = journal.stat()
    except FileNotFoundError:
        if settings.policy.exists():
            yield Finding(False, f"The history is missing: there is no file {journal}; {anew}.")
        else:
            yield Finding(True, "There is no history yet.")
        return
    except OSError as error:
        yield Finding(False, f"The history cannot be read: {journal}: {error.strerror}.")
        return
    if not stat.S_ISREG(found.st_mode):
        yield Finding(False, f"The history cannot be read: {journal} is not a file.")
        return
    if found.st_size == 0:
        yield Finding(False, f"The history is empty: {journal} has no bytes; {anew}.")
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(journal))}?mode=ro", uri=True, timeout=5)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'lookups'").fetchone()
    except sqlite3.DatabaseError as error:
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
        yield Finding(False, f"The history {'is damaged' if damaged else 'cannot be read'}: {error}.")
        return
    if said != "ok":
        yield Finding(False, f"The history is damaged: {said}.")
    elif known is None:
        yield Finding(False, f"The history is empty: {journal} holds no table of ours; {anew}.")
    else:
        yield Finding(True, "The history is in order.")


def _book(settings: Settings) -> Iterator[Finding]:
    copy = "while Telltale runs, the copy in the history is in force"
    try:
        load_book(settings.policy)
    except OSError as error:
        yield Finding(False, f"The file of your rules cannot be read: {settings.policy}: {error.strerror}; {copy}.")
    except SettingsError as error:
        yield Finding(False, f"{error} It is set aside when Telltale starts; {copy}.")


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
                found = holders(address.port, transport)
                if found and _is_installed(settings) and all(holder.pid == 1 for holder in found):
                    # systemd holds the sockets of our units, for us.
                    continue
                who = next((f"{holder} has it" for holder in found), error.strerror)
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
