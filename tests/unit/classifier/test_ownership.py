from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from gateway.classifier.fact import Fact
from gateway.classifier.index import Index
from gateway.classifier.loader import Knowledge, load_knowledge
from gateway.classifier.ownership import earned_owners
from gateway.classifier.pattern import parse_pattern
from gateway.classifier.public_suffix import registrable_domain
from gateway.classifier.service import Classifier
from gateway.model.tag import UNTAGGED, Category, Need

_CARRIERS = [
    domain
    for line in Path(__file__).with_name("carriers.txt").read_text().splitlines()
    if not line.startswith("#")
    for domain in line.split()
]


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def _rules(*said: tuple[str, str | None], category: Category = Category.CONTENT) -> Iterable[tuple[str, str, Fact]]:
    index = Index()
    for pattern, company in said:
        index.add(parse_pattern(pattern), Fact(company, category, Need.UNKNOWN, 0.7, ()))
    return list(index.items())


def _tenant(domain: str, number: int = 5) -> Iterable[tuple[str, str, Fact]]:
    return _rules(*((f"films{n}.{domain}", "Netflix") for n in range(number)))


@pytest.mark.parametrize("pattern", [".maker.example", "maker.example"])
def test_a_rule_about_the_domain_itself_says_whose_it_is(pattern: str) -> None:
    assert earned_owners(_rules((pattern, "Maker")), ()) == {"maker.example": "Maker"}


def test_one_tenant_or_two_give_no_landlord_away() -> None:
    assert earned_owners(_rules(("a.host.example", "Maker"), ("b.host.example", "Maker")), ()) == {}


def test_one_name_said_as_a_name_and_as_a_zone_is_one() -> None:
    said = _rules(*((pattern, "Maker") for pattern in ("a.m.example", ".a.m.example", "b.m.example", ".b.m.example")))
    assert earned_owners(said, ()) == {}


def test_three_names_are_enough_and_so_are_three_expressions() -> None:
    assert earned_owners(_tenant("maker.example", 3), ()) == {"maker.example": "Netflix"}
    said = _rules(*((rf"/^{letter}\d\.maker\.example$/", "Maker") for letter in "abc"))
    assert earned_owners(said, ()) == {"maker.example": "Maker"}


def test_one_guest_does_not_take_a_domain_from_its_owner() -> None:
    own = [(f"a{n}.maker.example", "Maker") for n in range(3)]
    assert earned_owners(_rules(*own, ("ads.maker.example", "Guest")), ()) == {"maker.example": "Maker"}


def test_nobody_owns_what_two_share() -> None:
    own = [(f"a{n}.shared.example", "Maker") for n in range(6)]
    others = [(f"b{n}.shared.example", "Guest") for n in range(3)]
    assert earned_owners(_rules(*own, *others), ()) == {}


def test_names_without_an_owner_count_for_nobody() -> None:
    own = [(f"a{n}.maker.example", "Maker") for n in range(3)]
    nobody: list[tuple[str, str | None]] = [(f"b{n}.maker.example", None) for n in range(9)]
    assert earned_owners(_rules(*own, *nobody), ()) == {"maker.example": "Maker"}


@pytest.mark.parametrize("category", [Category.CDN, Category.CLOUD])
def test_a_domain_that_only_carries_gives_nobody_away(category: Category) -> None:
    carries = _rules((".carrier.example", "Carrier"), category=category)
    assert earned_owners([*_tenant("carrier.example"), *carries], ()) == {}
    assert earned_owners(_rules((".carrier.example", "Carrier"), category=category), ()) == {}


def test_where_strangers_have_names_even_a_rule_about_the_domain_reaches_no_further() -> None:
    assert earned_owners(_rules(("carrier.example", "Carrier")), {"carrier.example"}) == {}


def test_a_public_suffix_of_a_company_gives_nobody_away() -> None:
    assert earned_owners(_tenant("github.io"), ()) == {}


@pytest.mark.parametrize("domain", ["com.be", "net.example", "org.example"])
def test_what_stands_for_a_trade_gives_nobody_away(domain: str) -> None:
    assert earned_owners(_tenant(domain), ()) == {}
    assert earned_owners(_rules((domain, "Maker")), ()) == {}


def test_there_are_enough_carriers_and_each_is_a_whole_domain() -> None:
    assert len(set(_CARRIERS)) == len(_CARRIERS) >= 200
    assert [domain for domain in _CARRIERS if registrable_domain(domain) != domain] == []


def test_what_stands_in_the_carriers_file_is_a_whole_domain(knowledge: Knowledge) -> None:
    assert len(knowledge.shared) >= 200
    assert [domain for domain in knowledge.shared if registrable_domain(domain) != domain] == []


def test_whatever_is_known_of_their_tenants_no_carrier_cdn_or_cloud_has_an_owner_by_inference(
    knowledge: Knowledge,
) -> None:
    rules = [*knowledge.index.items(), *(rule for domain in _CARRIERS for rule in _tenant(domain))]
    owners = earned_owners(rules, knowledge.shared)
    assert {domain: owners[domain] for domain in _CARRIERS if domain in owners} == {}
    assert len(owners) >= 400


@pytest.mark.parametrize(
    ("name", "company"),
    [
        ("www.philips.com", "Philips"),
        ("www.netgear.com", "NETGEAR"),
        ("geoip.maxmind.com", "MaxMind"),
        ("x.conductrics.com", "Conductrics"),
        ("abc.c.footprint.net", "Lumen"),
        ("x.s.llnwi.net", "Edgio"),
        ("content-other.uplynk.com", "Uplynk"),
        ("www.arte.de", "ARTE"),
        ("x.bldrdoc.gov", None),
        ("other.bn5x.net", None),
        ("other.beusable.net", None),
        ("other.aws-prd.net", None),
        ("other.tvtelemetrie.de", None),
        ("other.digitalsmiths.net", None),
        ("new.xiaomi.com", "Xiaomi"),
        ("new.a2z.com", "Amazon"),
        ("www.kika.de", "KiKA"),
    ],
)
def test_who_rents_a_name_is_not_blamed_for_the_domain(name: str, company: str | None) -> None:
    tag = Classifier.load().sure_tag(name)
    assert tag.company == company
    assert company is None or tag.confidence >= 0.5


def test_a_zone_that_says_whose_and_not_what_for_leaves_the_purpose_to_a_guess() -> None:
    classifier = Classifier.load()
    tag = classifier.tag("ads.samsung.com", maker="Samsung")
    assert (tag.company, tag.category, tag.rule) == ("Samsung", Category.ADVERTISING, ".samsung.com")
    assert tag.confidence < 0.5
    assert tag.evidence[-1].source == "Telltale's own guess"


def test_a_decision_never_rests_on_that_guess_whichever_is_asked_first() -> None:
    for first in ("tag", "sure_tag"):
        classifier = Classifier.load()
        getattr(classifier, first)("ads.samsung.com", maker="Samsung")
        sure = classifier.sure_tag("ads.samsung.com", "Samsung")
        assert (sure.company, sure.category, sure.confidence >= 0.5) == ("Samsung", Category.UNKNOWN, True)
        assert classifier.tag("ads.samsung.com", maker="Samsung").category is Category.ADVERTISING


def test_a_flood_of_names_below_one_domain_shares_one_sure_tag() -> None:
    classifier = Classifier.load()
    assert classifier.sure_tag("a1.samsung.com") is classifier.sure_tag("a2.samsung.com")
    assert classifier.sure_tag("a1.roku.com") is classifier.sure_tag("a2.roku.com") is not UNTAGGED


def test_where_something_breaks_the_purpose_is_not_guessed_over_it() -> None:
    tag = Classifier.load().tag("log.zeasn.tv")
    assert (tag.need, tag.category) == (Need.DISPUTED, Category.UNKNOWN)


def test_a_purpose_is_known_or_open() -> None:
    classifier = Classifier.load()
    assert classifier.knows_purpose("scribe.logs.roku.com")
    assert not classifier.knows_purpose("ads.samsung.com")
    assert not classifier.knows_purpose("nobody.example.org")
