"""Lists of owners: whose a name is, as somebody else says, in the format of AdguardTeam/companiesdb.

Two JSON files make one list. `trackers.json` has `trackerDomains` (name to tracker) and `trackers` (tracker to
`companyId`); `companies.json`, beside it, has `companies` (id to `name` and `websiteUrl`). What is over a bound, is no
name or is a public suffix is left out and counted under a sentence.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gateway.errors import ListError
from gateway.model.name import Name

MAX_BYTES: Final = 4 << 20
MAX_NAMES: Final = 200_000
MAX_COMPANY: Final = 80
MAX_SITE: Final = 200
COMPANIES: Final = "companies.json"

_NO_NAME: Final = "It is not a name."
_SUFFIX: Final = "Everybody can register below it, so nobody owns it."
_NO_COMPANY: Final = "The list does not say whose it is."
_TOO_MANY: Final = f"A list has {MAX_NAMES:,} names at most."


@dataclass(slots=True)
class OwnerList:
    """`owners` are (company, web site or ""); `names` maps a name to the number of its owner."""

    owners: list[tuple[str, str]] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)


def is_owner_list(path: Path) -> bool:
    """Whether a file is one, by its beginning: block lists are text, and none begins with a brace. Raises OSError."""
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def companies_beside(source: str) -> str:
    """Where the companies of a list are: in the same folder as its names."""
    address, mark, query = source.partition("?")
    folder, slash, _ = address.rpartition("/")
    return f"{folder}{slash}{COMPANIES}{mark}{query}"


def count_owned(path: Path) -> int:
    """How many names a file has of which it says whose they are. Raises ListError when it is no owner list."""
    return len(_names_of(_load(path)))


def count_companies(path: Path) -> int:
    """How many companies a file has. Raises ListError when it is not such a file."""
    return len(_part(_load(path), "companies"))


def read_owner_list(names: Path, companies: Path, is_suffix: Callable[[str], bool]) -> OwnerList:
    """Both files together; `is_suffix` says of a canonical name whether everybody can register below it.

    Raises ListError.
    """
    # One after the other, because JSON takes twenty times its size in memory.
    known = {
        number: owner for number, about in _part(_load(companies), "companies").items() if (owner := _owner(about))
    }
    book = _load(names)
    trackers, wanted = _part(book, "trackers"), _names_of(book)
    found = OwnerList()
    numbers: dict[tuple[str, str], int] = {}
    for text, tracker in wanted.items():
        if len(found.names) >= MAX_NAMES:
            found.skipped[_TOO_MANY] += 1
            continue
        owner = known.get(_company_of(trackers, tracker))
        name = _canonical(text)
        if name is None or owner is None or is_suffix(name):
            found.skipped[_NO_NAME if name is None else _NO_COMPANY if owner is None else _SUFFIX] += 1
            continue
        number = numbers.setdefault(owner, len(numbers))
        if number == len(found.owners):
            found.owners.append(owner)
        found.names.setdefault(name, number)
    return found


def _load(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ListError("lists.list-larger-than-mib", limit=f"{MAX_BYTES >> 20}")
        book = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise ListError("lists.no-owner-list") from None
    except OSError as error:
        raise ListError("lists.list-cannot-stored", strerror=f"{error.strerror or error}") from error
    if not isinstance(book, dict):
        raise ListError("lists.no-owner-list")
    return book


def _part(book: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = book.get(key)
    if not isinstance(part, dict) or not part:
        raise ListError("lists.no-owner-list")
    return part


def _names_of(book: Mapping[str, Any]) -> Mapping[str, Any]:
    _part(book, "trackers")
    return _part(book, "trackerDomains")


def _company_of(trackers: Mapping[str, Any], tracker: Any) -> str:
    about = trackers.get(tracker) if isinstance(tracker, str) else None
    number = about.get("companyId") if isinstance(about, dict) else None
    return number if isinstance(number, str) else ""


def _owner(about: Any) -> tuple[str, str] | None:
    if not isinstance(about, dict):
        return None
    name = _text(about.get("name"), MAX_COMPANY)
    return (name, _text(about.get("websiteUrl"), MAX_SITE)) if name else None


def _text(value: Any, longest: int) -> str:
    """Strangers' text as one short printable line."""
    if not isinstance(value, str):
        return ""
    return " ".join("".join(char if char.isprintable() else " " for char in value[: 2 * longest]).split())[:longest]


def _canonical(text: str) -> str | None:
    if len(text) > 1024:
        return None
    try:
        name = Name.parse(text).text
    except ValueError:
        return None
    return name if "." in name and "\\" not in name else None
