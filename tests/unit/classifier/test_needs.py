"""What stops without a name, as people reported it: need means need."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator

import pytest

from gateway.classifier.fact import Fact
from gateway.classifier.loader import BUILT_IN, Knowledge, load_knowledge
from gateway.classifier.rule_file import read_rows
from gateway.model.tag import Need
from tests.support.labels import is_public_report
from tests.support.shared_data import shared_data

_OPEN = (Need.REQUIRED, Need.DEGRADES, Need.DISPUTED)

# What a person calls the app or the television -> the services and makers of which one must be named.
_APPS = {
    "disney+": {"Disney+"},
    "hulu": {"Hulu"},
    "paramount+": {"Paramount+"},
    "rifftrax": {"RiffTrax"},
    "twitch": {"Twitch"},
    "crackle": {"Crackle"},
    "vudu": {"Fandango at Home"},
    "prime video": {"Prime Video"},
    "fire tv": {"Amazon", "RTL+"},
    "samsung tv plus": {"Samsung TV Plus", "Samsung"},
    "rtl+": {"RTL+"},
    "joyn": {"Joyn"},
    "iplayer, itvx": {"BBC iPlayer", "ITVX"},
    "peacock": {"Peacock"},
    "lg": {"LG", "Netflix"},
    "roku": {"Roku", "RiffTrax", "Twitch", "Crackle", "Fandango at Home"},
    "cravetv": {"Crave"},
    "netflix": {"Netflix"},
}


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def test_every_reported_name_is_kept_and_says_for_whom(knowledge: Knowledge) -> None:
    with shared_data("labels", "reported_needed.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 40
    faults = [(row["name"], fault) for row in rows for fault in _faults(knowledge, row["name"], row["what stops"])]
    assert faults == []


def _faults(knowledge: Knowledge, name: str, stops: str) -> Iterator[str]:
    found = knowledge.index.find(name)
    if found is None:
        yield "is not in the base"
        return
    fact = found[1]
    if fact.need not in _OPEN:
        yield f"need is {fact.need.value}"
    if not fact.symptom:
        yield "has no symptom"
    if not any(is_public_report(e.source) for e in fact.evidence):
        yield "cites no public report"
    apps = [names for word, names in _APPS.items() if word in stops.casefold()]
    if not apps:
        yield f"the test does not know which app {stops!r} is about"
    if fact.need is Need.DEGRADES:
        yield from (f"is not needed by {names}" for names in apps if not names & set(fact.needed_by))


def test_many_names_are_kept_because_somebody_missed_them(knowledge: Knowledge) -> None:
    kept = [(text, fact) for text, _, fact in knowledge.index.items() if _is_missed(fact)]
    named = [text for text, fact in kept if fact.needed_by or fact.need is Need.REQUIRED]
    print(len(kept), "patterns with a public report of what stops;", len(named), "say for whom, or are required")
    assert len(named) >= 200


def _is_missed(fact: Fact) -> bool:
    return fact.need in (Need.REQUIRED, Need.DEGRADES) and any(is_public_report(e.source) for e in fact.evidence)


def test_who_calls_a_name_not_needed_cites_somebody_who_lived_without_it() -> None:
    """A list that blocks a name, or a database that knows its owner, says nothing about need."""
    sources = {k: v for p in BUILT_IN.glob("sources*.toml") for k, v in tomllib.loads(p.read_text()).items()}
    lived = {key for key, row in sources.items() if row.get("lived_without")}
    assert len(lived) >= 10
    unfounded = {
        f"{path.name}, line {row.line}": row.names[0]
        for path in sorted(BUILT_IN.glob("*.txt"))
        for row in read_rows(path.read_text())
        if row.values.get("need") == "not needed" and not lived & row.evidence.keys()
    }
    assert unfounded == {}, "cite a source with lived_without = true, or leave need out"
