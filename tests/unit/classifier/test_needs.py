"""What stops without a name, as people reported it: need means need."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator

import pytest

from gateway.classifier.fact import Fact
from gateway.classifier.loader import BUILT_IN, Knowledge, load_knowledge
from gateway.classifier.presets import AGREED, Preset, blocks
from gateway.classifier.rule_file import read_rows
from gateway.model.tag import Category, Need, Tag
from tests.support.labels import is_public_report
from tests.support.shared_data import shared_data

_OPEN = (Need.REQUIRED, Need.DEGRADES, Need.DISPUTED)
_TRACKERS = (
    Category.ACR,
    Category.ADVERTISING,
    Category.ANALYTICS,
    Category.TELEMETRY,
    Category.CRASH_REPORTS,
    Category.RECOMMENDATIONS,
)

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


@pytest.mark.large
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
    assert len(named) >= 250


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


def test_what_one_app_or_maker_needs_is_stopped_everywhere_else(knowledge: Knowledge) -> None:
    """Calm and Quiet spare a tracker for those who would miss it, whoever of them it is, and Quiet for nobody else."""
    needs = [(text, _tag(fact)) for text, _, fact in knowledge.index.items() if _is_a_tracker_that_some_need(fact)]
    print(len(needs), "trackers are spared only for those who need them")
    assert len(needs) >= 80
    for preset in (Preset.CALM, Preset.QUIET):
        missed = [(text, each) for text, tag in needs for each in tag.needed_by if blocks(preset, tag, {each})]
        assert missed == []
    assert [text for text, tag in needs if not blocks(Preset.QUIET, tag)] == []


def _is_a_tracker_that_some_need(fact: Fact) -> bool:
    return bool(fact.needed_by) and fact.category in _TRACKERS and fact.confidence >= AGREED


def _tag(fact: Fact) -> Tag:
    return Tag(category=fact.category, need=fact.need, confidence=fact.confidence, needed_by=fact.needed_by)
