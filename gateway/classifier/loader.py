"""Reads the knowledge folder: companies, services, carriers and sources (.toml), and .txt files of rules by trade."""

from __future__ import annotations

import codecs
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.classifier import plain_toml
from gateway.classifier.advice import shown
from gateway.classifier.company import Company
from gateway.classifier.index import Index
from gateway.classifier.schema import (
    Nameable,
    Problem,
    Tables,
    read_carriers,
    read_companies,
    read_rules,
    read_services,
    read_sources,
)
from gateway.classifier.used_service import Service
from gateway.errors import SettingsError

BUILT_IN = Path(__file__).parent / "knowledge"
_MAX_FILE = 1 << 20
_READ = re.compile(r"(?:companies|services|sources|carriers)(?:-.*)?\.toml|resolvers\.toml|.*\.txt")
_HOW_A_TABLE_IS_WRITTEN = (
    'write ["Its name"] in a line of its own, and below it key = "text", key = true or key = ["one", "two"], each of '
    "them once"
)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything that the folder says. `shared` are domains in which strangers have names."""

    index: Index
    companies: dict[str, Company]
    services: dict[str, Service] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()


def load_knowledge(folder: Path | None = None) -> Knowledge:
    """The knowledge that we ship, or that of another folder.

    Raises SettingsError with file, rule and what to do for the first thing that is wrong: half a knowledge base would
    quietly call trackers unknown.
    """
    folder = folder or BUILT_IN
    index = Index()
    try:
        _refuse_unread(folder)
        companies = read_companies(_read_tables(folder, "companies"))
        services = read_services(_read_tables(folder, "services", optional=True), companies)
        sources = read_sources(_read_tables(folder, "sources"))
        shared = read_carriers(_read_tables(folder, "carriers", optional=True), sources)
        known = Nameable(companies, services, sources)
        for path in sorted(folder.glob("*.txt")):
            for pattern, fact in read_rules(path.name, _read(path), known):
                try:
                    index.add(pattern, fact)
                except ValueError:
                    raise Problem(_twice(folder, pattern.text)) from None
    except Problem as error:
        raise SettingsError.saying(str(error)) from None
    return Knowledge(index, companies, services, shared)


def _refuse_unread(folder: Path) -> None:
    """A file with a name that nobody reads would be a contribution that quietly says nothing."""
    for path in folder.glob("*"):
        if path.suffix.lower() in (".toml", ".txt") and not _READ.fullmatch(path.name):
            raise Problem(
                f"{path.name}: a file of this name is never read; call it companies-….toml, services-….toml, "
                "sources-….toml or carriers-….toml for tables, and ….txt for rules."
            )


def _twice(folder: Path, pattern: str) -> str:
    places = [
        f"{path.name}, line {number}"
        for path in sorted(folder.glob("*.txt"))
        for number, line in enumerate(_read(path).split("\n"), 1)
        if line[:1] not in "# \t" and pattern in line.split()
    ]
    where = "in two rules" if len(places) > 1 else "twice in this line"
    return f"{', and '.join(places[:2])}: {pattern} stands {where}; keep one of them."


def _read_tables(folder: Path, about: str, *, optional: bool = False) -> Tables:
    """What companies.toml, companies-home.toml and so on say together."""
    first = folder / f"{about}.toml"
    rows: dict[str, Any] = {}
    files: dict[str, str] = {}
    for path in ([] if optional and not first.exists() else [first]) + sorted(folder.glob(f"{about}-*.toml")):
        table = _read_toml(path)
        if twice := table.keys() & rows.keys():
            name = min(twice)
            raise Problem(f"{path.name}: {shown(name)} has an entry in {files[name]} already; keep one of them.")
        rows |= table
        files |= dict.fromkeys(table, path.name)
    return Tables(rows, files)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise Problem(f"{path.name}: cannot be read ({error.strerror}); the folder is {path.parent}.") from None
    if len(data) > _MAX_FILE:
        raise Problem(f"{path.name}: has more than {_MAX_FILE >> 20} MiB; split it.")
    if data.startswith(codecs.BOM_UTF8):
        raise Problem(f"{path.name}: begins with a byte order mark; save it as UTF-8 without one.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, byte = data.count(b"\n", 0, error.start) + 1, data[error.start]
        raise Problem(f"{path.name}, line {line}: is not UTF-8 text (byte 0x{byte:02x}); save it as UTF-8.") from None


def _read_toml(path: Path) -> dict[str, Any]:
    text = _read(path)
    try:
        return plain_toml.loads(text)
    except RecursionError:
        raise Problem(f"{path.name}: is not TOML that can be read: its lists are nested too deeply.") from None
    except tomllib.TOMLDecodeError as error:
        what, at, place = str(error).partition(" (at line ")
        number = int(place.partition(",")[0]) if at else text.rstrip().count("\n") + 1
        line = text.split("\n")[number - 1].strip()
        raise Problem(
            f"{path.name}, line {number}: {shown(line)} is not TOML ({what}); {_HOW_A_TABLE_IS_WRITTEN}."
        ) from None
