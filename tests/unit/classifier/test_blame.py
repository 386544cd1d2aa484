"""Blocking one company stops no name of another: in names made from carriers and their tenants, and in thousands that
another database of companies knows, where the shared data lie beside the checkout.

"Stops" means what a rule on a company acts on: the sure tag of a name.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.application.answering import sure_tags
from gateway.classifier.public_suffix import give_out_names, registrable_domain
from gateway.classifier.service import Classifier
from gateway.model.tag import Tag
from tests.support.shared_data import shared_data

_CARRIERS = [
    domain
    for line in Path(__file__).with_name("carriers.txt").read_text().splitlines()
    if not line.startswith("#")
    for domain in line.split()
]
_TENANTS = (
    "hbomax",
    "netflix",
    "disney",
    "espn",
    "samsung",
    "lg-tv",
    "roku",
    "philips",
    "sony",
    "spotify",
    "bbc",
    "itv",
)
_FORMS = re.compile(r"\b(inc|corp|corporation|llc|ltd|limited|gmbh|ag|sa|company|technologies|group|international)\b")
# What the database calls a company, and what it is called today or whom it was sold to.
_TODAY = {
    "163": "NetEase",
    "3GPP": "GSMA",
    "A.Mob": "Adot",
    "ADARA Analytics": "ADARA",
    "AT&T": "Warner Bros. Discovery",
    "Acuity Ads": "Illumin",
    "AdRoll": "NextRoll",
    "Adelphic": "Viant",
    "AdsWizz": "SiriusXM",
    "Alibaba Cloud": "Alibaba",
    "Alipay": "Alibaba",
    "Apollo Global Management, Inc.": "Yahoo",
    "Audience Square": "Audigent",
    "Australian Government": "ABC Australia",
    "Auth0 Inc.": "Okta",
    "Automattic": "WordPress Foundation",
    "Beeswax": "FreeWheel",
    "Branch Metrics": "Branch",
    "Centro": "Basis Technologies",
    "ClickTale": "Contentsquare",
    "Comodo Security Solutions, Inc.": "Sectigo",
    "Conversant": "Epsilon",
    "Cookiebot": "Usercentrics",
    "DataXu": "Roku",
    "Decibel Insight": "Medallia",
    "Drawbridge": "Microsoft",
    "EMX Digital": "EMX",
    "Engine": "EMX",
    "Evergage": "Salesforce",
    "Exponential Interactive, Inc": "VDX.tv",
    "Facebook": "Meta",
    "Flashtalking": "Mediaocean",
    "Fyber": "Digital Turbine",
    "ID5 Sync": "ID5",
    "JS Foundation": "OpenJS Foundation",
    "Kaspersky Lab": "Kaspersky",
    "Line": "LY Corporation",
    "MailChimp": "Intuit",
    "MarkMonitor": "Alibaba",
    "Marketo": "Adobe",
    "Mediametrie": "Médiamétrie",
    "Mercado": "Mercado Libre",
    "Merkle RKG": "Dentsu",
    "Meta Platforms, Inc.": "Meta",
    "Millward Brown": "Kantar",
    "Mozilla Foundation": "Mozilla",
    "NBC News": "Comcast",
    "NBCUniversal, LLC": "Versant",
    "Neustar ": "TransUnion",
    "News Corp": "Foxtel",
    "Nexstar Digital, LLC.": "Nexstar",
    "Nice264": "NPAW",
    "PageFair": "eyeo",
    "Pardot": "Salesforce",
    "Pocket": "Mozilla",
    "ProSiebenSat.1 Media": "ProSiebenSat.1",
    "RTL Group": "Magnite",
    "Rakuten Marketing LLC": "Rakuten",
    "RhythmOne, LLC": "Nexxen",
    "SMARTSTREAM.TV GmbH": "Smartstream",
    "SekiNdo": "Primis",
    "Semasio GmbH": "Samba TV",
    "SessionCam": "Glassbox",
    "Singtel": "Amobee",
    "Smart Adserver": "Equativ",
    "SmartLook": "Cisco",
    "SpringServe, LLC": "Magnite",
    "StartApp": "Start.io",
    "Ströer SSP GmbH": "Ströer",
    "Sungrow Power Supply Company Limited": "Sungrow",
    "Symantec": "DigiCert or Gen Digital or Broadcom",
    "TV Squared": "Innovid",
    "Taobao": "Alibaba",
    "The Rubicon Project, Limited": "Magnite",
    "The Walt Disney Company": "Disney",
    "ThreatMetrix": "RELX",
    "Tremor Video": "Magnite or Nexxen",
    "TubeMogul": "Adobe",
    "Umeng": "Alibaba",
    "Unruly Group Ltd": "Nexxen",
    "Urban Airship, Inc.": "Airship",
    "Verizon": "Yahoo",
    "VigLink": "Sovrn",
    "Vungle": "Liftoff",
    "Webtrekk": "Mapp",
    "X (formerly Twitter)": "AppLovin or X",
    "Xaxis": "GroupM",
    "Xiaomi Inc.": "Dreame or Zepp Health",
    "Yahoo! Japan": "LY Corporation",
    "Yahoo! Overture": "LY Corporation",
    "Zemanta, Inc.": "Outbrain",
    "Zencoder": "Brightcove",
    "ard.de": "ARD",
    "boltdns.net": "Brightcove",
    "fontawesome.com": "Fonticons",
    "iSpot.tv": "iSpot",
    "ironSource": "Unity",
    "perimeterx.net": "Human Security",
    "teufel.de": "Teufel",
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def sure_tag(classifier: Classifier) -> Callable[[str], Tag]:
    return sure_tags(classifier)


def test_no_tenant_is_blamed_for_a_carrier_and_no_carrier_for_a_tenant(sure_tag: Callable[[str], Tag]) -> None:
    stopped: dict[str, set[str]] = defaultdict(set)
    names = [
        f"{tenant}-4k.{kind}.{carrier}" for tenant in _TENANTS for kind in ("films", "app") for carrier in _CARRIERS
    ]
    for name in names:
        tag = sure_tag(name)
        if tag.company is not None and not (tag.rule or "").startswith("."):
            stopped[tag.company].add(name)
    assert len(names) >= 4_000
    assert stopped == {}


def test_the_owner_of_a_carrier_is_the_same_whoever_rents_there(sure_tag: Callable[[str], Tag]) -> None:
    for carrier in _CARRIERS:
        owners = {sure_tag(f"{tenant}-4k.films.{carrier}").company for tenant in _TENANTS}
        assert len(owners) == 1, carrier


def _known_owners() -> Iterator[tuple[str, set[str]]]:
    """(name, what its owner is called) by companiesdb, without names that a tenant has at a carrier's."""
    folder = shared_data("companies")
    trackers = json.loads((folder / "trackers.json").read_text())
    companies = json.loads((folder / "companies.json").read_text())["companies"]
    listed = {domain: registrable_domain(domain) or domain for domain in trackers["trackerDomains"]}
    shared = give_out_names(listed.values()) | set(_CARRIERS)
    for domain, key in trackers["trackerDomains"].items():
        tracker = trackers["trackers"].get(key, {})
        owner = {companies.get(tracker.get("companyId"), {}).get("name") or key, tracker.get("name") or key}
        if listed[domain] in shared:
            continue
        yield domain, owner
        # What nobody has listed below it belongs to the same owner.
        yield f"nobody-has-seen-this.{domain}", owner


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _FORMS.sub("", name.casefold()))


@pytest.mark.large
def test_blocking_any_one_company_stops_no_name_of_another(
    classifier: Classifier, sure_tag: Callable[[str], Tag]
) -> None:
    stopped: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
    names = list(_known_owners())
    own = 0
    for name, owner in names:
        company = sure_tag(name).company
        if company is None:
            continue
        related = {_plain(each) for each in classifier.family(company)}
        today = {now for each in owner for now in _TODAY.get(each, "").split(" or ")}
        if related & {_plain(each) for each in owner | today if each}:
            own += 1
        else:
            stopped[company].append((name, owner))
    print(f"{len(names)} names, {own} stopped by the rule on their own company")
    assert len(names) >= 4_000
    assert own >= 1_000
    assert dict(stopped) == {}
