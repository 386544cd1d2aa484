"""Where the control socket is: in a runtime folder, which can be written when the data folder cannot.

Whoever calls needs no flag for it: the places follow from the data folder. A link in the data folder says where the
socket is, as long as that folder can be written; on a disk that is read-only the places are tried one after the other.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

NAME = "control.sock"
_LONGEST = 107
"""Bytes of a Unix socket's path (unix(7)), without the zero at its end."""
_STATE, _RUN, _USERS = Path("/var/lib"), Path("/run"), Path("/run/user")
# Whoever listens there is trusted only as the owner of a folder of his own in it.
_TEMPORARY = Path("/tmp")  # noqa: S108
_FOLDER_MODE = 0o750


class ControlPlaces:
    """The places of the socket of whoever runs on the folder `data`; `environment` is that of this process."""

    def __init__(self, data: Path, environment: Mapping[str, str] = os.environ) -> None:
        self.data = data
        self._given = _first_of(environment.get("RUNTIME_DIRECTORY"))
        self._users = _absolute(environment.get("XDG_RUNTIME_DIR"))
        whole = hashlib.sha256(os.fsencode(os.path.realpath(data))).hexdigest()
        self._folder = f"telltale-{whole[:16]}"

    @property
    def note(self) -> Path:
        """The link that says where the socket is; where nothing else could be had, the socket itself."""
        return self.data / NAME

    def to_make(self) -> Iterator[Path]:
        """Where to listen, the best place first. A folder is made when it is asked for, and is ours alone."""
        if self._given is not None:
            # What systemd gives to a service others can reach; its temporary folder they may not see.
            yield from _short(self._given)
        else:
            bases = [base for base in (self._users, Path(tempfile.gettempdir())) if base is not None]
            own = [base / self._folder for base in bases if _make_own(base / self._folder)]
            for folder in own:
                yield from _short(folder)
            # Somebody took the name first: then only the link leads to it.
            if not own and os.access(self.data, os.W_OK):
                with suppress(OSError):
                    yield from _short(Path(tempfile.mkdtemp(prefix="telltale-")))
        yield self.note

    def to_find(self) -> Iterator[Path]:
        """Where somebody may listen, the likeliest place first."""
        places = [self.note]
        with suppress(OSError):
            places = [self.data / os.readlink(self.note)]
        folders = [self._given, _RUN / self.data.name if self.data.parent == _STATE else None]
        bases = [self._users, self._owners(), Path(tempfile.gettempdir()), _TEMPORARY]
        folders += [base / self._folder for base in bases if base is not None]
        yield from dict.fromkeys([*places, *(folder / NAME for folder in folders if folder is not None)])

    def trusts(self, folder: Path, found: os.stat_result) -> bool:
        """Whether whoever listens in `folder` can be only the owner of the data, root or ourselves."""
        if folder == self.data:
            return True
        return found.st_uid in {0, os.geteuid(), self._owner()} and not found.st_mode & stat.S_IWOTH

    def write_down(self, path: Path) -> None:
        """Says in the data folder that the socket is at `path`; where that cannot be, it is found without."""
        if path == self.note:
            return
        beside = self.note.with_name(f".{NAME}.new")
        with suppress(OSError):
            beside.unlink(missing_ok=True)
            beside.symlink_to(path)
            os.replace(beside, self.note)

    def leave(self, path: Path) -> None:
        """Takes away what was made for the socket at `path`; the folder of a service is not ours to remove."""
        with suppress(OSError):
            if path != self.note and os.readlink(self.note) == str(path):
                self.note.unlink()
        if path != self.note and path.parent != self._given:
            with suppress(OSError):
                path.parent.rmdir()

    def _owner(self) -> int:
        try:
            return self.data.stat().st_uid
        except OSError:
            return os.geteuid()

    def _owners(self) -> Path:
        return _USERS / str(self._owner())


def _first_of(text: str | None) -> Path | None:
    """systemd joins several with colons (systemd.exec(5))."""
    return _absolute((text or "").partition(":")[0])


def _absolute(text: str | None) -> Path | None:
    return Path(text) if text and text.startswith("/") else None


def _short(folder: Path) -> Iterator[Path]:
    path = folder / NAME
    if len(os.fsencode(path)) <= _LONGEST:
        yield path


def _make_own(folder: Path) -> bool:
    """Makes `folder` where it is not there; whether it is a real folder of ours that nobody else may write."""
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=_FOLDER_MODE)
        found = folder.lstat()
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & others
