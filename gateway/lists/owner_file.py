"""All owner lists in one mapped file: a trie of names, and whose each is. Five thousand names cost 170 kB of disk, and
of memory what is looked up.

The layout is that of `gateway.lists.compiled`: `kinds` has, for each key of the trie, the number of its owner; `starts`
where its record begins in `members`, JSON `[number of the list, company, web site]`.
"""

from __future__ import annotations

import json
import mmap
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import marisa_trie

from gateway.errors import ListError
from gateway.files import write_atomically
from gateway.lists.compiled import assemble, key_of, sections_of
from gateway.lists.owner_list import OwnerList
from gateway.model.listed import ListedOwner

OWNERS: Final = "owners.bin"
"""The name of the file, beside the compiled lists."""

_KIND: Final = "owners"


@dataclass(frozen=True, slots=True)
class OwnerInput:
    """A list that was read, and what people shall know of where it comes from."""

    title: str
    source: str
    licence: str
    read: OwnerList


class OwnerFile:
    """Immutable; safe to use until dropped, also after its file was replaced by a newer one."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        """Raises ListError when the data is not, byte for byte, what was written."""
        sections = sections_of(memoryview(data))
        try:
            meta = json.loads(bytes(sections["meta"]))
            if meta["what"] != _KIND:
                raise ValueError("another file")
            self._lists = [(str(title), str(source), str(licence)) for title, source, licence in meta["lists"]]
            self._kinds, self._starts = sections["kinds"].cast("I"), sections["starts"].cast("I")
            self._records = sections["members"]
            self._trie = marisa_trie.Trie()
            if len(self._kinds):
                self._trie.map(sections["trie"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ListError("lists.compiled-lists-damaged") from error

    @classmethod
    def open(cls, path: Path) -> OwnerFile:
        """Maps the file. Raises ListError when it is missing, truncated, damaged or from another version."""
        try:
            with path.open("rb") as file:
                return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except FileNotFoundError:
            raise ListError("lists.lists-not-been") from None
        except (OSError, ValueError) as error:
            raise ListError("lists.compiled-lists-cannot") from error

    def __len__(self) -> int:
        return len(self._kinds)

    def names(self, name: str) -> bool:
        """True when a list speaks of this very canonical name."""
        return key_of(name) in self._trie

    def find(self, name: str) -> ListedOwner | None:
        """Whose a canonical name is, by the longest name that a list has at or above it."""
        found = list(self._trie.iter_prefixes_with_ids(key_of(name)))
        if not found:
            return None
        prefix, number = found[-1]
        return self._owner(self._kinds[number], name[len(name) - len(prefix) + 1 :])

    def company(self, company: str, title: str) -> ListedOwner | None:
        """What the list of this title says of a company, whichever names it owns."""
        for number in range(len(self._starts) - 1):
            owner = self._owner(number, "")
            if (owner.company, owner.title) == (company, title):
                return owner
        return None

    def _owner(self, number: int, listed: str) -> ListedOwner:
        record: Any = json.loads(bytes(self._records[self._starts[number] : self._starts[number + 1]]))
        at, company, site = record
        return ListedOwner(str(company), str(site), listed, *self._lists[at])


def write_owners(lists: Sequence[OwnerInput], out: Path) -> None:
    """Compiles the lists and puts the file in the place of the old one; of two that name one name the first counts. No
    list is no file.

    Raises ListError when the file cannot be written.
    """
    if not lists:
        out.unlink(missing_ok=True)
        return
    owners: list[bytes] = []
    owner_of: dict[str, int] = {}
    for at, each in enumerate(lists):
        first = len(owners)
        owners += [json.dumps([at, *owner]).encode() for owner in each.read.owners]
        for name, number in each.read.names.items():
            owner_of.setdefault(key_of(name), first + number)
    trie = marisa_trie.Trie(owner_of)
    kinds = array("I", bytes(4 * len(trie)))
    for key, number in owner_of.items():
        kinds[trie[key]] = number
    starts = array("I", [0])
    for record in owners:
        starts.append(starts[-1] + len(record))
    meta = {"what": _KIND, "lists": [(each.title, each.source, each.licence) for each in lists]}
    pieces = assemble(
        {
            "meta": json.dumps(meta).encode(),
            "kinds": kinds.tobytes(),
            "starts": starts.tobytes(),
            "members": b"".join(owners),
            "trie": trie.tobytes(),
        }
    )
    try:
        write_atomically(out, pieces)
    except OSError as error:
        raise ListError("lists.compiled-lists-cannot-written", strerror=error.strerror or error) from error
