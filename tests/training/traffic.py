"""Names that people and devices really look up, in the share in which they look them up: a mix with its base rate.

A block list has trackers and nothing else, so a model that is scored on lists alone learns nothing of name servers,
clouds and platforms, which are most of what a home asks for. Names that differ in their digits alone are one name, and
the split goes by the registrable domain, as everywhere in this folder.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.classifier.heuristics import is_local
from gateway.classifier.public_suffix import registrable_domain
from tests.training.corpus import FOLDS, NAME, SHOWN_IN_CAPTURE, number
from tests.training.public_lists import Opinions

_DIGITS = re.compile(r"[0-9]+")
_NOT_PEOPLE = re.compile(r"bad|malformed|invalid|fuzz|long_domain|dnscrypt")


@dataclass(frozen=True, slots=True)
class Seen:
    """One name that was looked up, with a label below its registrable domain; `place` is popular, laboratory, gadgets
    or home. `doubtful` names are called a tracker by one list only that speaks of other things, too.
    """

    name: str
    registrable: str
    place: str
    tracks: bool
    doubtful: bool
    salt: str = ""

    @property
    def fold(self) -> int:
        return number(self.salt + self.registrable) % FOLDS


def read_traffic(shared: Path, public: Path | None, opinions: Opinions, salt: str = "") -> list[Seen]:
    """Every name once, under the first place that saw it, in an order that depends on the names alone.

    The names of `home` are never trained on: they lie beside the checkout, and are what others measure with.
    """
    read_alike: dict[str, Seen] = {}
    for place, names in (("home", _home(shared)), *(_public(public) if public else ())):
        for text in names:
            name = text.strip().rstrip(".").lower()
            registrable = registrable_domain(name) if NAME.fullmatch(name) and not is_local(name) else None
            if registrable and registrable != name and _DIGITS.sub("0", name) not in read_alike:
                said = opinions.of(name)
                seen = Seen(name, registrable, place, said.tracks, said.doubtful, salt)
                read_alike[_DIGITS.sub("0", name)] = seen
    return sorted(read_alike.values(), key=lambda seen: number(seen.name))


def _home(shared: Path) -> Iterator[str]:
    with (shared / "labels" / "home_devices.csv").open(encoding="utf-8") as file:
        yield from (row["name"] for row in csv.DictReader(file))
    for path in sorted((shared / "captures-expected").glob("*.out")):
        if not _NOT_PEOPLE.search(path.name):
            yield from SHOWN_IN_CAPTURE.findall(path.read_text(encoding="utf-8", errors="replace"))


def _public(folder: Path) -> Iterator[tuple[str, list[str]]]:
    with (folder / "gadgets.csv").open(encoding="utf-8") as file:
        yield "gadgets", [row[0] for row in csv.reader(file) if row]
    lines = (folder / "laboratory.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    # The analyzer cut names at 63 characters, so those are no names.
    names = [line.split("\t")[-1] for line in lines if "\t" in line]
    yield "laboratory", [name for name in names if len(name) < 63]
    yield "popular", json.loads((folder / "popular.json").read_text(encoding="utf-8"))["list"]
