"""Reads the knowledge folder: companies, services, carriers and sources (.toml), and .txt files of rules by trade."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.classifier import plain_toml
from gateway.classifier.company import Company
from gateway.classifier.index import Index
from gateway.classifier.schema import (
    Nameable,
    Problem,
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
        companies = read_companies(_read_tables(folder, "companies"))
        services = read_services(_read_tables(folder, "services", optional=True), companies)
        sources = read_sources(_read_tables(folder, "sources"))
        shared = read_carriers(_read_tables(folder, "carriers", optional=True), sources)
        known = Nameable(companies, services, sources)
        for path in sorted(folder.glob("*.txt")):
            for pattern, fact in read_rules(path.name, _read(path), known):
                try:
                    index.add(pattern, fact)
                except ValueError as error:
                    raise Problem(f"{path.name}: {error}") from None
    except Problem as error:
        raise SettingsError.saying(str(error)) from None
    return Knowledge(index, companies, services, shared)


def _read_tables(folder: Path, about: str, *, optional: bool = False) -> dict[str, Any]:
    """What companies.toml, companies-home.toml and so on say together."""
    first = folder / f"{about}.toml"
    together = {} if optional and not first.exists() else _read_toml(first)
    for path in sorted(folder.glob(f"{about}-*.toml")):
        table = _read_toml(path)
        if twice := table.keys() & together.keys():
            raise Problem(f"{path.name}: {min(twice)!r} has an entry in another file already; keep one of them.")
        together |= table
    return together


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise Problem(f"{path.name}: cannot be read ({error.strerror}); the folder is {path.parent}.") from None
    if len(data) > _MAX_FILE:
        raise Problem(f"{path.name}: has more than {_MAX_FILE >> 20} MiB; split it.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(f"{path.name}: is not UTF-8 text: {error}.") from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return plain_toml.loads(_read(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Problem(f"{path.name}: is not TOML: {error}.") from None
