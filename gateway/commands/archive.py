"""One file that holds a whole box: rules, lists, devices, history, settings and the dashboard's password.

A backup is a ZIP of the files below by their own names and a manifest with their SHA-256. Nothing else is ever
written by a restore, whatever the file says.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from gateway import __version__
from gateway.application.folder import hold_folder, release_folder
from gateway.errors import SettingsError
from gateway.files import give_away, put_in_place, write_synced
from gateway.journal.copying import copy_journal
from gateway.settings import Settings

_FORMAT = 1
_MANIFEST = "telltale.json"
_JOURNAL = "journal.sqlite"
_KEYS = "web.json"
_PLAIN_FILES = ("policy.json", _KEYS, "settings.toml", "lists/report.json", "lists/compiled.bin")
_LARGEST = 8 << 30
_CHUNK = 1 << 20
_UNREADABLE = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    LookupError,
    ValueError,
    AttributeError,
    TypeError,
)


def write_backup(settings: Settings, file: str, now: datetime | None = None) -> str:
    """Writes a backup, also of a running box; one sentence about it. Raises SettingsError, JournalError."""
    target = Path(file).expanduser().absolute()
    if not settings.data.is_dir():
        raise SettingsError(f"There is nothing to save: {settings.data} does not exist. Say --data DIR.")
    sums: dict[str, str] = {}
    temporary = target.with_name(f".{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=settings.data) as scratch:
            members = {name: _place(settings, name) for name in _PLAIN_FILES}
            lists = sorted(settings.lists_folder.glob("*.txt"))
            members |= {f"lists/{path.name}": path for path in lists if path.stem.isdigit()}
            if settings.journal.exists():
                members[_JOURNAL] = Path(scratch) / _JOURNAL
                copy_journal(settings.journal, members[_JOURNAL])
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as raw:
                with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
                    for name, path in members.items():
                        if path.is_file():
                            sums[name] = _store(archive, name, path)
                    made = (now or datetime.now(UTC)).isoformat(timespec="seconds")
                    about = {"format": _FORMAT, "version": __version__, "made": made, "sha256": sums}
                    archive.writestr(_MANIFEST, json.dumps(about, indent=1))
                raw.flush()
                os.fsync(raw.fileno())
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SettingsError(f"The backup could not be written to {target}: {error.strerror}.") from None
    return f"Saved {len(sums)} files to {target}. It holds your household's history and password: keep it private."


def restore_backup(settings: Settings, file: str) -> str:
    """Puts a backup in force; unpacked and checked whole before the first file is touched. Raises SettingsError."""
    hold_folder(settings.data, patience=0)
    beside: dict[Path, Path] = {}
    try:
        for folder in (settings.lists_folder, settings.auth.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        give_away(settings.lists_folder, settings.data)
        with zipfile.ZipFile(Path(file).expanduser()) as archive:
            names = _manifest(archive)
            for name, wanted in names.items():
                target = _place(settings, name)
                beside[target] = target.with_name(f".{target.name}.restored")
                _unpack(archive, name, beside[target], wanted)
        if _JOURNAL in names:
            for suffix in ("-wal", "-shm"):
                settings.journal.with_name(_JOURNAL + suffix).unlink(missing_ok=True)
        for target, new in beside.items():
            put_in_place(new, target)
        for name in set(_PLAIN_FILES) - names.keys():
            _place(settings, name).unlink(missing_ok=True)
    except _UNREADABLE:
        raise SettingsError(f"{file} is not a backup of Telltale, or it is damaged; nothing was changed.") from None
    finally:
        for new in beside.values():
            new.unlink(missing_ok=True)
        release_folder()
    return f"Restored {len(beside)} files into {settings.data}. Start Telltale again."


def _place(settings: Settings, name: str) -> Path:
    """Where a file of a backup lives: in the data folder, but for the keys, which may be the dashboard's alone."""
    return settings.auth if name == _KEYS else settings.data / name


def _store(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    """Adds a file; the SHA-256 of just what was added, whoever replaces the file meanwhile."""
    digest = hashlib.sha256()
    with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as member:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            member.write(chunk)
    return digest.hexdigest()


def _unpack(archive: zipfile.ZipFile, name: str, to: Path, wanted: str) -> None:
    """Writes a member to a file of the folder's owner, the password for nobody else's eyes."""
    digest = hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        with archive.open(name) as member:
            while chunk := member.read(_CHUNK):
                digest.update(chunk)
                yield chunk

    write_synced(to, pieces(), 0o600 if name == _KEYS else 0o640)
    if digest.hexdigest() != wanted:
        raise SettingsError(f"{name} in the backup is damaged; nothing was changed.")
    give_away(to, to.parent)


def _manifest(archive: zipfile.ZipFile) -> dict[str, str]:
    about = json.loads(archive.read(_MANIFEST))
    if about.get("format") != _FORMAT:
        raise SettingsError(f"This backup is from another version of Telltale ({about.get('version')}).")
    sums: dict[str, str] = about["sha256"]
    for name in sums:
        folder, _, leaf = name.rpartition("/")
        numbered = folder == "lists" and leaf.endswith(".txt") and leaf[:-4].isdigit() and leaf.isascii()
        if name not in (*_PLAIN_FILES, _JOURNAL) and not numbered:
            raise SettingsError("The backup holds a file that Telltale never writes; nothing was changed.")
    if sum(archive.getinfo(name).file_size for name in sums) > _LARGEST:
        raise SettingsError("The backup is larger than 8 GB; nothing was changed.")
    return sums
