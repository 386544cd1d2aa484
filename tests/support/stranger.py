"""Another user of this machine, who is not root: what a service's user may lay before root's feet."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = "daemon"


def why_not() -> str:
    """Why this machine cannot do it; "" when it can."""
    if os.geteuid() != 0:
        return "acting as another user needs root"
    return "" if shutil.which("setpriv") else "setpriv (util-linux) is not on this machine"


def reaching() -> tuple[str, ...]:
    """What goes before a command so that others can read our Python, which may lie in a home that is its owner's alone.

    Inside a mount namespace of its own, such a home holds nothing but what is needed.
    """
    needed = [Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), Path(__file__).resolve().parents[2]]
    ways = {each: (*reversed(each.parents), each) for each in needed}
    closed = {home for way in ways.values() for home in way if home.stat().st_mode & 0o005 != 0o005}
    if not closed:
        return ()
    quoted = [shlex.quote(str(each)) for each in needed]
    steps = ["set -e", "hold=$(mktemp -d /var/tmp/telltale-hold-XXXXXX)", "mount -t tmpfs -o mode=755 hold $hold"]
    for number, each in enumerate(quoted):
        steps += [f"mkdir $hold/{number}", f"mount --rbind {each} $hold/{number}"]
    for home in sorted(closed):
        if not closed.intersection(home.parents):
            steps.append(f"mount -t tmpfs -o mode=755 home {shlex.quote(str(home))}")
    for number, each in enumerate(needed):
        if closed.intersection(ways[each]):
            steps += [f"mkdir -p {quoted[number]}", f"mount --rbind $hold/{number} {quoted[number]}"]
    steps += ["umount -l $hold", "rmdir $hold", 'exec "$@"']
    return ("unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(steps), "sh")


class Stranger:
    """The user `daemon`, who has a folder of its own in a folder of root's, as a service has under /var/lib."""

    def __init__(self, base: Path) -> None:
        about = pwd.getpwnam(_NAME)
        self.user, self.group = about.pw_uid, about.pw_gid
        self.base = base
        self.folder = self.new_folder("data")

    def new_folder(self, name: str) -> Path:
        folder = self.base / name
        folder.mkdir(mode=0o750)
        os.chown(folder, self.user, self.group)
        return folder

    def run(self, *command: str, check: bool = True) -> str:
        """What it says when this user runs it."""
        rights = ("--reuid", str(self.user), "--regid", str(self.group), "--clear-groups")
        return subprocess.run(
            ["setpriv", *rights, "--", *command], check=check, capture_output=True, text=True, timeout=60, cwd="/"
        ).stdout

    def lay_link(self, at: Path, to: Path) -> None:
        self.run("ln", "-sfn", str(to), str(at))

    def owns(self, path: Path) -> bool:
        return path.lstat().st_uid == self.user


@contextmanager
def stranger() -> Iterator[Stranger]:
    base = Path(tempfile.mkdtemp(prefix="telltale-stranger-", dir="/var/tmp"))
    base.chmod(0o755)
    try:
        yield Stranger(base)
    finally:
        shutil.rmtree(base)
