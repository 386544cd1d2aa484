"""What is said of names that the box answers by itself, and of a device while no box runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.application.explanation import OWN_NAME, explain_from_disk
from gateway.classifier.presets import Preset, blocks
from gateway.classifier.service import Classifier
from gateway.errors import Refused
from gateway.journal.preparation import prepare
from gateway.journal.stores import DeviceStore
from gateway.model.book import Book
from gateway.model.device import Device
from gateway.model.rule import Rule, Scope, ScopeKind
from gateway.model.verdict import Action
from gateway.policy.book_file import save_book
from gateway.settings import Settings
from tests.unit.journal.test_salvage import writer_on


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data=Path(tmp_path_factory.mktemp("none")))


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("use-application-dns.net", "Firefox"),
        ("mask.icloud.com", "Private Relay"),
        ("mask-h2.icloud.com", "Private Relay"),
        ("localhost", "the device that asks"),
        ("a.localhost", "the device that asks"),
        ("_dns.resolver.arpa", "encrypted DNS"),
        ("1.1.168.192.in-addr.arpa", "which name an address"),
        ("printer.local", "exist in no public DNS"),
        ("tv.home.arpa", "exist in no public DNS"),
        ("printer.lan", "exist in no public DNS"),
        ("router", "a name of your home"),
        (OWN_NAME, "name of this box"),
    ],
)
def test_a_name_that_the_box_answers_itself_says_why(settings: Settings, name: str, word: str) -> None:
    explained = explain_from_disk(settings, name)
    assert word in explained["special"]
    assert word in explained["sentence"]
    assert (explained["verdict"], explained["reason"], explained["presets"]) == ("allow", "local name", [])
    assert "No rule, list or preset changes that." in explained["sentence"]


def test_other_names_are_not_special(settings: Settings) -> None:
    for name in ("icloud.com", "8.8.8.8.in-addr.arpa", "localhost.example.com"):
        assert explain_from_disk(settings, name)["special"] is None


def test_names_that_somebody_else_is_asked_about_are_not_special(tmp_path: Path) -> None:
    router = ("udp://192.168.1.1",)
    forwarding = Settings(
        data=tmp_path, upstreams=("udp://9.9.9.9",), forward={"lan": router, "192.168.1.0/24": router}
    )
    for name in ("printer.lan", "1.1.168.192.in-addr.arpa"):
        assert explain_from_disk(forwarding, name)["special"] is None
    assert explain_from_disk(forwarding, "1.2.168.192.in-addr.arpa")["special"] is not None
    behind_a_router = Settings(data=tmp_path, upstreams=router)
    for name in ("printer.lan", "router", "1.2.168.192.in-addr.arpa"):
        assert explain_from_disk(behind_a_router, name)["special"] is None
    assert explain_from_disk(behind_a_router, "printer.local")["special"] is not None


def test_a_device_that_nobody_knows_is_refused_without_a_box(settings: Settings) -> None:
    with pytest.raises(Refused, match="No device is known yet"):
        explain_from_disk(settings, "ads.samsung.com", device="nobody")


def test_a_stored_device_tells_its_maker_without_a_box(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    now = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
    device = Device(id="aa:bb:cc:00:00:01", mac="aa:bb:cc:00:00:01", addresses=(), first_seen=now, last_seen=now)
    with_maker = replace(device, maker="Samsung")
    prepare(settings.journal)
    writer = writer_on(settings.journal)
    writer.start()
    try:
        DeviceStore(writer).save(with_maker).result(10)
    finally:
        writer.stop()
    explained = explain_from_disk(settings, "ads.samsung.com", device=device.id)
    assert "The maker of this device is Samsung" in explained["sentence"]
    assert explained["parties"]["maker"] == "Samsung"
    with pytest.raises(Refused, match=device.id):
        explain_from_disk(settings, "ads.samsung.com", device="nobody")


def test_whom_a_company_belongs_to_is_said_with_date_and_source(settings: Settings) -> None:
    owners = explain_from_disk(settings, "acr.inscape.tv")["owners"]
    assert [(each["company"], each["parent"]) for each in owners] == [("Inscape", "Vizio"), ("Vizio", "Walmart")]
    assert owners[1]["says"] == "Vizio belongs to Walmart since 2024-12-03."
    assert owners[1]["source"].startswith("https://")
    assert explain_from_disk(settings, "nobody.example.org")["owners"] == []
    assert explain_from_disk(settings, "ichnaea.netflix.com")["owners"] == []


def test_where_a_preset_leaves_a_name_open_is_said_beside_where_it_blocks_it(settings: Settings) -> None:
    explained = explain_from_disk(settings, "vortex.hulu.com")
    assert explained["presets"] == ["quiet", "silent"]
    assert explained["sentence"].endswith("The presets Quiet and Silent block it, except where Hulu is in use.")
    tag = Classifier.load().tag("vortex.hulu.com", (), "")
    assert [blocks(preset, tag, {"Hulu"}) for preset in Preset] == [False] * 3
    for name in ("ads.samsungads.com", "nobody.example.org"):
        assert "except where" not in explain_from_disk(settings, name)["sentence"]


def test_a_device_may_be_a_lamp(settings: Settings) -> None:
    sentence = explain_from_disk(settings, "time.samsungcloudsolution.com")["sentence"]
    assert "because devices stop working without it" in sentence


def test_what_is_guessed_from_spelling_decides_nothing_without_a_box_either(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    now = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
    rule = Rule(Action.BLOCK, Scope(ScopeKind.CATEGORY, "advertising"), now, "dashboard", id=1)
    save_book(settings.policy, Book(revision=1, next_id=2, rules=(rule,)))
    guessed, known = (explain_from_disk(settings, name) for name in ("ads.samsung.com", "ads.samsungads.com"))
    assert (guessed["category"], guessed["verdict"]) == ("advertising", "allow")
    assert (known["category"], known["verdict"]) == ("advertising", "block")
