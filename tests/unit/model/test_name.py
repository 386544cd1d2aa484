"""A name has one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.name import Name

labels = st.lists(st.binary(min_size=1, max_size=63), max_size=4)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Example.COM.", "example.com"),
        ("  ads.example.com ", "ads.example.com"),
        ("Müller.example", "xn--mller-kva.example"),
        ("müller。example", "xn--mller-kva.example"),
        ("fa\u00df.example", "xn--fa-hia.example"),
        ("\u03c3\u03ac\u03bc\u03bf\u03c2.example", "xn--hxa6ajmb.example"),
        ("I\u2764.example", "xn--i-7iq.example"),
        ("\uff26\uff21.example", "fa.example"),
        (r"a\.b.example", r"a\.b.example"),
        (r"\046x.example", r"\.x.example"),
        (r"sp\032ace.example", r"sp\032ace.example"),
        ("_dns.resolver.arpa", "_dns.resolver.arpa"),
        (".", ""),
    ],
)
def test_a_person_s_spelling_becomes_the_canonical_one(written: str, canonical: str) -> None:
    assert Name.parse(written).text == canonical


@pytest.mark.parametrize(
    "wrong",
    [
        "a..b",
        ".a",
        "x" * 64 + ".com",
        ".".join(["x" * 63] * 5),
        "a\\",
        "a\\ü",
        "\ud800.com",
        "a\u2024b.com",
        "\u00ad.com",
    ],
)
def test_what_cannot_be_a_name_is_refused_in_a_sentence(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Name.parse(wrong)


@given(labels)
def test_any_bytes_survive_the_trip_through_text(raw: list[bytes]) -> None:
    lowered = [label.lower() for label in raw]
    try:
        name = Name.from_labels(raw)
    except ValueError:
        assert sum(map(len, raw)) + len(raw) + 1 > 255
        return
    assert name.labels() == lowered
    assert Name.parse(name.text) == name
    assert name.to_wire() == b"".join(bytes([len(label)]) + label for label in lowered) + b"\0"


def test_a_dot_inside_a_label_does_not_make_an_ancestor() -> None:
    assert list(Name.parse(r"a\.b.c.d").ancestors()) == [r"a\.b.c.d", "c.d", "d"]


def test_the_registrable_domain_is_one_label_more_than_the_public_suffix() -> None:
    name = Name.parse("ads.shop.example.co.uk")
    assert name.registrable(lambda _: "co.uk") == "example.co.uk"
    assert name.registrable(lambda text: text) is None
