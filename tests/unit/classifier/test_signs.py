from __future__ import annotations

import pytest

from gateway.classifier.learned.signs import SHOWN, shows
from gateway.classifier.learned.words import CLEAR, SERVING


@pytest.mark.parametrize("below", ["ads", "eu-telemetry-1", "log2", "a.b.metrics", "prebid.eu"])
def test_a_high_probability_and_a_clear_word_are_shown(below: str) -> None:
    assert shows(SHOWN, f"{below}.maker.tv", "maker.tv")
    assert not shows(SHOWN - 0.01, f"{below}.maker.tv", "maker.tv")


@pytest.mark.parametrize("below", ["go", "a", "www3", "track", "events", "dsp", "roads", "dialog", "catalog"])
def test_a_probability_alone_is_not(below: str) -> None:
    assert not shows(1.0, f"{below}.maker.tv", "maker.tv")


@pytest.mark.parametrize(
    "below",
    ["ns1.log", "log.ns", "mx2.ads", "smtp-log", "ads.dns", "adsl.log", "calendar.log", "ocsp.metrics"],
)
def test_infrastructure_is_not_whatever_words_stand_beside_it(below: str) -> None:
    assert not shows(1.0, f"{below}.maker.tv", "maker.tv")


@pytest.mark.parametrize("below", ["dns-logger.ads", "bounced.metrics", "wins.ads", "hopins.log"])
def test_infrastructure_is_a_whole_word(below: str) -> None:
    assert shows(1.0, f"{below}.maker.tv", "maker.tv") is (below != "dns-logger.ads")


def test_a_word_of_the_owners_own_name_is_no_sign() -> None:
    assert not shows(1.0, "a.metrics.com", "metrics.com")


def test_no_word_that_serves_is_clear() -> None:
    assert CLEAR.isdisjoint(SERVING)
