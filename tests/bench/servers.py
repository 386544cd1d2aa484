"""Who is measured: how each server is configured with the same block list, the same upstream and a query log."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_DNSMASQ = "/usr/sbin/dnsmasq"
_UNBOUND = "/usr/sbin/unbound"
# It answers nothing, so that nobody may look at what it says.
ECHO = "echo"


@dataclass(frozen=True)
class Setting:
    """What every server is given: its own folder and ports, the upstream, and the block list, one name a line."""

    folder: Path
    port: int
    web_port: int
    upstream: tuple[str, int]
    block_list: Path


Recipe = Callable[[Setting], list[str]]


def telltale(setting: Setting) -> list[str]:
    """The product as a user runs it: resolver, journal and dashboard."""
    host, port = setting.upstream
    return [
        sys.executable, "-m", "gateway.cli", "up",
        "--data", str(setting.folder / "data"),
        "--dns", f"127.0.0.1:{setting.port}",
        "--web", f"127.0.0.1:{setting.web_port}",
        "--upstream", f"udp://{host}:{port}",
        "--list", str(setting.block_list),
    ]  # fmt: skip


def dnsmasq(setting: Setting) -> list[str]:
    """With `log-queries` to a file and the list as hosts file, which blocks exactly the names in it, as ours does."""
    hosts = setting.folder / "hosts"
    with setting.block_list.open(encoding="ascii") as names, hosts.open("w", encoding="ascii") as file:
        file.writelines(f"0.0.0.0 {name}" for name in names)
    return [*_dnsmasq(setting), "--no-hosts", "--conf-file=/dev/null", f"--addn-hosts={hosts}"]


def dnsmasq_address(setting: Setting) -> list[str]:
    """As `dnsmasq`, with the list as `address=/name/0.0.0.0` lines, which block whole subtrees."""
    rules = setting.folder / "rules.conf"
    with setting.block_list.open(encoding="ascii") as names, rules.open("w", encoding="ascii") as file:
        file.writelines(f"address=/{name.strip()}/0.0.0.0\n" for name in names)
    return [*_dnsmasq(setting), "--no-hosts", f"--conf-file={rules}"]


def _dnsmasq(setting: Setting) -> list[str]:
    host, port = setting.upstream
    log = setting.folder / "dnsmasq.log"
    log.touch()
    return [
        _DNSMASQ, "--keep-in-foreground", "--user=root", "--no-resolv", "--no-poll",
        f"--port={setting.port}", "--listen-address=127.0.0.1", "--bind-interfaces", f"--server={host}#{port}",
        "--cache-size=10000", "--log-queries", f"--log-facility={log}", "--local-ttl=10", "--pid-file=",
    ]  # fmt: skip


def unbound(setting: Setting) -> list[str]:
    """With `log-queries` to a file and one thread."""
    host, port = setting.upstream
    zones = setting.folder / "zones.conf"
    with setting.block_list.open(encoding="ascii") as names, zones.open("w", encoding="ascii") as file:
        file.write("server:\n")
        for line in names:
            name = line.strip()
            file.write(f'local-zone: "{name}." redirect\nlocal-data: "{name}. 10 A 0.0.0.0"\n')
    config = setting.folder / "unbound.conf"
    config.write_text(
        f"""server:
  interface: 127.0.0.1
  port: {setting.port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  num-threads: 1
  username: ""
  chroot: ""
  directory: "{setting.folder}"
  pidfile: ""
  use-syslog: no
  logfile: "{setting.folder / "unbound.log"}"
  log-queries: yes
  log-time-ascii: no
  module-config: "iterator"
  do-daemonize: no
  include: "{zones}"
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {host}@{port}
""",
        encoding="utf-8",
    )
    return [_UNBOUND, "-d", "-p", "-c", str(config)]


def echo(setting: Setting) -> list[str]:
    """A loop in C that sends back what comes: what the machine's kernel costs, and what nobody can undercut."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise ValueError("echo needs a C compiler; install one, or leave echo out of --servers.")
    program = setting.folder / "echo"
    subprocess.run([compiler, "-O2", "-o", str(program), str(Path(__file__).with_name("echo.c"))], check=True)
    return [str(program), str(setting.port)]


def from_command(text: str) -> tuple[str, Recipe]:
    """A server given as "NAME=COMMAND", with {port} {web_port} {upstream_host} {upstream_port} {list} {folder} in it.

    Raises ValueError in one sentence.
    """
    name, _, command = text.partition("=")
    if not name.strip() or not command.strip() or "{port}" not in command:
        raise ValueError(f"{text!r} is not NAME=COMMAND with {{port}} in the command.")

    def recipe(setting: Setting) -> list[str]:
        values = {
            "port": setting.port,
            "web_port": setting.web_port,
            "upstream_host": setting.upstream[0],
            "upstream_port": setting.upstream[1],
            "list": setting.block_list,
            "folder": setting.folder,
        }
        return [part.format(**values) for part in shlex.split(command)]

    return name.strip(), recipe


def logged(folder: Path) -> int | None:
    """How many queries stand in a server's log, as the proof that it keeps one; None for a server we cannot read."""
    journal = folder / "data" / "journal.sqlite"
    if journal.is_file():
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT sum(times) FROM lookups").fetchone()[0] or 0)
    for name, mark in (("dnsmasq.log", b": query["), ("unbound.log", b" info: 127.0.0.1 ")):
        if (folder / name).is_file():
            with (folder / name).open("rb") as lines:
                return sum(mark in line for line in lines)
    return None


RECIPES: dict[str, Recipe] = {
    "telltale": telltale,
    "dnsmasq": dnsmasq,
    "dnsmasq-address": dnsmasq_address,
    "unbound": unbound,
    ECHO: echo,
}


def choose(names: Sequence[str], commands: Sequence[str]) -> dict[str, Recipe]:
    """The recipes that were asked for, ours first. Raises ValueError for an unknown one."""
    chosen: dict[str, Recipe] = {}
    for name in names:
        if name not in RECIPES:
            raise ValueError(f"{name!r} is not a server; there are {', '.join(RECIPES)}, and --command NAME=COMMAND.")
        chosen[name] = RECIPES[name]
    for command in commands:
        name, recipe = from_command(command)
        chosen[name] = recipe
    if not chosen:
        raise ValueError("No server was named.")
    return chosen
