from __future__ import annotations

import pytest

from gateway.classifier.pattern import Kind, parse_pattern
from tests.support.processor_time import plain_loop, processor_time


def test_a_plain_name_means_this_name_only() -> None:
    pattern = parse_pattern("log.example.com")
    assert pattern.kind is Kind.EXACT
    assert pattern.matches("log.example.com")
    assert not pattern.matches("a.log.example.com")


def test_a_leading_dot_means_the_name_and_all_below_it() -> None:
    pattern = parse_pattern(".example.com")
    assert pattern.kind is Kind.SUBTREE
    assert pattern.matches("example.com")
    assert pattern.matches("a.b.example.com")
    assert not pattern.matches("badexample.com")


def test_an_expression_means_whole_names_and_knows_the_domain_it_ends_in() -> None:
    pattern = parse_pattern(r"/^acr-[a-z]{2,4}-prd\.samsungcloud\.tv$/")
    assert pattern.kind is Kind.REGEX
    assert pattern.domain == "samsungcloud.tv"
    assert pattern.matches("acr-eu-prd.samsungcloud.tv")
    assert not pattern.matches("acr-eu-prd.samsungcloud.tv.evil.com")
    assert not pattern.matches("x.acr-eu-prd.samsungcloud.tv")


@pytest.mark.parametrize(
    "text", [r"/^(collect|usage)(-us)?\.x\.tv$/", r"/^a\d{2}[a-f0-9]{1,8}\.x\.tv$/", r"/^ab?\.x\.tv$/"]
)
def test_bounded_expressions_are_welcome(text: str) -> None:
    assert parse_pattern(text).domain == "x.tv"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "name.example.com"),
        ("com", "name.example.com"),
        ("..example.com", "write .example.com."),
        ("*.example.com", "write .example.com."),
        ("Example.com", "in small letters; write example.com."),
        (".Example.com", "write .example.com."),
        ("example.com.", "write example.com."),
        ("example.com,", "write example.com."),
        ("example.com:443", "write example.com."),
        ("https://log.example.com:8080/v1?x=1#y", "write log.example.com."),
        ("wss://log.example.com/", "write log.example.com."),
        ("//log.example.com/x", "slash"),
        ("||ads.example.com^$third-party", "write .ads.example.com."),
        ("bücher.example", "write xn--bcher-kva.example."),
        ("api-*.example.com", "as an expression, such as /^api-"),
        ("192.0.2.1", "is an address"),
        ("192.0.2.1:53", "is an address"),
        ("2001:db8::1", "is an address"),
        ("-", "name.example.com"),
        ("." + "A" * 600 + ".example.com", "name.example.com"),
        ("exa mple.com", "name.example.com"),
        ("a" * 64 + ".example.com", "name.example.com"),
        ("/", "slash"),
        ("/^a", "slash"),
        (r"/a\.x\.tv$/", "from ^ to $"),
        (r"/^a\.x\.tv/", "from ^ to $"),
        (r"/^a+\.x\.tv$/", r"cannot be read from '+\.x\.tv$' on: say how many, as {1,20}"),
        (r"/^a.x\.tv$/", r"cannot be read from '.x\.tv$' on: write a dot as \."),
        (r"/^A\.x\.tv$/", "write small letters"),
        (r"/^(EU|US)\.x\.tv$/", "write small letters"),
        (r"/^\w\.x\.tv$/", "behind a backslash stands only . or d"),
        (r"/^a{1,}\.x\.tv$/", "write {n} or {m,n}"),
        (r"/^(a|(b|c))\.x\.tv$/", "no other group"),
        (r"/^a$b\.x\.tv$/", "cannot be read from '$b"),
        (r"/^a*\.x\.tv$/", "may use only"),
        (r"/^.\.x\.tv$/", "may use only"),
        (r"/^((a)){9}\.x\.tv$/", "may use only"),
        (r"/^(a|aa){2}\.x\.tv$/", "may use only"),
        (r"/^[^a]\.x\.tv$/", "may use only"),
        (r"/^a(?=b)\.x\.tv$/", "may use only"),
        (r"/^ads\.[a-z]{2,3}$/", "literal domain"),
        (r"/^a{1,9}b{1,9}c{1,9}\.x\.tv$/", "split it"),
        (r"/^a{9,1}\.x\.tv$/", "swap the two"),
        (r"/^[z-a]\.x\.tv$/", "runs backwards"),
        ("/^" + "a" * 200 + r"\.x\.tv$/", "160"),
    ],
)
def test_what_cannot_be_a_pattern_is_refused_with_advice(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as error:
        parse_pattern(text)
    assert advice in str(error.value)


def test_the_worst_name_costs_little_more_than_a_look() -> None:
    pattern = parse_pattern(r"/^[a-z]{1,63}[a-z]{1,63}0\.x\.tv$/")
    worst = ("a" * 240 + ".x.tv", "a" * 63 + ".x.tv")
    assert not any(map(pattern.matches, worst))
    assert processor_time(lambda: [pattern.matches(name) for name in worst]) < 5 * plain_loop(), "measured: 0.04"


@pytest.mark.parametrize("wrong", ["a" * 24 + "!", "a?" * 24 + "!", "(" + "a" * 24 + "!)", r"\." * 24 + "!"])
def test_a_mistake_after_a_long_name_is_found_at_once(wrong: str) -> None:
    def refused() -> None:
        with pytest.raises(ValueError, match="may use only"):
            parse_pattern(f"/^{wrong}\\.x\\.tv$/")

    assert processor_time(refused) < 5 * plain_loop(), "measured: 0.01; 3000 when each letter doubled it"
