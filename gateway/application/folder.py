"""The data folder belongs to one resolver at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

from gateway.errors import SettingsError
from gateway.files import move_aside

_PATIENCE = 5.0
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_CANNOT_WRITE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EIO)
_HELD: list[int] = []


def hold_folder(data: Path, patience: float = _PATIENCE) -> None:
    """Makes the folder, and takes it for the life of this process; waits `patience` seconds for one that is ending.

    A folder that cannot be written is used without: there is nobody to quarrel with over what cannot change. Raises
    SettingsError when another Telltale runs on it, or when it cannot be made.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as error:
        raise SettingsError("box.cannot-made-choose", data=data, strerror=error.strerror) from None
    try:
        handle = _open_lock(data / "lock")
    except OSError as error:
        if error.errno in _CANNOT_WRITE:
            return
        raise SettingsError("box.cannot-used", data=data, strerror=error.strerror) from None
    ends = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() < ends:
                time.sleep(0.05)
                continue
            os.close(handle)
            raise SettingsError("box.another-telltale-runs", data=data) from None
        _HELD.append(handle)
        return


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, _LOCK_FLAGS, 0o640)
    except OSError as error:
        # A damaged card left a folder or a link there, or somebody laid one.
        if error.errno not in (errno.EISDIR, errno.ELOOP):
            raise
        move_aside(path)
        return os.open(path, _LOCK_FLAGS, 0o640)


def is_held(data: Path) -> bool:
    """Whether a Telltale runs on this folder; False also when nobody can say, for there was no room for a lock."""
    try:
        handle = os.open(data / "lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def release_folder() -> None:
    """Gives it back before the process ends."""
    while _HELD:
        os.close(_HELD.pop())
