"""Names that stand in no list, made after the schemes by which makers name their computers.

Each scheme says where it was published. What is expected is what the experts say of its published names; names of the
labelled file are left out, so that this measures how far the knowledge reaches beyond what was listed. It says nothing
about schemes that nobody published, and many rules were written from the same publications. The floors lie five points
below those of test_labels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.classifier.presets import Preset, blocks
from gateway.classifier.service import Classifier
from gateway.model.tag import Category, Tag
from tests.support.labels import read_labels

# fivefold3/own-your-glass 679070a, kb/hosts.toml, [codes]: regions and a part of the countries that LG serves.
_CLUSTERS = ("aic", "eic", "kic", "cic", "ruc")
_COUNTRIES = (
    "ae",
    "at",
    "au",
    "br",
    "ca",
    "ch",
    "cz",
    "de",
    "dk",
    "es",
    "fi",
    "fr",
    "gb",
    "gr",
    "in",
    "it",
    "kr",
    "mx",
)
# docs.aws.amazon.com, Regions and Zones.
_CLOUD_REGIONS = (
    "us-east-1",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "ap-northeast-1",
    "ap-southeast-2",
    "sa-east-1",
)
_PURPOSES = {
    "acr": {Category.ACR},
    "ads": {Category.ADVERTISING},
    "telemetry": {Category.TELEMETRY, Category.ANALYTICS, Category.CRASH_REPORTS},
    "update": {Category.UPDATE},
    "shop": {Category.APP_STORE, Category.ACCOUNT},
    "works": {Category.CONNECTIVITY, Category.ESSENTIAL},
    "play": {Category.CONTENT},
}


@dataclass(frozen=True)
class Scheme:
    """`shape` has one {} for each list of parts; `source` is where the scheme was published."""

    source: str
    shape: str
    parts: tuple[tuple[str, ...], ...]
    company: str
    purpose: str
    block: bool


def _numbers(first: int, last: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(first, last + 1))


_IMC24 = "Anselmi et al., IMC 2024"
_OYG = "fivefold3/own-your-glass, kb/hosts.toml"
_HAGEZI = "hagezi/dns-blocklists, native lists of 2026"
_OKAZAKEE = "Okazakee/tv-dns-blocklist, blocklist.txt"
_PERFLYST = "Perflyst/PiHoleBlocklist, SmartTV.txt and regex.list"
_SCHEMES = (
    Scheme(_IMC24, "eu-acr{}.alphonso.tv", (_numbers(1, 40),), "Alphonso", "acr", True),
    Scheme(_IMC24, "tkacr{}.alphonso.tv", (_numbers(700, 760),), "Alphonso", "acr", True),
    Scheme(
        _IMC24,
        "acr-{}-prd.samsungcloud.tv",
        (("de", "fr", "gb", "jp", "sg", "ap", "apac"),),
        "Samsung",
        "acr",
        True,
    ),
    Scheme(_HAGEZI, "log-ingestion-{}.samsungacr.com", (("ap2", "kr", "sa", "v1-ap2", "na"),), "Samsung", "acr", True),
    Scheme(_OYG, "{}.{}.lgtvcommon.com", (_CLUSTERS, ("cdpbeacon", "cdpbeacon2", "rdl")), "LG", "telemetry", True),
    Scheme(_OYG, "{}.{}.lgtvcommon.com", (_CLUSTERS, ("nudge", "homeprv", "ads", "videoads")), "LG", "ads", True),
    Scheme(_OYG, "{}.videoacr.lgtvcommon.com", (_CLUSTERS,), "LG", "acr", True),
    Scheme(_OYG, "{}.app.lgwebostv.com", (_COUNTRIES,), "LG", "shop", False),
    Scheme(_OYG, "{}.membership.lgwebostv.com", (_COUNTRIES,), "LG", "shop", False),
    Scheme("Perflyst/PiHoleBlocklist issue 53", "{}.lgtvsdp.com", (_COUNTRIES,), "LG", "shop", False),
    Scheme("hagezi/dns-blocklists issue 11438", "{}.nextlgsdp.com", (_COUNTRIES,), "LG", "works", False),
    Scheme(_HAGEZI, "{}.{}.lgsmartad.com", (_COUNTRIES, ("ad", "info")), "LG", "ads", True),
    Scheme(_HAGEZI, "{}-ad-lgsmartad-com.aws-prd.net", (_COUNTRIES,), "LG", "ads", True),
    Scheme(_OKAZAKEE, "{}.rdx2.nextlgsdp.com", (_COUNTRIES,), "LG", "telemetry", True),
    Scheme(_OKAZAKEE, "{}.ibs.lgappstv.com", (_COUNTRIES,), "LG", "telemetry", True),
    Scheme(_PERFLYST, "{}pu.samsungelectronics.com", (tuple("efghijlmno"),), "Samsung", "telemetry", True),
    Scheme(_PERFLYST, "otnprd{}.samsungcloudsolution.net", (_numbers(12, 18),), "Samsung", "update", False),
    Scheme(_PERFLYST, "lcprd{}.samsungcloudsolution.net", (_numbers(3, 6),), "Samsung", "works", False),
    Scheme(_OKAZAKEE, "tvpnlogo{}.samsungcloud.tv", (("pap", "peu", "dkr", "sjp"),), "Samsung", "telemetry", True),
    Scheme(_OKAZAKEE, "tvpnlinupepgp{}.samsungcloud.tv", (("kr", "ap", "in"),), "Samsung", "play", False),
    Scheme(
        _PERFLYST,
        "collect-{}-fy{}.myhomescreen.tv",
        (("eu", "us"), _numbers(2023, 2027)),
        "Panasonic",
        "telemetry",
        True,
    ),
    Scheme(
        _PERFLYST, "usage-{}-fy{}.myhomescreen.tv", (("eu", "us"), _numbers(2023, 2027)), "Panasonic", "telemetry", True
    ),
    Scheme(_PERFLYST, "mhc-ajax-{}.myhomescreen.tv", (("us-s2", "jp", "au"),), "Panasonic", "works", False),
    Scheme(
        _OKAZAKEE, "{}-jrnl-{}.vidaahub.com", (("ter", "exc", "policy"), ("na", "em", "us")), "VIDAA", "telemetry", True
    ),
    Scheme(_OKAZAKEE, "unified-{}-{}.hismarttv.com", (("ter", "exc"), ("eu", "em")), "Hisense", "telemetry", True),
    Scheme(_OKAZAKEE, "upgrade-{}.hismarttv.com", (("na", "em", "us"),), "Hisense", "update", False),
    Scheme(_PERFLYST, "auth-{}.hismarttv.com", (("eu", "us", "ap"),), "Hisense", "shop", False),
    Scheme(_HAGEZI, "{}.logs.roku.com", (("dallas", "houston", "laredo", "waco", "pecos"),), "Roku", "telemetry", True),
    Scheme(_HAGEZI, "ads-{}-{}.delivery.roku.com", (("aka", "cf"), ("us-east-2", "eu-west-1")), "Roku", "ads", True),
    Scheme(_OKAZAKEE, "ad{}.ssm2.internet.sony.tv", (("0123456789abcdef" * 2, "f" * 32),), "Sony", "ads", True),
    Scheme(
        _PERFLYST, "control-zoo-{}.tvinteractive.tv", (("dtsprod", "dai-east", "oar-default"),), "Inscape", "acr", True
    ),
    Scheme(
        _HAGEZI,
        "{}-{}.telemetry.insights.video.a2z.com",
        (_CLOUD_REGIONS, ("1", "2", "3")),
        "Amazon",
        "telemetry",
        True,
    ),
    Scheme(
        _HAGEZI, "{}.prod.{}.forester.a2z.com", (("gateway", "endpoint"), _CLOUD_REGIONS), "Amazon", "telemetry", True
    ),
    Scheme(_HAGEZI, "dataplane.rum.{}.amazonaws.com", (_CLOUD_REGIONS,), "Amazon Web Services", "telemetry", True),
    Scheme(_HAGEZI, "device-metrics-{}.amazon.com", (("eu", "fe", "us-3"),), "Amazon", "telemetry", True),
    Scheme(_HAGEZI, "aax-{}-rtb-adx.amazon-adsystem.com", (("eu-west", "sa-east", "in"),), "Amazon", "ads", True),
    Scheme(_HAGEZI, "mitv.tracking.{}.miui.com", (("india", "rus", "eu"),), "Xiaomi", "telemetry", True),
    Scheme(
        "AdAway/adaway.github.io issue 279",
        "appboot.{}.origin.prodaa.netflix.com",
        (_CLOUD_REGIONS,),
        "Netflix",
        "play",
        False,
    ),
    Scheme(
        "switchbrew.org, Network",
        "{}.hac.lp1.d4c.nintendo.net",
        (("sun", "aqua", "atum"),),
        "Nintendo",
        "update",
        False,
    ),
    Scheme(
        "switchbrew.org, Network", "{}.hac.lp1.eshop.nintendo.net", (("bugyo", "tagaya"),), "Nintendo", "shop", False
    ),
)
_MAKERS = {"Alphonso": "LG", "VIDAA": "Hisense", "Inscape": "Vizio"}


@pytest.fixture(scope="module")
def unseen() -> list[tuple[Scheme, str, Tag]]:
    listed = {row["domain"] for row in read_labels()}
    classifier = Classifier.load()
    return [
        (scheme, name, classifier.tag(name, (), _MAKERS.get(scheme.company, scheme.company)))
        for scheme in _SCHEMES
        for name in _names(scheme)
        if name not in listed
    ]


def _names(scheme: Scheme) -> Iterator[str]:
    for parts in itertools.product(*scheme.parts):
        yield scheme.shape.format(*parts)


def _share(what: str, wrong: list[str], of: int) -> float:
    print(f"{what}: {of - len(wrong)} of {of} ({1 - len(wrong) / of:.1%})", wrong[:20])
    return 1 - len(wrong) / of


def test_there_are_enough_of_them(unseen: list[tuple[Scheme, str, Tag]]) -> None:
    assert len(unseen) >= 400
    assert len({scheme.company for scheme in _SCHEMES}) >= 14


def test_names_of_a_known_scheme_have_an_owner(unseen: list[tuple[Scheme, str, Tag]]) -> None:
    wrong = [name for scheme, name, tag in unseen if tag.company != scheme.company]
    assert _share("company", wrong, len(unseen)) >= 0.93


def test_names_of_a_known_scheme_have_the_purpose_of_their_sisters(unseen: list[tuple[Scheme, str, Tag]]) -> None:
    wrong = [name for scheme, name, tag in unseen if tag.category not in _PURPOSES[scheme.purpose]]
    assert _share("purpose", wrong, len(unseen)) >= 0.90


def test_quiet_treats_them_like_their_sisters(unseen: list[tuple[Scheme, str, Tag]]) -> None:
    wrong = [name for scheme, name, tag in unseen if blocks(Preset.QUIET, tag) is not scheme.block]
    assert _share("block/keep", wrong, len(unseen)) >= 0.92


def test_none_that_must_stay_is_blocked(unseen: list[tuple[Scheme, str, Tag]]) -> None:
    assert [n for scheme, n, tag in unseen if not scheme.block and blocks(Preset.QUIET, tag)] == []


def test_every_scheme_is_known_for_at_least_half_of_its_names(unseen: list[tuple[Scheme, str, Tag]]) -> None:
    for scheme in _SCHEMES:
        tags = [tag for other, _, tag in unseen if other is scheme]
        assert sum(tag.company == scheme.company for tag in tags) * 2 >= len(tags), scheme
