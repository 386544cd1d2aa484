"""What public lists call a tracker, read where they lie: none of them is part of this project.

`public_lists.toml` says which files they are, of which commit, and under which licence. One list that speaks of
advertising and tracking alone is believed; of lists that also speak of other things, two are needed, and one makes a
name doubtful.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.model.name import ancestors
from tests.support.shared_data import find_shared_data

SOURCES = Path(__file__).with_name("public_lists.toml")
_VARIABLE = "TELLTALE_PUBLIC_LISTS"
_WATCHES = frozenset({"advertising", "site_analytics", "mobile_analytics", "pornvertising"})
_DISCONNECT = frozenset({"Advertising", "Analytics", "FingerprintingInvasive", "EmailAggressive", "Email"})
_DUCKDUCKGO = frozenset(
    {"Advertising", "Analytics", "Audience Measurement", "Ad Motivated Tracking", "Action Pixels", "Session Replay"}
)
_ADBLOCK = re.compile(r"\|\|([a-z0-9.-]+)\^(?:\$(?:third-party|3p|popup|doc|all|,)+)?")
_PLAIN = re.compile(r"(?:(?:0\.0\.0\.0|127\.0\.0\.1)\s+)?(?:\*\.)?([a-z0-9_.-]+\.[a-z0-9-]+)")


@dataclass(frozen=True, slots=True)
class PublicFile:
    """One file of `public_lists.toml`; `use` is names, careful or second."""

    name: str
    use: str
    repository: str
    commit: str
    paths: tuple[str, ...]
    licence: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """How many lists of each sort call a name, or a domain above it, a tracker."""

    careful: int
    second: int

    @property
    def tracks(self) -> bool:
        return self.careful > 0 or self.second > 1

    @property
    def doubtful(self) -> bool:
        return not self.careful and self.second == 1


class Opinions:
    """Sets of names, one a list."""

    def __init__(self, careful: list[set[str]], second: list[set[str]]) -> None:
        self._careful, self._second = careful, second

    def of(self, name: str) -> Opinion:
        """What the lists say of this name and of every domain above it that has two labels or more."""
        above = [each for each in ancestors(name) if "." in each]
        return Opinion(*(sum(not known.isdisjoint(above) for known in kind) for kind in (self._careful, self._second)))


def public_files() -> list[PublicFile]:
    """What is needed, in the order of the file."""
    table = tomllib.loads(SOURCES.read_text(encoding="utf-8"))
    return [PublicFile(**{**entry, "paths": tuple(entry["paths"])}) for entry in table["file"]]


def find_public_lists() -> Path | None:
    """The folder named by TELLTALE_PUBLIC_LISTS, else `traffic` in the shared data, if every file is there."""
    named, shared = os.environ.get(_VARIABLE), find_shared_data()
    folder = Path(named) if named else shared / "traffic" if shared else None
    return folder if folder and all(folder.joinpath(file.name).is_file() for file in public_files()) else None


def need_public_lists() -> Path:
    """The folder; skips the test, with what to do, where it is not there."""
    folder = find_public_lists()
    if folder is None:
        pytest.skip(f"the files of {SOURCES.name} are not here; put them into a folder and name it by {_VARIABLE}")
    return folder


def read_opinions(shared: Path, public: Path | None) -> Opinions:
    """Of the lists beside the checkout, and of those in the folder of public files where there is one; two seconds."""
    careful = [_names(shared / "lists" / "adguarddns.wildcard.txt")]
    second = [_names(shared / "lists" / f"{name}.wildcard.txt") for name in ("adaway", "someonewhocares")]
    second.append(set(_companies(shared / "companies" / "trackers.json")))
    for file in public_files() if public else ():
        if file.use != "names" and public:
            (careful if file.use == "careful" else second).append(_read(public / file.name))
    return Opinions(careful, second)


def _read(path: Path) -> set[str]:
    if path.name == "disconnect.json":
        return set(_disconnect(json.loads(path.read_text(encoding="utf-8"))))
    if path.name == "duckduckgo.json":
        trackers = json.loads(path.read_text(encoding="utf-8"))["trackers"]
        return {
            name
            for name, said in trackers.items()
            if said.get("default") == "block" and not _DUCKDUCKGO.isdisjoint(said.get("categories", ()))
        }
    return _names(path)


def _names(path: Path) -> set[str]:
    found = set()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _ADBLOCK.fullmatch(line.strip()) or _PLAIN.fullmatch(line.partition("#")[0].strip().lower())
        if match:
            found.add(match[1].strip("."))
    return found


def _companies(path: Path) -> Iterator[str]:
    book = json.loads(path.read_text(encoding="utf-8"))
    for name, tracker in book["trackerDomains"].items():
        if book["categories"].get(str(book["trackers"][tracker]["categoryId"])) in _WATCHES:
            yield name


def _disconnect(book: dict[str, dict[str, list[dict[str, dict[str, object]]]]]) -> Iterator[str]:
    for category, entries in book["categories"].items():
        if category in _DISCONNECT:
            for sites in (each for entry in entries for each in entry.values()):
                for names in sites.values():
                    yield from names if isinstance(names, list) else ()
