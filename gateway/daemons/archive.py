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
from datetime import UTC, datetime
from pathlib import Path

from gateway import __version__
from gateway.control.client import ControlClient
from gateway.errors import SettingsError, Unavailable
from gateway.files import write_atomically
from gateway.journal.copying import copy_journal
from gateway.settings import Settings

_FORMAT = 1
_MANIFEST = "telltale.json"
_JOURNAL = "journal.sqlite"
_PLAIN_FILES = ("policy.json", "web.json", "settings.toml", "lists/report.json", "lists/compiled.bin")
_LARGEST = 8 << 30


def write_backup(settings: Settings, file: str, now: datetime | None = None) -> str:
    """Writes a backup, also of a running box; one sentence about it. Raises SettingsError, JournalError."""
    target = Path(file).expanduser().absolute()
    if not settings.data.is_dir():
        raise SettingsError(f"There is nothing to save: {settings.data} does not exist. Say --data DIR.")
    sums: dict[str, str] = {}
    temporary = target.with_name(f".{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=settings.data) as scratch:
            members = {name: settings.data / name for name in _PLAIN_FILES}
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
                            sums[name] = _checksum(path)
                            archive.write(path, name)
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
    """Puts a backup in force; checked whole before the first file is touched. Raises SettingsError."""
    try:
        ControlClient(settings.control).call("status")
    except Unavailable:
        pass
    else:
        raise SettingsError("Telltale is running; stop it first, then restore.")
    try:
        with zipfile.ZipFile(Path(file).expanduser()) as archive:
            sums = _manifest(archive)
            contents = {name: archive.read(name) for name in sums}
    except (OSError, zipfile.BadZipFile, KeyError, RuntimeError):
        raise SettingsError(f"{file} is not a backup of Telltale, or it is damaged; nothing was changed.") from None
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != sums[name]:
            raise SettingsError(f"{name} in {file} is damaged; nothing was changed.")
    settings.lists_folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    if _JOURNAL in contents:
        for suffix in ("-wal", "-shm"):
            settings.journal.with_name(_JOURNAL + suffix).unlink(missing_ok=True)
    for name, content in contents.items():
        write_atomically(settings.data / name, [content], mode=0o600 if name == "web.json" else 0o640)
    for name in _PLAIN_FILES:
        if name not in contents:
            (settings.data / name).unlink(missing_ok=True)
    return f"Restored {len(contents)} files into {settings.data}. Start Telltale again."


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


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
