"""Expressions of lists: they mean what they mean elsewhere, and nobody can make them slow."""

from __future__ import annotations

import time

import pytest

from gateway.lists.automaton import Automaton, check_regex
from gateway.lists.regex import Unsupported


@pytest.mark.parametrize(
    ("regex", "yes", "no"),
    [
        ("ads", ["ads", "xadsx", "a.ads.b"], ["ad.s", ""]),
        ("^ads", ["ads.example"], ["xads"]),
        ("ads$", ["x.ads"], ["ads.example"]),
        (r"^ads\.example$", ["ads.example"], ["adsxexample", "ads.example.org"]),
        (r"(^|\.)roku\.com$", ["roku.com", "a.roku.com"], ["xroku.com", "roku.com.evil"]),
        ("^a(b|c)*d$", ["ad", "abcbcd"], ["abc", "aed"]),
        ("^[a-rt-z][a-z]{2,4}$", ["abc", "zzzzz"], ["sabc", "ab", "abcdef"]),
        ("^a{2}$", ["aa"], ["a", "aaa"]),
        ("^a{2,}$", ["aa", "aaaa"], ["a"]),
        ("^[^.]+$", ["single"], ["two.labels"]),
        ("^[[:digit:]]+[-.]", ["12.x", "1-x"], ["x1."]),
        (r"^\d\w\S$", ["1ab", "1_-"], ["ab1"]),
        ("ADS[A-C]", ["adsb", "adsa"], ["adsd"]),
        (r"^x[\]\-]y$", ["x]y", "x-y"], ["xy"]),
        ("(a*)*b", ["b", "aaab"], ["aaa"]),
        ("^(|x)y$", ["y", "xy"], ["xxy"]),
        ("^$", [""], ["a"]),
        ("a{x}", ["a{x}"], ["ax"]),
        (r"\x61b", ["ab"], ["b"]),
        ("a.*?b", ["ab", "axxb"], ["ba"]),
    ],
)
def test_an_expression_matches_what_it_should(regex: str, yes: list[str], no: list[str]) -> None:
    automaton = Automaton([regex])
    assert [text for text in yes if not automaton.match(text)] == []
    assert [text for text in no if automaton.match(text)] == []


def test_many_expressions_are_matched_in_one_pass() -> None:
    automaton = Automaton(["^ads", "roku", "tv$", "nothing"])
    assert automaton.match("ads.roku.tv") == {0, 1, 2}
    assert automaton.match("example.org") == frozenset()
    assert len(automaton) == 4


def test_no_expression_at_all_matches_nothing() -> None:
    assert Automaton([]).match("ads.example") == frozenset()


@pytest.mark.parametrize("regex", ["(a+)+$", "(a|a)*$", "(.*a){20}", "(a|aa)+$", "(x+x+)+y"])
def test_catastrophic_expressions_are_harmless(regex: str) -> None:
    def processor_time(length: int) -> float:
        began = time.process_time()
        for _ in range(10):
            automaton = Automaton([regex])
            automaton.match("a" * length + "!")
            automaton.match("x" * length)
        return time.process_time() - began

    assert processor_time(200) < 100 * processor_time(25), "eight times the length; a search that backtracks never ends"


def test_forgetting_states_does_not_change_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.lists.automaton._MAX_STATES", 3)
    automaton = Automaton([r"(^|\.)roku\.com$", "ads[0-9]+x", "a.{4}b"])
    assert automaton.match("ads12x.roku.com") == {0, 1}
    assert automaton.match("a1234b.net") == {2}
    assert automaton.match("example.org") == frozenset()


@pytest.mark.parametrize(
    "regex", ["(", ")", "[", "a)", "*a", "a{5,2}", r"\b", r"\1", "(?=a)", "(?i:a)", "a++", "[z-a]", "[[:nope:]]", "\\"]
)
def test_what_cannot_be_matched_safely_is_refused(regex: str) -> None:
    with pytest.raises(Unsupported):
        Automaton([regex])


def test_all_expressions_together_are_bounded() -> None:
    with pytest.raises(Unsupported, match="too many"):
        Automaton(["a" * 400 + str(n) for n in range(20)])


@pytest.mark.parametrize("regex", ["", "a*", ".", "^", "$", r"\w", ".{0,9}"])
def test_an_expression_for_every_name_is_refused(regex: str) -> None:
    with pytest.raises(Unsupported, match="every name"):
        check_regex(regex)
