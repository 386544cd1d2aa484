"""One file that holds a whole box: rules, lists, devices, history, settings and the dashboard's password.

A backup is a ZIP of what people made and a manifest with the SHA-256 of each file, sealed with a passphrase where one
is given. A restore believes nothing of it: every length is bounded before it is read, every file is checked before the
first one of the box is touched, and nothing else is ever written, whatever the backup says.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from gateway import __version__
from gateway.application.folder import hold_folder, release_folder
from gateway.commands import backup_contents as contents
from gateway.commands.backup_contents import BOOK, JOURNAL, KEYS, MANIFEST, NETWORK, SETTINGS
from gateway.commands.sealing import MAGIC, Sealed, open_sealed
from gateway.errors import JournalError, SettingsError
from gateway.files import put_in_place, remove, sync_folder, write_synced
from gateway.journal.copying import copy_journal
from gateway.linux.rights import rights_of_owner
from gateway.settings import Settings
from web.auth import replace_keys

_CHUNK = 1 << 20
_SPARE = 64 << 20
"""Bytes that a restore leaves free on the disk."""
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    LookupError,
    ValueError,
    AttributeError,
    TypeError,
)


def write_backup(settings: Settings, file: str, passphrase: str | None = None, now: datetime | None = None) -> str:
    """Writes a backup, also of a running box; a sentence or two about it. Raises SettingsError, JournalError."""
    target = Path(file).expanduser().absolute()
    if not settings.data.is_dir():
        raise SettingsError("command.nothing-save-does", data=settings.data)
    temporary = target.with_name(f".{target.name}.part")
    try:
        with (
            rights_of_owner(target.parent),
            _written_whole(temporary, target) as raw,
            rights_of_owner(settings.data),
            tempfile.TemporaryDirectory(dir=settings.data) as scratch,
        ):
            members = _gather(settings, Path(scratch), sealed=passphrase is not None)
            sealed = Sealed(raw, passphrase) if passphrase is not None else None
            _write_zip(raw if sealed is None else sealed, members, now or datetime.now(UTC))
            if sealed is not None:
                sealed.finish()
    except OSError as error:
        raise SettingsError("command.backup-could-not", target=target, strerror=error.strerror) from None
    if passphrase is not None:
        return f"Saved {len(members)} files to {target}, encrypted. Without the passphrase nobody can read it, nor you."
    return (
        f"Saved {len(members)} files to {target}. It holds your household's history: keep it private. "
        "The Wi-Fi's passphrase is not in it; `telltale backup --encrypt` saves that too."
    )


@contextmanager
def _written_whole(temporary: Path, target: Path) -> Iterator[IO[bytes]]:
    """A file that becomes `target` when all went well, and of which nothing is left otherwise."""
    try:
        temporary.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as raw:
            yield raw
            raw.flush()
            os.fsync(raw.fileno())
        put_in_place(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def restore_backup(settings: Settings, file: str, passphrase: str | None = None) -> str:
    """Puts a backup in force; unpacked and checked whole before the first file is touched. Raises SettingsError."""
    source = Path(file).expanduser()
    with ExitStack() as stack:
        raw = stack.enter_context(_open(source))
        stack.enter_context(rights_of_owner(settings.data))
        hold_folder(settings.data, patience=0)
        stack.callback(release_folder)
        try:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=settings.data)))
            restored = _unpack(_plain(raw, passphrase, scratch), scratch)
            notes = _settle_settings(settings, scratch, restored)
        except JournalError as error:
            raise SettingsError("command.cannot-restored-nothing", file=file, error=error) from None
        except _UNREADABLE:
            raise SettingsError("command.not-backup-telltale", file=file) from None
        except OSError as error:
            raise SettingsError("command.could-not-unpacked", file=file, strerror=error.strerror) from None
        try:
            _put_in_force(settings, scratch, restored)
        except OSError as error:
            raise SettingsError("command.backup-force-only", strerror=error.strerror) from None
    return f"Restored {len(restored)} files into {settings.data}.{notes} Start Telltale again."


def is_sealed(file: str) -> bool:
    """Whether a passphrase is needed. Raises SettingsError when the file cannot be read."""
    with _open(Path(file).expanduser()) as raw:
        return raw.read(len(MAGIC)) == MAGIC


def _open(path: Path) -> IO[bytes]:
    try:
        if not path.is_file() and path.exists():
            raise SettingsError("command.not-file-nothing", path=path)
        return path.open("rb")
    except FileNotFoundError:
        raise SettingsError("command.no-file-nothing", path=path) from None
    except OSError as error:
        raise SettingsError("command.cannot-read-nothing", path=path, strerror=error.strerror) from None


def _gather(settings: Settings, scratch: Path, *, sealed: bool) -> dict[str, Path]:
    """What goes into a backup, by its name there."""
    lists = {f"lists/{each.name}": each for each in settings.lists_folder.glob("*.txt")}
    found = {BOOK: settings.policy, SETTINGS: settings.data / SETTINGS}
    found |= {name: path for name, path in lists.items() if contents.is_list(name)}
    members = {name: path for name, path in found.items() if path.is_file()}
    if sealed and settings.own_network.is_file():
        members[NETWORK] = settings.own_network
    if not sealed and SETTINGS in members:
        text = contents.without_passphrase(members[SETTINGS].read_text(encoding="utf-8"))
        members[SETTINGS] = scratch / SETTINGS
        members[SETTINGS].write_text(text, encoding="utf-8")
    with rights_of_owner(settings.auth.parent):
        keys = settings.auth.read_bytes() if settings.auth.is_file() else None
    if keys is not None:
        try:
            (scratch / KEYS).write_bytes(contents.keys_to_backup(keys))
        except ValueError as error:
            raise SettingsError("command.damaged-telltale-password", auth=settings.auth, error=error) from None
        members[KEYS] = scratch / KEYS
    if settings.journal.exists():
        members[JOURNAL] = scratch / JOURNAL
        copy_journal(settings.journal, members[JOURNAL])
    return members


def _write_zip(target: IO[bytes] | io.RawIOBase, members: dict[str, Path], now: datetime) -> None:
    sums = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in members.items():
            sums[name] = _store(archive, name, path)
        made = now.isoformat(timespec="seconds")
        about = {"format": contents.FORMAT, "version": __version__, "made": made, "sha256": sums}
        archive.writestr(MANIFEST, json.dumps(about, indent=1))


def _store(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    """Adds a file; the SHA-256 of just what was added, whoever replaces the file meanwhile."""
    digest = hashlib.sha256()
    with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as member:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            member.write(chunk)
    return digest.hexdigest()


def _plain(raw: IO[bytes], passphrase: str | None, scratch: Path) -> IO[bytes]:
    """The ZIP, unsealed into a file of ours where it is sealed."""
    sealed = raw.read(len(MAGIC)) == MAGIC
    raw.seek(0)
    if not sealed:
        return raw
    if passphrase is None:
        raise SettingsError("command.backup-encrypted-needs")
    _leave_room(scratch, os.fstat(raw.fileno()).st_size)
    write_synced(scratch / "unsealed", open_sealed(raw, passphrase), 0o600)
    return (scratch / "unsealed").open("rb")


def _unpack(raw: IO[bytes], scratch: Path) -> list[str]:
    """Writes every member that is to be restored into `scratch` and checks it; their names."""
    (scratch / "lists").mkdir()
    with raw, zipfile.ZipFile(_Sparing(raw)) as archive:
        names = contents.names_of(lambda name, most: b"".join(_pieces(archive, name, most)))
        _leave_room(scratch, sum(archive.getinfo(name).file_size for name in names))
        for name, wanted in names.items():
            digest = hashlib.sha256()
            write_synced(scratch / name, _hashed(_pieces(archive, name, contents.largest(name)), digest), 0o640)
            if digest.hexdigest() != wanted:
                raise ValueError("another sum")
            contents.check_member(name, scratch / name)
    return list(names)


def _pieces(archive: zipfile.ZipFile, name: str, most: int) -> Iterator[bytes]:
    about = archive.getinfo(name)
    if about.file_size > most or about.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("longer than it may be, or packed in a way that we never use")
    with archive.open(about) as member:
        yield from contents.copy_bounded(member, most)


def _hashed(pieces: Iterator[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _leave_room(folder: Path, needed: int) -> None:
    if needed + _SPARE > shutil.disk_usage(folder).free:
        raise SettingsError("command.disk-no-room", needed=f"{needed >> 20}")


def _settle_settings(settings: Settings, scratch: Path, restored: list[str]) -> str:
    """Restored settings keep the passphrase that this box has; what a person should know of it."""
    if SETTINGS not in restored or NETWORK in restored:
        return ""
    here, path = settings.data / SETTINGS, scratch / SETTINGS
    before = path.read_text(encoding="utf-8")
    after = contents.with_passphrase(before, here.read_text(encoding="utf-8") if here.is_file() else "")
    if after != before:
        write_synced(path, [after.encode()])
        contents.check_settings(path)
    elif contents.lacks_passphrase(before):
        return " The Wi-Fi's passphrase was not in it; the page Network shows the one that holds now."
    return ""


def _put_in_force(settings: Settings, scratch: Path, restored: list[str]) -> None:
    """From here on nothing should fail. What machines made of the old box goes first: none of it is true any more."""
    settings.lists_folder.mkdir(mode=0o750, exist_ok=True)
    for old in settings.lists_folder.iterdir():
        if not old.is_dir():
            old.unlink()
    if JOURNAL in restored:
        for suffix in ("-wal", "-shm"):
            settings.journal.with_name(JOURNAL + suffix).unlink(missing_ok=True)
    sync_folder(settings.lists_folder)
    for name in {BOOK, SETTINGS} - set(restored):
        remove(settings.data / name)
    for name in restored:
        if contents.is_keys(name):
            people = contents.keys_of_backup((scratch / name).read_bytes())
            with rights_of_owner(settings.auth.parent):
                replace_keys(settings.auth, people.password, people.tokens)
            continue
        if name == NETWORK:
            (scratch / name).chmod(0o600)
        put_in_place(scratch / name, settings.data / name)


class _Sparing(io.RawIOBase):
    """Reads a file for zipfile, which reads its whole table of contents at once, however long it says that is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _CHUNK:
            size = _CHUNK + 1
        found = self._file.read(size)
        if len(found) > _CHUNK:
            raise ValueError("a table of contents that is longer than any of ours")
        return found
