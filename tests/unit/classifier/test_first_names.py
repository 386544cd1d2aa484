"""What phones and laptops ask for in the first minutes: whose each name is and what for, by the knowledge we ship."""

from __future__ import annotations

import csv

import pytest

from gateway.classifier.presets import Preset, blocks
from gateway.classifier.service import Classifier
from gateway.model.tag import Category, Need
from tests.support.shared_data import shared_data

_NOBODY_KNOWS = {"aimitv.com", "foldlife.net"}
_CLOCKS = ("time.apple.com", "time.android.com", "time.windows.com", "ntp.ubuntu.com", "2.debian.pool.ntp.org")
_ONLINE = (
    "captive.apple.com",
    "connectivitycheck.gstatic.com",
    "www.gstatic.com",
    "www.msftconnecttest.com",
    "detectportal.firefox.com",
    "connectivity-check.ubuntu.com",
    "connectivitycheck.platform.hicloud.com",
    "conn1.oppomobile.com",
    "wifi.vivo.com.cn",
    "connect.rom.miui.com",
)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.mark.parametrize(
    ("name", "company", "category"),
    [
        ("15-courier.push.apple.com", "Apple", Category.ESSENTIAL),
        ("gdmf.apple.com", "Apple", Category.UPDATE),
        ("identity.apple.com", "Apple", Category.ESSENTIAL),
        ("appleid.apple.com", "Apple", Category.ACCOUNT),
        ("feedbackws.fe2.apple-dns.net", "Apple", Category.ANALYTICS),
        ("gateway.fe2.apple-dns.net", "Apple", Category.CDN),
        ("mtalk.google.com", "Google", Category.ESSENTIAL),
        ("update.googleapis.com", "Google", Category.UPDATE),
        ("beacons.gcp.gvt2.com", "Google", Category.TELEMETRY),
        ("www.google.de", "Google", Category.CONTENT),
        ("www.google.co.jp", "Google", Category.CONTENT),
        ("login.microsoftonline.com", "Microsoft", Category.ACCOUNT),
        ("client.wns.windows.com", "Microsoft", Category.ESSENTIAL),
        ("euc-word-telemetry.officeapps.live.com", "Microsoft", Category.TELEMETRY),
        ("outlook.office365.com", "Microsoft", Category.CONTENT),
        ("fp.msedge.net", "Microsoft", Category.TELEMETRY),
        ("metrics5.data.hicloud.com", "Huawei", Category.TELEMETRY),
        ("metrics-dre.dt.dbankcloud.cn", "Huawei", Category.TELEMETRY),
        ("adx-drru.op.dbankcloud.com", "Huawei", Category.ADVERTISING),
        ("query.hicloud.com", "Huawei", Category.UPDATE),
        ("ads-dre.platform.hihonorcloud.com", "Honor", Category.ADVERTISING),
        ("obus-dc121100-sg.heytapmobile.com", "Oppo", Category.TELEMETRY),
        ("in-vpushonrt-stsdk.vivoglobal.com", "Vivo", Category.TELEMETRY),
        ("rtlog16-normal-useast1a.tiktokv.com", "ByteDance", Category.TELEMETRY),
        ("mcs-sg.tiktok.com", "ByteDance", Category.TELEMETRY),
        ("ads-sg.tiktok.com", "ByteDance", Category.ADVERTISING),
        ("unagi.amazon.de", "Amazon", Category.TELEMETRY),
        ("fls-eu.amazon.nl", "Amazon", Category.TELEMETRY),
        ("unagi.amazon.com.tr", "Amazon", Category.TELEMETRY),
        ("aax-us-east-1-ott.amazon-adsystem.amazon.com", "Amazon", Category.ADVERTISING),
        ("device-metrics-us.amazon.com", "Amazon", Category.TELEMETRY),
        ("epdg.epc.mnc001.mcc262.pub.3gppnetwork.org", "GSMA", Category.ESSENTIAL),
        ("path1.xtracloud.net", "Qualcomm", Category.ESSENTIAL),
        ("client.dropbox.com", "Dropbox", Category.CONTENT),
        ("incoming.telemetry.mozilla.org", "Mozilla", Category.TELEMETRY),
        ("stats.wp.com", "Automattic", Category.ANALYTICS),
    ],
)
def test_a_first_name_has_its_owner_and_its_purpose(
    classifier: Classifier, name: str, company: str, category: Category
) -> None:
    tag = classifier.tag(name)
    assert (tag.company, tag.category) == (company, category)


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("name", [*_CLOCKS, *_ONLINE])
def test_no_preset_takes_clock_or_connection_test_of_a_phone(classifier: Classifier, preset: Preset, name: str) -> None:
    tag = classifier.sure_tag(name)
    assert tag.category in {Category.TIME, Category.CONNECTIVITY}
    assert not blocks(preset, tag)


def test_calm_stops_what_watches_in_tiktok_and_spares_what_its_sign_in_needs(classifier: Classifier) -> None:
    assert blocks(Preset.CALM, classifier.sure_tag("mon.tiktokv.com"))
    assert blocks(Preset.CALM, classifier.sure_tag("analytics.tiktok.com"))
    needed = classifier.sure_tag("log16-normal-alisg.tiktokv.com")
    assert (needed.need, needed.needed_by) == (Need.DEGRADES, ("TikTok",))
    assert blocks(Preset.CALM, needed)
    assert not blocks(Preset.CALM, needed, ("TikTok",))


@pytest.mark.large
def test_domains_seen_in_several_homes_have_an_owner(classifier: Classifier) -> None:
    with shared_data("labels", "uncovered_domains.csv").open(encoding="utf-8", newline="") as file:
        domains = [row["registrable domain"] for row in csv.DictReader(file)]
    unowned = {domain for domain in domains if classifier.tag(domain).company is None}
    print(f"{len(domains) - len(unowned)} of {len(domains)} have an owner")
    assert len(domains) >= 40
    assert unowned <= _NOBODY_KNOWS
