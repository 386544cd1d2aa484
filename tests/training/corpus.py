"""Names that others call trackers and names that others say are none, read where they lie.

A name is in one fold with every other name of its registrable domain. At most `PER_DOMAIN` names of a domain are taken
from one list, so that a domain with thousands of names does not drown the others, and names that differ only in their
digits are one name.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.classifier.heuristics import is_local
from gateway.classifier.index import Index
from gateway.classifier.loader import load_knowledge
from gateway.classifier.public_suffix import registrable_domain
from gateway.model.tag import Category, Need

FOLDS = 5
PER_DOMAIN = 3
_COUNTRIES = 6
_LISTS = ("adguarddns", "adaway", "someonewhocares")
_LIST_SHARE = {"adguarddns": 2, "adaway": 1, "someonewhocares": 2}
_TRACKS = frozenset({"advertising", "site_analytics", "pornvertising"})
_SERVES = frozenset({"audio_video_player", "cdn", "hosting", "social_media", "email", "consent", "comments"})
_NEITHER = frozenset({Category.UNKNOWN, Category.CRASH_REPORTS, Category.RECOMMENDATIONS})
_NOT_PEOPLE = re.compile(r"bad|malformed|invalid|fuzz|long_domain|dnscrypt")
_PURPOSES = {
    "acr": Category.TELEMETRY,
    "ads": Category.ADVERTISING,
    "telemetry": Category.TELEMETRY,
}
NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_DIGITS = re.compile(r"[0-9]+")
_NDPI_TRACKS = re.compile(r"Advert|[Tt]racker|Analytics|ADS_")
SHOWN_IN_CAPTURE = re.compile(r"Hostname/SNI: ([^\]\s]+)\]")
_PUBLISHED = Path(__file__).with_name("published_names.txt")


@dataclass(frozen=True, slots=True)
class Sample:
    """`tracks` is what others say; `kind` is the category where they say that too; `television` is true for names that
    televisions are known to ask for; `scored` is false for what only helps the training; another `salt` is another
    split."""

    name: str
    registrable: str
    tracks: bool
    source: str
    kind: Category | None = None
    television: bool = False
    scored: bool = True
    salt: str = ""

    @property
    def fold(self) -> int:
        return number(self.salt + self.registrable) % FOLDS


def number(text: str) -> int:
    """A number that belongs to this text, the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def read_corpus(folder: Path, salt: str = "") -> list[Sample]:
    """Every name once, in an order that depends on the names alone. Where sources disagree the more careful source
    speaks: labels of television names, then our knowledge base, then the companies, then the lists.
    """
    taken: dict[str, Sample] = {}
    disputed: set[str] = set()
    for sample in _labels(folder):
        if sample.name in taken and taken[sample.name].tracks != sample.tracks:
            disputed.add(sample.name)
        taken.setdefault(sample.name, sample)
    listed = {name: list(_listed(folder, name)) for name in _LISTS}
    everywhere = {name for names in listed.values() for name in names}
    index = load_knowledge().index
    for group in (_knowledge(index), _captures(folder, index), _companies(folder, everywhere), _lists(listed, index)):
        for sample in group:
            taken.setdefault(sample.name, sample)
    for sample in published(_PUBLISHED.read_text(encoding="ascii")):
        taken.setdefault(sample.name, sample)
    read_alike: dict[tuple[str, bool], Sample] = {}
    for name, sample in taken.items():
        if name not in disputed:
            read_alike.setdefault((_DIGITS.sub("0", name), sample.tracks), sample)
    ordered = sorted(read_alike.values(), key=lambda sample: number(sample.name))
    return [replace(sample, salt=salt) for sample in ordered] if salt else ordered


def _sample(name: str, tracks: bool, source: str, **more: object) -> Iterator[Sample]:
    name = name.lower().rstrip(".")
    if len(name) < 254 and NAME.fullmatch(name) and not is_local(name):
        registrable = registrable_domain(name)
        if registrable:
            yield Sample(name, registrable, tracks, source, **more)  # type: ignore[arg-type]


def _labels(folder: Path) -> Iterator[Sample]:
    """Rows that say what for. A row that only says "block" tells what somebody can live without, such as a maker's
    sign-in, and not that it tracks.
    """
    with (folder / "labels" / "tv_labelled_domains.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "regex" or row["conflict"]:
                continue
            tracks = row["action"] != "keep"
            kind = _PURPOSES.get(row["purpose"]) if tracks else None
            if tracks and kind is None:
                continue
            yield from _sample(row["domain"], tracks, "labels", kind=kind, television=True)


def _knowledge(index: Index) -> Iterator[Sample]:
    for pattern, domain, fact in index.items():
        if fact.category in _NEITHER or fact.need is Need.DISPUTED:
            continue
        name = example(pattern) if pattern.startswith("/") else domain
        kind = fact.category if fact.category.tracks else None
        yield from _sample(name, fact.category.tracks, "knowledge", kind=kind, television=True)


def _captures(folder: Path, index: Index) -> Iterator[Sample]:
    """Names in captures that are no trackers: those nDPI does not file under advertising or analytics."""
    for path in sorted((folder / "captures-expected").glob("*.out")):
        if _NOT_PEOPLE.search(path.name):
            continue
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            shown = SHOWN_IN_CAPTURE.search(line)
            known = index.find(shown[1].lower()) if shown else None
            if shown and not _NDPI_TRACKS.search(line) and not (known and known[1].category.tracks):
                yield from _sample(shown[1], False, "captures")


def _companies(folder: Path, listed: set[str]) -> Iterator[Sample]:
    """Names with a category that is clear about watching people. A label that comes under many suffixes, such as that
    of a search engine, is a company's site in many countries, whatever its category.
    """
    book = json.loads((folder / "companies" / "trackers.json").read_text(encoding="utf-8"))
    spelled = Counter(name.partition(".")[0] for name in book["trackerDomains"])
    for name, tracker in book["trackerDomains"].items():
        if spelled[name.partition(".")[0]] >= _COUNTRIES and name.count(".") < 3:
            continue
        category = book["categories"].get(str(book["trackers"][tracker]["categoryId"]))
        if category in _TRACKS:
            kind = Category.ADVERTISING if category != "site_analytics" else Category.ANALYTICS
            yield from _sample(name, True, "companies", kind=kind)
        elif category in _SERVES and name not in listed:
            yield from _sample(name, False, "companies")


def _listed(folder: Path, name: str) -> Iterator[str]:
    with (folder / "lists" / f"{name}.wildcard.txt").open(encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                yield line.strip().removeprefix("*.")


def _lists(listed: dict[str, list[str]], index: Index) -> Iterator[Sample]:
    """Names below a domain only: a bare domain on these lists is mostly a throw-away site that no television asks for.
    Names below a CDN or a cloud stand for whoever rents them and tell nothing.
    """
    for source, names in listed.items():
        shares = _LIST_SHARE[source]
        for name in _few_of_each(names):
            hosted = (known := index.find(name)) is not None and known[1].hosts
            if number("share " + name) % shares == 0 and not hosted and registrable_domain(name) != name:
                yield from _sample(name, True, "lists")


def published(text: str) -> Iterator[Sample]:
    """For the training only: what the file beside this one says, as it says it."""
    tracks = False
    for line in text.splitlines():
        if line.startswith("["):
            tracks = line.startswith("[tracks]")
        elif not line.startswith("#"):
            for name in line.split():
                yield from _sample(name, tracks, "published", scored=False)


def _few_of_each(names: Iterable[str]) -> Iterator[str]:
    by_domain: dict[str, list[str]] = {}
    for name in names:
        by_domain.setdefault(registrable_domain(name) or name, []).append(name)
    for group in by_domain.values():
        yield from sorted(group, key=number)[:PER_DOMAIN]


_ATOM = re.compile(r"(?:\\(?P<mark>[.d])|\[(?P<one>.)[^\]]*\]|(?P<plain>[a-z0-9_-]))(?:\{(?P<times>\d+)[^}]*\}|\??)")


def example(pattern: str) -> str:
    """One name that a regular expression of the knowledge base means: the first choice of everything."""
    text = re.sub(r"\(([^|()]*)[^()]*\)\??", r"\1", pattern.strip("/^$"))
    return "".join(
        (atom["one"] or atom["plain"] or {".": ".", "d": "1"}[atom["mark"]]) * int(atom["times"] or 1)
        for atom in _ATOM.finditer(text)
    )
