"""How often, by whose rules, and how regular: how a name is asked for, in sentences."""

from __future__ import annotations

import re

import pytest

from gateway.application.cadence import cadence_and_parties
from gateway.classifier.service import Classifier

HOUR = 3600.0


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


def test_a_published_rhythm_is_reported_with_who_published_it(classifier: Classifier) -> None:
    name = "tkacr12.alphonso.tv"
    facts = cadence_and_parties(classifier, name, classifier.tag(name), "")["cadence"]
    assert facts["seconds"] == 15
    assert facts["says"].startswith("A device that uses it asks about every 15 seconds, says Anselmi")
    assert "http" not in facts["says"]
    assert "http" in facts["source"]


def test_the_source_of_a_rhythm_is_the_one_that_speaks_of_it(classifier: Classifier) -> None:
    """Every rule with a cadence has a source; where several speak, it is one whose words hold a time."""
    name = "qt2-eic.cdpbeacon2.lgtvcommon.com"
    assert "11412" in cadence_and_parties(classifier, name, classifier.tag(name), "")["cadence"]["source"]


def test_a_name_without_a_published_rhythm_has_none(classifier: Classifier) -> None:
    for name in ("example.com", "ads.samsung.com"):
        facts = cadence_and_parties(classifier, name, classifier.tag(name), "")
        assert facts["cadence"] is None
        assert facts["seen"] is None


def test_two_rule_sets_stand_side_by_side(classifier: Classifier) -> None:
    facts = cadence_and_parties(classifier, "netflix.com", classifier.tag("netflix.com", (), "Samsung"), "Samsung")[
        "parties"
    ]
    assert (facts["telltale"], facts["study"]) == ("third", "first")
    assert facts["says"].startswith("Telltale says: an outside company's. The published study")
    same = cadence_and_parties(
        classifier, "ads.samsung.com", classifier.tag("ads.samsung.com", (), "Samsung"), "Samsung"
    )
    assert "both say: the maker's own." in same["parties"]["says"]


def test_where_there_is_nothing_to_compare_nothing_is_said(classifier: Classifier) -> None:
    for name in ("printer.local", "4.3.2.1.in-addr.arpa", "nobody.knows.example"):
        assert cadence_and_parties(classifier, name, classifier.tag(name), "Samsung")["parties"]["says"] == ""
    unknown = cadence_and_parties(classifier, "ads.samsung.com", classifier.tag("ads.samsung.com"), "")["parties"][
        "says"
    ]
    assert unknown.startswith("Whether that is the maker's own or an outside company depends on")


def test_a_heartbeat_in_this_home_is_reported(classifier: Classifier) -> None:
    times = [at * HOUR / 2 for at in range(30)]
    facts = cadence_and_parties(
        classifier, "config.samsungads.com", classifier.tag("config.samsungads.com"), "", times, 3
    )["seen"]
    assert facts["beacon"]
    assert facts["period"] == HOUR / 2
    heartbeat = "In your home it is asked for every 30 minutes, as regular as a heartbeat; 3 devices ask for it"
    assert facts["says"] == f"{heartbeat}.", "of a listed name there is nothing to guess"
    for name, sure in (
        ("log.example.com", "looks like a tracker"),
        ("track.example.com", "may be a tracker, and we are not sure"),
    ):
        facts = cadence_and_parties(classifier, name, classifier.tag(name), "", times, 3)["seen"]
        guess = rf"\. With its spelling that {sure}: \d\d %, by the spelling alone \d\d %\."
        assert re.fullmatch(heartbeat + guess, facts["says"])
    facts = cadence_and_parties(classifier, "cdn.nobody.example", classifier.tag("cdn.nobody.example"), "", times, 3)[
        "seen"
    ]
    assert facts["says"] == f"{heartbeat}.", "what looks like none is not made one by how it is asked for"


def test_too_few_look_ups_tell_no_rhythm(classifier: Classifier) -> None:
    facts = cadence_and_parties(classifier, "a.example.com", classifier.tag("a.example.com"), "", [1.0, 2.0])["seen"]
    assert (facts["lookups"], facts["period"], facts["beacon"], facts["says"]) == (1, None, False, "")
