"""Files that are either the old one or the new one, whatever happens in between."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_MOST_ASIDE: Final = 100


def write_atomically(path: Path, pieces: Iterable[bytes | memoryview], mode: int = 0o640) -> None:
    """Writes beside `path`, forces it to the medium, and renames. Raises OSError; then `path` is as it was.

    Whoever writes the same path from two processes at once must have a lock.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        write_synced(beside, pieces, mode)
        put_in_place(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_synced(path: Path, pieces: Iterable[bytes | memoryview], mode: int = 0o640) -> None:
    """Writes a file that only we and our group may read, and forces it to the medium. A half-written one may remain."""
    if is_folder(path):
        move_aside(path)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def put_in_place(new: Path, path: Path) -> None:
    """Renames a written file so that it lasts through a power cut."""
    if is_folder(path):
        move_aside(path)
    os.replace(new, path)
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Takes a file away, if there is one, so that a power cut does not bring it back. Raises OSError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)


def is_folder(path: Path) -> bool:
    """Whether a real folder stands at `path`; a link to one is none."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def move_aside(path: Path) -> Path:
    """Gives what stands at `path`, and should not, the name NAME.broken, or the next that is free. Raises OSError."""
    for number in range(1, _MOST_ASIDE):
        aside = path.with_name(f"{path.name}.broken{'' if number == 1 else f'-{number}'}")
        if not os.path.lexists(aside):
            os.replace(path, aside)
            return aside
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def sync_folder(folder: Path) -> None:
    """Makes a rename inside the folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
