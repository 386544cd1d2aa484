"""A small disk of a test's own, whose power can be cut at any moment: ext4 in a file, mounted through a loop device."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.processes import children_of

# What was not asked for by fsync stays in memory for as long as the kernel may keep it there.
_OPTIONS = "loop,commit=300,noatime"


class Disk:
    """`root` is where it is mounted, `cuts` are the states that it was found in after each cut, by their names."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder, self._image, self.root = folder, folder / "disk.img", root
        self.cuts: dict[str, Path] = {}

    def cut(self, name: str, users: Sequence[int] = ()) -> None:
        """What a power cut in this moment would leave, aside. `users` are processes that would write on meanwhile."""
        for pid in users:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            # Written, and asked of nobody: what a disk without power does not know.
            with suppress(OSError):
                (self.root / "unasked").write_text(name)
            copy = self._folder / f"cut {len(self.cuts)}.img"
            subprocess.run(["cp", "--sparse=always", self._image, copy], check=True)
        finally:
            for pid in reversed(users):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        self.cuts[name] = copy

    @contextmanager
    def after(self, name: str) -> Iterator[Path]:
        """The disk as it comes back after that cut, its own journal replayed by the kernel."""
        with mounted(self.cuts[name], self._folder / "after") as root:
            yield root

    def fill(self) -> None:
        """Until not one more block is to be had."""
        with (self.root / "filler").open("wb", buffering=0) as filler:
            for size in (1 << 20, 1 << 12, 1 << 10):
                with suppress(OSError):
                    while True:
                        filler.write(b"\xff" * size)
            os.fsync(filler.fileno())

    def make_room(self) -> None:
        (self.root / "filler").unlink()


@contextmanager
def disk(folder: Path, at: str = "data", *, megabytes: int = 48) -> Iterator[Disk]:
    """Skips the test, with a reason, where nothing can be mounted."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("a disk of its own needs root and mkfs.ext4")
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
    with mounted(image, folder / at) as root:
        yield Disk(folder, root)


@contextmanager
def mounted(image: Path, root: Path) -> Iterator[Path]:
    root.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-o", _OPTIONS, image, root], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted through a loop device here: {done.stderr.strip()}")
    try:
        yield root
    finally:
        subprocess.run(["umount", root], check=True)


def family_of(pid: int) -> list[int]:
    """A process and all that descend from it, it first, so that it starts nobody anew meanwhile."""
    return [pid, *children_of(pid)]
