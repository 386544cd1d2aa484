"""A list's copy on this box: whole, or fetched anew; and a list that has shrunk is kept apart until a person takes it.

What is known of a copy stands in the report, `copy`, and of one that waits, `held`: `{"size", "checksum", "entries",
"etag", "last_modified"}`. Whoever takes a copy that waits only has to rename its file; the next run sees that by the
checksum, so that a click outlasts everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from gateway.errors import ListError
from gateway.files import put_in_place
from gateway.lists.held import copy_path, held_path
from gateway.lists.sources import Stamp, count_entries, fetch

FEW_ENTRIES: Final = 20
"""A list that never had more may shrink as it likes."""

_SHRUNKEN: Final = 0.5
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """What a copy was when it was stored: bytes, SHA-256 in hexadecimal, entries, and what the server said of it."""

    size: int
    checksum: str
    entries: int
    etag: str = ""
    last_modified: str = ""

    @classmethod
    def read(cls, value: object) -> CopyRecord | None:
        """The record as a report has it; None for what is none."""
        if not isinstance(value, Mapping):
            return None
        try:
            return cls(
                int(value["size"]),
                str(value["checksum"]),
                int(value["entries"]),
                str(value.get("etag", "")),
                str(value.get("last_modified", "")),
            )
        except (KeyError, ValueError, TypeError):
            return None

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.etag, self.last_modified)

    def is_of(self, path: Path) -> bool:
        """Whether this is what the file holds, byte for byte."""
        try:
            return path.stat().st_size == self.size and checksum_of(path) == self.checksum
        except OSError:
            return False


def checksum_of(path: Path) -> str:
    """SHA-256 in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ListCopy:
    """The copy of one subscription, and its `entry` in the report, which is kept up to date. `count` reads a whole file
    as what it has to be, and raises ListError when it is not; a `beside` copy is another file of the same list, and may
    shrink as it likes.
    """

    def __init__(
        self,
        folder: Path,
        subscription: int,
        entry: dict[str, Any],
        *,
        beside: str = "",
        count: Callable[[Path], int] = count_entries,
    ) -> None:
        self.path, self._held_path = copy_path(folder, subscription), held_path(folder, subscription)
        if beside:
            self.path, self._held_path = self.path.with_suffix(f".{beside}"), self.path.with_suffix(f".{beside}-held")
        self._entry, self._count, self._may_shrink = entry, count, bool(beside)
        self._record, self._held = CopyRecord.read(entry.get("copy")), CopyRecord.read(entry.get("held"))
        self.is_damaged = False
        self._look()

    @property
    def is_whole(self) -> bool:
        """Whether there is a copy to be compiled."""
        return self._record is not None and not self.is_damaged

    def fetch(self, source: str, *, allow_private: bool) -> None:
        """Brings the newest list, unless the copy is the newest. Raises ListError; then all is as it was."""
        stamp = self._record.stamp if self._record and not self.is_damaged else Stamp()
        fetched = fetch(source, self.path, stamp, allow_private=allow_private, place=self._place)
        if not fetched.changed:
            self._forget_held()
        elif self._held is not None:
            self._held = CopyRecord(**asdict(self._held) | asdict(fetched.stamp))
        elif self._record is not None:
            self._record = CopyRecord(**asdict(self._record) | asdict(fetched.stamp))
        self._note()

    def _look(self) -> None:
        """Compares what lies there with what was stored."""
        record = self._record
        if not self.path.exists():
            self._record = None
        elif record is None:
            # From before there were records: taken as it is, and fetched whole the next time.
            try:
                self._record = _record_of(self.path, self._count)
            except ListError:
                self._record = None
            self.is_damaged = self._record is None
        elif not record.is_of(self.path):
            if self._held is not None and self._held.is_of(self.path):
                self._record = self._held
                self._forget_held()
            else:
                self.is_damaged = True
        self._note()

    def _place(self, new: Path, to: Path) -> None:
        before = self._record.entries if self._record is not None else 0
        record = _record_of(new, self._count)
        if record is None:
            raise ListError("lists.list-cannot-stored", strerror="it is gone again")
        if not self._may_shrink and before > FEW_ENTRIES and record.entries < before * _SHRUNKEN:
            put_in_place(new, self._held_path)
            self._held = record
            return
        put_in_place(new, to)
        self._record, self.is_damaged = record, False
        self._forget_held()

    def _forget_held(self) -> None:
        self._held = None
        self._held_path.unlink(missing_ok=True)

    def _note(self) -> None:
        self._entry["copy"] = asdict(self._record) if self._record is not None else None
        self._entry["held"] = asdict(self._held) if self._held is not None else None


def _record_of(path: Path, count: Callable[[Path], int]) -> CopyRecord | None:
    """What lies there now; None when it cannot be read. Raises ListError when it is not what it has to be."""
    try:
        return CopyRecord(path.stat().st_size, checksum_of(path), count(path))
    except OSError:
        return None
