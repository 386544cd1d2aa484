from __future__ import annotations

import pytest

from gateway.classifier.learned.features import read
from tests.training.fit import Recipe, Row, calibrate, fit, margin_of, probability
from tests.training.scores import area_under_curve, calibration, calibration_error, precision_at, precision_over

SCORES, TRUTHS = [0.9, 0.8, 0.7, 0.3, 0.2], [True, False, True, False, False]


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    assert area_under_curve(SCORES, TRUTHS) == pytest.approx(5 / 6)
    assert area_under_curve([0.5] * 4, [True, False, True, False]) == 0.5


def test_precision_counts_from_the_top() -> None:
    assert precision_at(0.5, SCORES, TRUTHS) == 1.0
    assert precision_at(1.0, SCORES, TRUTHS) == pytest.approx(2 / 3)
    assert precision_over(0.75, SCORES, TRUTHS) == (0.5, 0.5)


def test_calibration_compares_what_was_said_with_what_was() -> None:
    assert calibration([0.1, 0.9, 0.95], [False, True, False]) == [(1, 0.1, 0.0), (2, pytest.approx(0.925), 0.5)]
    assert calibration_error([0.25, 0.25, 0.25, 0.25], [True, False, False, False]) == pytest.approx(0.0)


def rows() -> list[Row]:
    names = [(f"metrics.shop{at}.com", True) for at in range(40)] + [
        (f"images.shop{at}.com", False) for at in range(40)
    ]
    return [Row(read(name, name.partition(".")[2]), tracks) for name, tracks in names]


def test_the_trainer_learns_a_word_and_the_same_word_every_time() -> None:
    weights, bias = fit(rows(), Recipe(passes=3))
    assert fit(rows(), Recipe(passes=3)) == (weights, bias)
    asked = {name: margin_of(read(f"{name}.other.org", "other.org"), weights, bias) for name in ("metrics", "images")}
    assert asked["metrics"] > 1 > -1 > asked["images"]


def test_calibration_recovers_how_often_a_margin_is_right() -> None:
    margins = [2.0] * 10 + [-2.0] * 10
    truths = [True] * 9 + [False] + [True] * 2 + [False] * 8
    slope, offset = calibrate(margins, truths, [1.0] * 20)
    assert probability(2 * slope + offset) == pytest.approx(0.9, abs=0.01)
    assert probability(-2 * slope + offset) == pytest.approx(0.2, abs=0.01)
