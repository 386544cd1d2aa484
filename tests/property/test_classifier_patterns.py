"""Contributors write patterns, strangers write names: neither may do harm."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.classifier.pattern import Kind, parse_pattern
from gateway.classifier.service import Classifier
from gateway.classifier.wording import sentence
from gateway.model.name import Name
from gateway.model.tag import Category, Tag
from tests.support.processor_time import plain_loop, processor_time

_CLASSIFIER = Classifier.load()
_ATOMS = st.sampled_from(
    ["a", "b9", r"\.", r"\d", "[a-z]", "[0-9a-f]", "-", "(a|b)", "(ads|log)?", "x{2}", "[a-z]{1,9}"]
)
_ODD = st.sampled_from(["+", "*", "(", ")", "|", "[", "]", "{3,1}", "^", "$", "\\", "(?=a)", ".", "é", "\n", "{1,99}"])


@given(st.text(max_size=40))
def test_any_text_is_a_pattern_or_refused_in_one_sentence(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except ValueError as refusal:
        said = str(refusal)
    else:
        said = f"{pattern.matches('a.example.com')}."
    assert said.endswith(".")


@given(st.lists(st.one_of(_ATOMS, _ODD), max_size=8), st.text("ab9.-", max_size=250))
def test_any_expression_that_is_accepted_compiles_and_costs_little(parts: list[str], name: str) -> None:
    try:
        pattern = parse_pattern("/^" + "".join(parts) + r"\.example\.com$/")
    except ValueError:
        return
    assert pattern.kind is Kind.REGEX
    asked = name + ".example.com"
    assert processor_time(lambda: pattern.matches(asked)) < 250 * plain_loop()
    matched = pattern.matches(asked)
    assert matched == bool(re.fullmatch(pattern.text[1:-1], name + ".example.com"))
    assert not pattern.matches(name)


def _spelled(labels: list[bytes]) -> str:
    return Name.from_labels(labels).text


_LABELS = st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=8).map(_spelled)
_TAILS = st.sampled_from(
    ["", ".roku.com", ".samsungcloud.tv", ".amazon.com", ".doubleclick.net", ".akamaiedge.net", ".lan"]
)


@given(_LABELS, _TAILS, st.lists(_LABELS, max_size=3), st.sampled_from(["", "Samsung", "TCL", "Nobody"]))
def test_any_name_gets_a_tag_that_can_be_said(name: str, tail: str, targets: list[str], maker: str) -> None:
    tag = _CLASSIFIER.tag(name + tail, tuple(targets), maker)
    assert isinstance(tag, Tag)
    assert 0 <= tag.confidence <= 1
    assert tag.company is None or _CLASSIFIER.company(tag.company) is not None
    assert tag.evidence or (tag.company is None and tag.category in (Category.UNKNOWN, Category.LOCAL))
    said = sentence(name + tail, tag)
    assert len(said) < 900
    assert said.isprintable()
    assert _CLASSIFIER.tag(name + tail, tuple(targets), maker) is tag
