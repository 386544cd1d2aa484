"""A Debian of our own in a folder: made with mmdebstrap, entered with chroot, started with systemd-nspawn."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import wait_until

PROJECT = Path(__file__).resolve().parents[2]
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# A shell with its own processes and mounts: whatever it started ends with it.
_ENTER = """
root=$1; shift
mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount -t tmpfs tmpfs "$root/run"
exec chroot "$root" "$@"
"""
# What apt, dpkg and the tools that change /etc/passwd keep for themselves, and what the tests put there.
_NOT_OURS = re.compile(
    r"(var/(lib|cache)/(apt|dpkg|debconf|ldconfig)|var/log|run|tmp|src|wheels|proc|dev|sys)(/|$)"
    r"|etc/(ld\.so\.cache|\.updated|(passwd|group|shadow|gshadow)-)$|var/\.updated$|(.*/)?__pycache__(/|$)"
)


def why_not() -> str:
    """Why this machine cannot do it; "" when it can."""
    if os.geteuid() != 0:
        return "a Debian in a folder needs root"
    missing = [tool for tool in ("mmdebstrap", "systemd-nspawn", "ip", "nsenter") if shutil.which(tool) is None]
    return f"not on this machine: {', '.join(missing)}" if missing else ""


def sources(suite: str) -> list[str]:
    """Where this machine gets its own Debian packages from, for another suite."""
    for path in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
        found = (
            re.search(r"^URIs:\s*(\S+)|^deb\s+(?:\[.*\]\s+)?(\S+)", path.read_text(), re.M) if path.is_file() else None
        )
        if found and path.suffix in (".sources", ".list"):
            return [f"deb {found.group(1) or found.group(2)} {suite} main"]
    return []


def begin_root(suite: str, folder: Path, packages: list[str]) -> subprocess.Popen[str]:
    """Starts to make a Debian in `folder`; `wait` for it. Its mounts are its own, and end with it however it ends."""
    command = [
        "unshare",
        "--mount",
        "mmdebstrap",
        "-q",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        suite,
        str(folder),
    ]
    return subprocess.Popen([*command, *sources(suite)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Debian:
    """The Debian in `root`, with this project in /src and this machine's way to its package registries."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._leader = 0
        self._running: subprocess.Popen[bytes] | None = None
        for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"):
            if Path(path).exists():
                shutil.copy(path, f"{root}{path}")
        for setting in Path("/etc/apt/apt.conf.d").glob("*"):
            if "Acquire" in setting.read_text():
                shutil.copy(setting, root / "etc/apt/apt.conf.d")
        (root / "etc/dpkg/dpkg.cfg.d/tests").write_text("force-unsafe-io\n")
        self.bring_project()

    def bring_project(self) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=PROJECT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.split("\0")):
            if (PROJECT / name).is_file():
                target = self.root / "src" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / name, target)

    def command(self, *words: str) -> list[str]:
        if self._leader:
            return ["nsenter", "-t", str(self._leader), "-a", "env", f"PATH={_PATH}", *words]
        return [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            _ENTER,
            "sh",
            str(self.root),
            *words,
        ]

    def run(self, *words: str, check: bool = True, seconds: float = 900) -> str:
        """What it printed, both ways."""
        said = subprocess.run(
            self.command(*words), check=False, text=True, timeout=seconds,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert not check or said.returncode == 0, f"{words}: {said.returncode}\n{said.stdout[-3000:]}"
        return said.stdout

    def run_and_kill(self, line: str, *words: str) -> None:
        """Kills it, and everything that it started, as soon as it says a line that begins so."""
        with subprocess.Popen(
            self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running:
            assert running.stdout is not None
            heard = []
            for said in running.stdout:
                heard.append(said)
                if said.startswith(line):
                    running.kill()
                    return
            raise AssertionError(f"nothing began with {line!r}: {''.join(heard)[-2000:]}")

    def picture(self, *, whole: bool = False) -> dict[str, str]:
        """Every path with its kind, owner, mode and content; without what is apt's own unless `whole`."""
        seen = {}
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                short = os.path.relpath(path, self.root)
                if not whole and _NOT_OURS.match(short):
                    continue
                about = os.lstat(path)
                content = ""
                if stat.S_ISLNK(about.st_mode):
                    content = os.readlink(path)
                elif stat.S_ISREG(about.st_mode):
                    content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
                seen[short] = f"{about.st_mode:o} {about.st_uid}:{about.st_gid} {content}"
        return seen

    @contextmanager
    def started(self, address: str) -> Iterator[None]:
        """Boots it in a network of its own that has this address; systemd inside is ready for commands."""
        name = f"ttinst{uuid.uuid4().hex[:8]}"
        on = ["ip", "-n", name]
        subprocess.run(["ip", "netns", "add", name], check=True)
        try:
            for words in (
                ["link", "set", "lo", "up"],
                ["link", "add", "home0", "type", "veth", "peer", "name", "tv0"],
                ["address", "add", f"{address}/24", "dev", "home0"],
                ["link", "set", "home0", "up"],
                ["link", "set", "tv0", "up"],
            ):
                subprocess.run([*on, *words], check=True)
            with self.booted(name):
                yield
        finally:
            subprocess.run(["ip", "netns", "delete", name], check=True)

    @contextmanager
    def booted(self, network: str) -> Iterator[None]:
        """Boots it in this network namespace, where it may do as the machine that owns it."""
        # Its folder's name would be the machine's, and another test's Debian of this suite would be the same machine.
        name = f"--machine=tt-{uuid.uuid4().hex[:12]}"
        flags = ["-q", name, "--register=no", "--keep-unit", f"--network-namespace-path=/run/netns/{network}"]
        running = subprocess.Popen(
            ["systemd-nspawn", *flags, "--capability=CAP_NET_ADMIN,CAP_NET_RAW", "-D", str(self.root), "--boot"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            # A real machine's /proc/sys/net can be written.
            env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
        )  # fmt: skip
        self._running = running
        try:
            children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
            wait_until(
                lambda: self._is_up(children), "systemd has started everything", patience=180,
                shows=lambda: self.run("systemctl", "list-jobs", "--no-pager", check=False),
            )  # fmt: skip
            yield
        finally:
            if self._leader:
                subprocess.run(["kill", "-s", "RTMIN+4", str(self._leader)], check=False)
            self._leader = 0
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()

    def _is_up(self, children: Path) -> bool:
        """Whether systemd inside has started everything. nspawn's first child makes way for another, so it is looked
        up at each look."""
        self._leader = int((children.read_text().split() or ["0"])[0])
        if not self._leader:
            return False
        return self.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded")

    def pull_the_plug(self) -> None:
        """What runs in it is gone at once; nobody was asked."""
        assert self._running is not None
        self._running.kill()
        self._running.wait()
