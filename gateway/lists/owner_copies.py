"""The two files of an owner list on this box, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gateway.errors import ListError
from gateway.lists.copies import ListCopy
from gateway.lists.known import known_at
from gateway.lists.owner_file import OwnerInput
from gateway.lists.owner_list import companies_beside, count_companies, read_owner_list

_LONGEST_TITLE: Final = 60
_BESIDE: Final = "companies"


class OwnerCopies:
    """A subscription whose file turned out to be a list of owners: `names` is its copy, `entry` its part of the report.

    The copy of its companies is another file, and is known in the report as `companies`.
    """

    def __init__(self, names: ListCopy, folder: Path, subscription: int, source: str, entry: dict[str, Any]) -> None:
        self._names, self._source, self._entry = names, source, entry
        before = entry.get("companies")
        self._beside: dict[str, Any] = before if isinstance(before, dict) else {}
        entry["companies"] = self._beside
        self._companies = ListCopy(folder, subscription, self._beside, beside=_BESIDE, count=count_companies)

    def read(
        self, title: str, is_suffix: Callable[[str], bool], *, fetch: bool, allow_private: bool
    ) -> OwnerInput | None:
        """What the list says, and notes in the report what there is to be known of it; None, with an error in the
        report, when its companies cannot be had. With `fetch` they are fetched anew.
        """
        if fetch or not self._companies.is_whole or self._source.startswith("/"):
            self._fetch(allow_private)
        if not self._companies.is_whole:
            return None
        known = known_at(self._source)
        try:
            read = read_owner_list(self._names.path, self._companies.path, is_suffix)
        except ListError as error:
            self._entry["error"] = str(error)
            return None
        title = title or (known.title if known else "") or self._source.partition("://")[2][:60] or self._source[-60:]
        title = " ".join("".join(filter(str.isprintable, title)).split())[:_LONGEST_TITLE]
        self._entry |= {"title": title, "entries": len(read.names), "skipped": dict(read.skipped)}
        return OwnerInput(title, self._source, known.licence if known else "", read)

    def _fetch(self, allow_private: bool) -> None:
        """A list is as fresh as the staler of its files: what goes wrong here is the list's error, and tried again."""
        try:
            self._companies.fetch(companies_beside(self._source), allow_private=allow_private)
        except ListError as error:
            self._beside["failures"] = int(self._beside.get("failures", 0)) + 1
            self._entry |= {"error": str(error), "failures": self._beside["failures"]}
            return
        if self._beside.pop("failures", 0):
            self._entry |= {"error": None, "failures": 0}
