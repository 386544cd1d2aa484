"""Strangers choose the names: whatever they write, the model answers, within its bounds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classifier.learned.behaviour import behaviour, with_behaviour
from gateway.classifier.learned.features import MOST_BUCKETS, read
from gateway.classifier.learned.model import Model
from gateway.classifier.learned.weights import parse
from gateway.classifier.service import Classifier

_MODEL = Model()
_CLASSIFIER = Classifier.load()
_WORDS = st.sampled_from(["ads", "metrics", "log", "cdn", "eu", "x" * 63, "-", "_", "7", "tv", "example", "com", "acr"])
_NAMES = st.lists(_WORDS, min_size=1, max_size=40).map(lambda words: ".".join(words)[:253])


@given(st.text(max_size=300), st.one_of(st.none(), st.text(max_size=80)))
def test_any_text_has_a_probability_and_reasons(name: str, registrable: str | None) -> None:
    look = _MODEL.look(name, registrable)
    assert 0 <= look.probability <= 1
    assert 0 <= look.advertises <= 1
    assert len(read(name, registrable)) <= MOST_BUCKETS
    assert _MODEL.because(name, registrable).count("“") <= 4 + name.count("“") * 4


@given(_NAMES, st.lists(_NAMES, max_size=3).map(tuple))
def test_a_guess_never_reaches_the_confidence_that_rules_act_on(name: str, targets: tuple[str, ...]) -> None:
    tag = _CLASSIFIER.tag(name, targets)
    if tag.rule is None and tag.category.tracks:
        assert tag.confidence < 0.5
        assert tag.evidence


@given(st.text(max_size=200))
def test_any_other_file_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


@given(st.lists(st.floats()), st.integers(), st.floats(), st.floats(0, 1))
def test_any_times_have_a_behaviour(times: list[float], devices: int, idle: float, probability: float) -> None:
    seen = behaviour(times, devices, idle)
    assert 0 <= seen.odds <= 1.8000001
    moved = with_behaviour(probability, seen)
    assert probability - 1e-12 <= moved <= 1
    assert math.isfinite(moved)
