"""The names that we ship against those that were published: a source is cited for what it really says."""

from __future__ import annotations

import csv
import json

import pytest

from gateway.classifier.loader import Knowledge, load_knowledge
from gateway.classifier.pattern import Kind, parse_pattern
from gateway.demo.fleet import TELEVISIONS
from tests.support.shared_data import need_shared_data, shared_data

need_shared_data()


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def _names_of(key: str) -> set[str]:
    """Names that a source really speaks of, from the data beside the checkout."""
    if key == "companiesdb":
        return set(json.loads(shared_data("companies", "trackers.json").read_text())["trackerDomains"])
    title = {"perflyst": "Perflyst/", "okazakee": "Okazakee/", "iotrim": "IoTrim/"}[key]
    with shared_data("labels", "tv_labelled_domains.csv").open(encoding="utf-8") as file:
        names = {row["domain"] for row in csv.DictReader(file) if title in row["sources"]}
    if key == "iotrim":
        with shared_data("labels", "iotrim.csv").open(encoding="utf-8") as file:
            names |= {row["destination"].lstrip(".") for row in csv.DictReader(file, delimiter=";")}
    return names


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("perflyst", "SmartTV.txt and AmazonFireTV.txt"),
        ("okazakee", "Okazakee/tv-dns-blocklist 192acf6"),
        ("iotrim", "IoTrim/iotrimlist"),
        ("companiesdb", "AdguardTeam/companiesdb"),
    ],
)
def test_a_source_really_speaks_of_each_name_it_is_cited_for(knowledge: Knowledge, key: str, source: str) -> None:
    listed, cited, wrong = _names_of(key), 0, []
    for text, domain, fact in knowledge.index.items():
        if not any(source in e.source for e in fact.evidence):
            continue
        cited += 1
        pattern = parse_pattern(text)
        parents = {domain.split(".", n)[-1] for n in range(domain.count("."))}
        if pattern.kind is Kind.REGEX:
            # A source may write an expression itself, which ends as ours does.
            tail = domain.replace(".", r"\.") + "$"
            said = bool(parents & listed) or any(pattern.matches(n) or n.endswith(tail) for n in listed)
        else:
            said = bool(parents & listed) or any(n.endswith("." + domain) for n in listed)
        if not said:
            wrong.append(text)
    assert cited > 10
    assert wrong == []


def test_most_names_are_published_ones() -> None:
    """The makers' own names stand in the labelled research data, exactly or below a name there."""
    with shared_data("labels", "tv_labelled_domains.csv").open(newline="") as file:
        known = {row["domain"] for row in csv.DictReader(file) if row["kind"] != "regex"}
    for script in TELEVISIONS:
        names = script.names()
        covered = [name for name in names if any(name == one or name.endswith("." + one) for one in known)]
        assert len(covered) / len(names) > 0.6, (script.label, sorted(names - set(covered)))
