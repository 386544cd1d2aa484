from __future__ import annotations

import pytest

from gateway.classifier.fact import Fact
from gateway.classifier.index import Index
from gateway.classifier.pattern import parse_pattern
from gateway.model.tag import Category, Evidence, Need


def fact(company: str) -> Fact:
    return Fact(company, Category.TELEMETRY, Need.UNKNOWN, 0.9, (Evidence("says", "source"),))


def index_of(*patterns: str) -> Index:
    index = Index()
    for text in patterns:
        index.add(parse_pattern(text), fact(text))
    return index


def found(index: Index, name: str) -> str | None:
    hit = index.find(name)
    if hit is None:
        return None
    assert hit[0] == hit[1].company
    return hit[0]


def test_an_exact_name_beats_an_expression_which_beats_a_subtree() -> None:
    expression = r"/^ad[0-9]{1,2}\.example\.com$/"
    index = index_of("ad1.example.com", expression, ".example.com")
    assert found(index, "ad1.example.com") == "ad1.example.com"
    assert found(index, "ad2.example.com") == expression
    assert found(index, "ad3.sub.example.com") == ".example.com"


def test_the_longest_subtree_wins() -> None:
    index = index_of(".example.com", ".logs.example.com")
    assert found(index, "a.logs.example.com") == ".logs.example.com"
    assert found(index, "logs.example.com") == ".logs.example.com"
    assert found(index, "example.com") == ".example.com"


def test_a_name_that_only_looks_alike_is_not_found() -> None:
    index = index_of(".example.com")
    assert found(index, "badexample.com") is None
    assert found(index, "com") is None
    assert found(index, "") is None


def test_an_escaped_dot_is_no_border_between_labels() -> None:
    assert found(index_of(".example.com"), r"evil\.example.com") is None


@pytest.mark.parametrize("text", ["a.example.com", ".example.com", r"/^a\.example\.com$/"])
def test_the_same_pattern_twice_is_a_mistake(text: str) -> None:
    index = index_of(text)
    with pytest.raises(ValueError, match="stands in two rules"):
        index.add(parse_pattern(text), fact("other"))


def test_every_rule_is_counted_and_listed() -> None:
    index = index_of("a.example.com", ".example.com", r"/^b\.example\.com$/")
    assert len(index) == 3
    assert {(text, domain) for text, domain, _ in index.items()} == {
        ("a.example.com", "a.example.com"),
        (".example.com", "example.com"),
        (r"/^b\.example\.com$/", "example.com"),
    }
