"""The network's process: the only one with CAP_NET_ADMIN. It hears the resolver and nobody else."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import pwd
import signal
import socket
import sys
from pathlib import Path

from gateway.control.server import ControlServer
from gateway.devices.neighbours import read_neighbours
from gateway.errors import NetworkError, SettingsError, TelltaleError
from gateway.linux.process import begin, notify
from gateway.model.network import NetworkPlan
from gateway.network.builder import Builder
from gateway.network.controller import FirewallController
from gateway.network.leases import MAX_EVENT, LeaseEvent, parse_event, parse_file
from gateway.network.service import NetworkService
from gateway.schema.values import from_json

log = logging.getLogger(__name__)

DEFAULT_FOLDER = Path("/run/telltale-network")
DEFAULT_STATE = Path("/var/lib/telltale-network")
_MISSED, _HOOK = "hook.missed", "hook.sock"
_RECEIVE_BUFFER = 1 << 20
_HEARTBEAT = 5.0


async def serve(service: NetworkService, state: Path, server: ControlServer, stop: asyncio.Event) -> None:
    """Answers until `stop` is set; the network stands on afterwards."""
    channel = listen_to_hook(state)
    asyncio.get_running_loop().add_reader(channel, _hear, channel, service)
    _read_missed(state, service)
    running = asyncio.create_task(service.run())
    alive = asyncio.create_task(_tell_systemd())
    running.add_done_callback(lambda _: stop.set())
    try:
        await server.start()
        notify("READY=1")
        await stop.wait()
    finally:
        notify("STOPPING=1")
        await server.stop()
        asyncio.get_running_loop().remove_reader(channel)
        channel.close()
        for task in (running, alive):
            task.cancel()
        ends = await asyncio.gather(running, alive, return_exceptions=True)
        await asyncio.to_thread(service.close)
    for end in ends:
        if isinstance(end, Exception):
            raise end


def listen_to_hook(folder: Path) -> socket.socket:
    """Where `lease_hook` sends its messages. Raises SettingsError."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    channel.setblocking(False)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        (folder / _HOOK).unlink(missing_ok=True)
        channel.bind(f"/proc/self/fd/{handle}/{_HOOK}")
        (folder / _HOOK).chmod(0o600)
    except OSError as error:
        channel.close()
        raise SettingsError("process.cannot-used", folder=folder, strerror=error.strerror) from None
    finally:
        os.close(handle)
    return channel


def _hear(channel: socket.socket, service: NetworkService) -> None:
    for _ in range(64):
        try:
            message = channel.recv(MAX_EVENT)
        except (BlockingIOError, InterruptedError):
            return
        event = parse_event(message)
        if event is not None:
            service.leases.take(event)


def _read_missed(folder: Path, service: NetworkService) -> None:
    """What happened while nobody listened: dnsmasq's own list, and what the hook noted down."""
    try:
        text = (folder / "leases").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for lease in parse_file(text):
        service.leases.take(LeaseEvent(lease, False))
    path = folder / _MISSED
    try:
        lines = path.read_bytes()[: 2 << 20].splitlines()
        path.unlink()
    except OSError:
        return
    for line in lines:
        event = parse_event(line)
        if event is not None:
            service.leases.take(event)


async def _tell_systemd() -> None:
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(_HEARTBEAT)


def allowed_users(texts: list[str]) -> dict[int, int]:
    """User id to group id for numbers and names; root is always among them. Raises SettingsError."""
    users = {0: 0}
    for text in texts:
        try:
            entry = pwd.getpwuid(int(text)) if text.isdigit() else pwd.getpwnam(text)
            users[entry.pw_uid] = entry.pw_gid
        except (KeyError, OverflowError):
            if not text.isdigit():
                raise SettingsError("process.no-user-who", text=f"{text!r}") from None
            users[int(text)] = int(text)
    return users


def _folder(text: str, mode: int) -> Path:
    path = Path(text).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise SettingsError("process.cannot-made", path=path, strerror=error.strerror) from None
    return path


async def _main(parsed: argparse.Namespace, folder: Path, state: Path) -> None:
    users = allowed_users(parsed.allow_user)
    caller_group = next((group for user, group in users.items() if user != 0), None)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    controller = FirewallController(state, neighbours=read_neighbours)
    service = NetworkService(Builder(folder, state, controller, driver=parsed.hostapd_driver), state)
    path = Path(parsed.socket) if parsed.socket else folder / "network.sock"
    server = ControlServer(path, service.table(), None, admit=users.__contains__, group=caller_group)
    await serve(service, state, server, stop)


def _rehearse(file: str, parsed: argparse.Namespace) -> None:
    try:
        plan = from_json(NetworkPlan, json.loads(Path(file).read_bytes()), "plan")
    except (OSError, ValueError) as error:
        raise NetworkError("process.holds-no-plan", file=file, error=error) from None
    folder, state = Path(parsed.run).absolute(), Path(parsed.state).absolute()
    print(Builder(folder, state, FirewallController(state), driver=parsed.hostapd_driver).rehearse(plan))


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM. Exit status 2 when the flags are wrong."""
    begin("telltale-network")
    parser = argparse.ArgumentParser(prog="telltale-network")
    parser.add_argument("--run", default=str(DEFAULT_FOLDER), metavar="DIR", help="sockets, configurations, logs")
    parser.add_argument("--state", default=str(DEFAULT_STATE), metavar="DIR", help="what outlives a reboot")
    parser.add_argument("--socket", metavar="PATH", help="the control socket (default: network.sock in --run)")
    parser.add_argument(
        "--allow-user", metavar="NAME_OR_UID", action="append", default=[], help="who may call, beside root"
    )
    parser.add_argument("--dry-run", metavar="PLAN", help="print what this plan (a JSON file) would do, and end")
    parser.add_argument("--hostapd-driver", default="nl80211", choices=("nl80211", "none"), help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    try:
        if parsed.dry_run:
            _rehearse(parsed.dry_run, parsed)
        else:
            folder, state = _folder(parsed.run, 0o750), _folder(parsed.state, 0o700)
            asyncio.run(_main(parsed, folder, state))
    except TelltaleError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
