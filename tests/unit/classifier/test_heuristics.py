from __future__ import annotations

import pytest

from gateway.classifier.heuristics import guess_category, is_local
from gateway.model.tag import Category


@pytest.mark.parametrize(
    ("name", "category", "word"),
    [
        ("ads.example.com", Category.ADVERTISING, "ads"),
        ("eu-telemetry-01.example.com", Category.TELEMETRY, "telemetry"),
        ("metrics.api.example.com", Category.ANALYTICS, "metrics"),
        ("ntp2.example.com", Category.TIME, "ntp"),
        ("ota.tv.example.com", Category.UPDATE, "ota"),
        ("cdn3.example.com", Category.CDN, "cdn"),
        ("acr-eu.example.com", Category.ACR, "acr"),
        ("crash.example.com", Category.CRASH_REPORTS, "crash"),
    ],
)
def test_a_telling_word_suggests_what_a_name_is_for(name: str, category: Category, word: str) -> None:
    assert guess_category(name, "example.com") == (category, word)


def test_a_name_the_device_may_need_is_not_called_a_tracker() -> None:
    assert guess_category("log-update.example.com", "example.com") == (Category.UPDATE, "update")
    assert guess_category("auth-metrics.example.com", "example.com") == (Category.ACCOUNT, "auth")


def test_the_leftmost_telling_label_speaks() -> None:
    assert guess_category("ads.cdn.example.com", "example.com") == (Category.ADVERTISING, "ads")
    assert guess_category("img.ads.example.com", "example.com") == (Category.CDN, "img")


@pytest.mark.parametrize(
    "name", ["ads.com", "www.example.com", "blog.example.com", "loading.example.com", "catalog.example.com"]
)
def test_words_inside_words_and_the_owners_own_name_tell_nothing(name: str) -> None:
    registrable = "ads.com" if name == "ads.com" else "example.com"
    assert guess_category(name, registrable) is None


def test_without_a_registrable_domain_nothing_is_guessed() -> None:
    assert guess_category("co.uk", None) is None


@pytest.mark.parametrize(
    "name", ["", "tv", "tv.local", "nas.lan", "x.home.arpa", "1.0.0.127.in-addr.arpa", "b.ip6.arpa", "box.internal"]
)
def test_names_of_the_home_stay_in_the_home(name: str) -> None:
    assert is_local(name)


@pytest.mark.parametrize("name", ["example.com", "lan.example.com", "local.tv"])
def test_names_of_the_world_do_not(name: str) -> None:
    assert not is_local(name)
