"""The services that we ship: each is made of names with evidence, and is recognised by them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from gateway.classifier.fact import Fact
from gateway.classifier.loader import load_knowledge
from gateway.classifier.party import family
from gateway.classifier.service import Classifier
from gateway.classifier.service_names import watches
from gateway.model.tag import Category, Need
from tests.support.shared_data import shared_data

_KNOWLEDGE = load_knowledge()
_CLASSIFIER = Classifier(_KNOWLEDGE)
_FACTS = {text: fact for text, _, fact in _KNOWLEDGE.index.items() if fact.service is not None}
_SERVICES = sorted(_KNOWLEDGE.services)

_ASKED_FOR = """
Netflix; YouTube; YouTube TV; Disney+; Hulu; Max; Paramount+; Peacock; Prime Video; Apple TV+; Plex; Crackle; Tubi;
Pluto TV; The Roku Channel; Samsung TV Plus; LG Channels; NOW; Sky Go; ITVX; All 4; BBC iPlayer; My5; Joyn; RTL+;
Waipu.tv; Zattoo; ARD Mediathek; ZDF Mediathek; Magenta TV; Canal+; MyCanal; Molotov; TF1+; DAZN; ESPN+; fuboTV;
Sling TV; Philo; DIRECTV Stream; discovery+; Crunchyroll; Spotify; Deezer; Tidal; Amazon Music; Apple Music;
Pandora; TuneIn; SoundCloud; Twitch; Steam; PlayStation Network; Xbox Live; Nintendo Switch Online; GeForce NOW;
Epic Games; Roblox; TikTok; Facebook; Instagram; WhatsApp; X; Snapchat; Reddit; Pinterest
"""


_SENDS_FOR_OTHERS = {"Wurl"}
"""Sends channels for makers of televisions, from names of its own with theirs in them."""


def _signs(service: str) -> list[str]:
    return [text for text, fact in _FACTS.items() if fact.service == service and _is_sign(fact)]


def _is_sign(fact: Fact) -> bool:
    return not fact.asked_idle and not watches(fact)


def _example(text: str) -> str:
    """A name that this pattern of the base means."""
    if not text.startswith("/"):
        return text.lstrip(".")
    inner = text[2:-2]
    inner = re.sub(r"\(([^()|]+)(?:\|[^()]*)?\)", r"\1", inner)
    inner = re.sub(r"\[([a-z0-9])[^\]]*\]\{(\d+)(?:,\d+)?\}", lambda m: m[1] * int(m[2]), inner)
    inner = re.sub(r"\\d\{(\d+)(?:,\d+)?\}", lambda m: "1" * int(m[1]), inner)
    inner = re.sub(r"\[([a-z0-9])[^\]]*\]", r"\1", inner)
    return inner.replace(r"\d", "1").replace("\\.", ".").replace("?", "")


def test_the_services_of_a_home_are_known() -> None:
    print(len(_SERVICES), "services;", len(_FACTS), "patterns belong to one")
    assert len(_SERVICES) >= 60
    assert sorted(set(re.split(r";\s+", _ASKED_FOR.strip())) - set(_SERVICES)) == []
    assert {service.kind for service in _KNOWLEDGE.services.values()} == {"television", "music", "games", "social"}


@pytest.mark.parametrize("service", _SERVICES)
def test_each_service_says_in_one_sentence_what_stops(service: str) -> None:
    stops = _KNOWLEDGE.services[service].stops
    assert re.fullmatch(r"\S.{8,160}\.", stops), stops


@pytest.mark.parametrize("service", _SERVICES)
def test_each_service_has_names_of_its_own_that_show_its_use(service: str) -> None:
    signs = _signs(service)
    schemes = [text for text in signs if text[0] in "./"]
    assert schemes or len(signs) >= 3, signs
    assert all(_FACTS[text].evidence for text in signs)


@pytest.mark.parametrize("service", _SERVICES)
def test_names_of_a_service_are_divided_into_its_own_and_what_watches(service: str) -> None:
    own, watching = _CLASSIFIER.names_of(service)
    assert own
    assert not set(own) & set(watching)
    assert not [text for text in own if _FACTS[text].category.tracks]
    assert not [text for text in watching if not watches(_FACTS[text])]


def test_what_watches_is_known_where_it_was_published() -> None:
    watched = [service for service in _SERVICES if _CLASSIFIER.names_of(service)[1]]
    print(len(watched), "services with names that watch")
    assert len(watched) >= 80


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("stats.pandora.com", "Pandora"),
        ("eventgateway.soundcloud.com", "SoundCloud"),
        ("t2.hulu.com", "Hulu"),
        ("saa.paramountplus.com", "Paramount+"),
        ("telemetry.api.playstation.com", "PlayStation Network"),
        ("eec.crunchyroll.com", "Crunchyroll"),
        ("crash.steampowered.com", "Steam"),
        ("w88.espn.com", "ESPN+"),
    ],
)
def test_what_watches_inside_a_services_own_zone_is_no_sign_of_use(name: str, service: str) -> None:
    tag = _CLASSIFIER.tag(name)
    assert tag.service == service
    assert tag.category.tracks or tag.category is Category.CRASH_REPORTS
    assert _CLASSIFIER.service_of(name) is None


@pytest.mark.large
def test_hardly_a_name_of_a_public_list_of_trackers_passes_for_the_use_of_a_service_or_for_needed() -> None:
    """What is left are mostly addresses of links in mails: 24 and 32 of 123,962 names when this was written."""
    lines = shared_data("lists", "adguarddns.domains.txt").read_text(encoding="utf-8").splitlines()
    names = [line.strip() for line in lines if line.strip() and line[0] != "#"]
    passing = [name for name in names if _CLASSIFIER.service_of(name) is not None]
    needed = [name for name in names if _is_needed_and_no_tracker(name)]
    print(len(passing), "pass for the use of a service,", len(needed), "for needed, of", len(names), "names")
    assert len(names) > 100_000
    assert len(passing) <= 40
    assert len(needed) <= 50


def _is_needed_and_no_tracker(name: str) -> bool:
    fact = _CLASSIFIER.fact(name)
    if fact is None or fact.hosts or watches(fact):
        return False
    return fact.need in (Need.REQUIRED, Need.DEGRADES)


@pytest.mark.parametrize("service", _SERVICES)
def test_a_services_own_names_belong_to_its_company_or_to_who_carries_them(service: str) -> None:
    company = _KNOWLEDGE.services[service].company
    strangers = {text: _FACTS[text].company for text in _CLASSIFIER.names_of(service)[0] if _is_strange(text, company)}
    assert strangers == {}


def _is_strange(text: str, company: str) -> bool:
    fact = _FACTS[text]
    if fact.company is None or fact.hosts or fact.company in _SENDS_FOR_OTHERS:
        return False
    tops = {family(name, _KNOWLEDGE.companies)[-1] for name in (fact.company, company)}
    return len(tops) > 1


def _own_names() -> Iterator[tuple[str, str]]:
    for service in _SERVICES:
        for text in _signs(service):
            yield _example(text), service


def test_every_name_that_shows_use_is_found() -> None:
    names = list(_own_names())
    assert len(names) >= 400
    wrong = [(name, service, _CLASSIFIER.service_of(name)) for name, service in names]
    assert [row for row in wrong if row[1] != row[2]] == []


@pytest.mark.parametrize(
    "name",
    [
        "api-global.netflix.com",
        "nrdp.prod.ftl.netflix.com",
        "appboot.eu-west-1.prodaa.netflix.com",
        "cdn-0.nflximg.com",
        "atv-eu.amazon.com",
        "atv-ps.amazon.com",
        "uts-preview.itunes.apple.com",
        "www.facebook.com",
        "t.co",
    ],
)
def test_what_televisions_and_pages_ask_for_by_themselves_is_no_sign_of_use(name: str) -> None:
    fact = _CLASSIFIER.fact(name)
    assert fact is not None
    assert fact.service is not None
    assert _CLASSIFIER.service_of(name) is None


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("ipv4-c001-fra001-ix.1.oca.nflxvideo.net", "Netflix"),
        ("occ-0-769-299.1.nflxso.net", "Netflix"),
        ("r3---sn-4g5e6nz7.googlevideo.com", "YouTube"),
        ("disney.content.edge.bamgrid.com", "Disney+"),
        ("espn.api.edge.bamgrid.com", "ESPN+"),
        ("hulu.playback.edge.bamgrid.com", "Hulu"),
        ("s3.ll.dash.row.aiv-cdn.net", "Prime Video"),
        ("i.scdn.co", "Spotify"),
        ("api.joyn.de", "Joyn"),
        ("vod-dash-uk-live.akamaized.net", "BBC iPlayer"),
        ("api16-normal-c-useast1a.tiktokv.com", "TikTok"),
    ],
)
def test_names_that_apps_ask_for_show_which_app_is_used(name: str, service: str) -> None:
    assert _CLASSIFIER.service_of(name) == service


@pytest.mark.parametrize(
    "name",
    [
        "ichnaea.netflix.com",
        "analytics.plex.tv",
        "views.hulu.com",
        "spade.sci.twitch.tv",
        "adeventtracker.spotify.com",
        "telemetry-console.api.playstation.com",
        "bloodhound.spotify.com",
    ],
)
def test_what_watches_in_a_service_belongs_to_it_and_is_no_sign_of_use(name: str) -> None:
    fact = _CLASSIFIER.fact(name)
    assert fact is not None
    assert fact.service is not None
    assert fact.category.tracks
    assert _CLASSIFIER.service_of(name) is None


def test_names_that_several_services_share_give_none_of_them_away() -> None:
    for name in ("edge.api.brightcove.com", "link.theplatform.com", "www.sky.com", "accounts.google.com", "www.go.com"):
        assert _CLASSIFIER.service_of(name) is None


def test_idle_names_are_never_trackers() -> None:
    """A tracker is no sign of use anyhow; the key would say nothing."""
    assert [text for text, fact in _FACTS.items() if fact.asked_idle and watches(fact)] == []


def test_a_place_that_carries_for_everybody_is_no_services_own() -> None:
    shared = {Category.CDN, Category.CLOUD}
    assert [text for text, fact in _FACTS.items() if text[0] == "." and fact.category in shared] == []
