from __future__ import annotations

import pytest

from gateway.classifier.learned.features import MOST_BUCKETS
from gateway.classifier.learned.model import Model, probability_of
from gateway.classifier.learned.weights import load

MODEL = Model()


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("metrics.newmaker.tv", "“metrics”"),
        ("eu-telemetry-01.newmaker.tv", "telemetry"),
        ("logs.newmaker.tv", "“logs”"),
        ("ads-eu.newmaker.tv", "“ads"),
    ],
)
def test_a_name_that_looks_like_a_tracker_is_reported_with_the_words_that_say_so(name: str, because: str) -> None:
    assert MODEL.look(name, "newmaker.tv").shown
    assert because in MODEL.because(name, "newmaker.tv")


@pytest.mark.parametrize("name", ["www", "cdn3", "api", "img-eu", "ota", "time", "login", "static", "epg", "play"])
def test_a_name_that_serves_does_not(name: str) -> None:
    look = MODEL.look(f"{name}.newmaker.tv", "newmaker.tv")
    assert not look.shown
    assert look.probability < 0.8


def test_advertising_is_distinguished_from_measuring() -> None:
    assert MODEL.look("adserver.newmaker.tv", "newmaker.tv").advertises > 0.6
    assert MODEL.look("metrics.newmaker.tv", "newmaker.tv").advertises < 0.4


def test_at_most_four_parts_are_named() -> None:
    name = "ads.metrics.telemetry.log.beacon.pixel.newmaker.tv"
    assert MODEL.because(name, "newmaker.tv").count("“") <= 4


def test_a_name_costs_one_weight_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work as a count of look-ups, which no busy machine can make flaky."""
    weights = load()
    asked: list[int] = []

    class Counted(list[int]):
        def __getitem__(self, at: object) -> int:  # type: ignore[override]
            asked.append(1)
            return super().__getitem__(at)  # type: ignore[index, return-value]

    object.__setattr__(weights.tracks, "weights", Counted(weights.tracks.weights))
    Model(weights).look("a1.b2." * 41 + "example.com", "example.com")
    assert 0 < len(asked) <= MOST_BUCKETS
    asked.clear()
    Model(weights).look("scribe.logs.example.com", "example.com")
    assert len(asked) <= 100


def test_probabilities_stay_between_nought_and_one() -> None:
    assert probability_of(0) == 0.5
    assert 0 < probability_of(-1e308) < 1e-20
    assert 1 - 1e-9 < probability_of(1e308) <= 1
