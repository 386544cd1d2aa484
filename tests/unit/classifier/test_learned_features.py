from __future__ import annotations

import pytest

from gateway.classifier.learned.features import BUCKETS, MOST_BUCKETS, explain, read

HOSTILE = (
    "",
    ".",
    "a",
    "x" * 63 + "." + "y" * 63 + "." + "z" * 63 + "." + "w" * 61,
    ".".join("a" * 127),
    "\\000\\001.\\..example.com",
    "…" * 255,
    "-" * 255,
    "1" * 255,
    "ads." * 63 + "tv",
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("registrable", [None, "example.com", "tv", ""])
def test_a_hostile_name_costs_no_more_than_the_bound(name: str, registrable: str | None) -> None:
    buckets = read(name, registrable)
    assert len(buckets) <= MOST_BUCKETS
    assert buckets == sorted(set(buckets))
    assert all(0 <= bucket < BUCKETS for bucket in buckets)


def test_the_buckets_of_a_name_are_the_same_everywhere() -> None:
    assert read("ads.example.com", "example.com")[:4] == [2940, 12282, 13079, 14701]


def test_digits_read_alike_so_that_one_cluster_is_like_the_next() -> None:
    assert read("log7.example.com", "example.com") == read("log8.example.com", "example.com")
    assert read("log7.example.com", "example.com") != read("lag7.example.com", "example.com")


def test_what_is_below_a_domain_is_read_apart_from_the_domain_itself() -> None:
    assert not set(read("ads.com", "ads.com")) & set(read("ads.example.net", "example.net"))


def test_the_explanation_names_every_bucket_and_places_it_inside_the_name() -> None:
    name = "eu-metrics.log2.example.co.uk"
    features = list(explain(name, "example.co.uk"))
    assert {feature.bucket for feature in features} == set(read(name, "example.co.uk"))
    assert all(0 <= feature.start <= feature.stop <= len(name) for feature in features)
    assert {name[f.start : f.stop] for f in features} >= {"metrics", "log", "exa", "met"}


def test_of_a_name_that_is_too_long_the_part_next_to_its_domain_counts() -> None:
    far, near = "ads." + "x" * 63 + "." + "y" * 63, "x" * 63 + "." + "y" * 59 + ".ads"
    assert read(far + ".example.com", "example.com") == read("log" + far[3:] + ".example.com", "example.com")
    assert read(near + ".example.com", "example.com") != read(near[:-3] + "log.example.com", "example.com")


def test_a_row_drawn_by_lot_is_noticed() -> None:
    says = {feature.says for feature in explain("0123456789abcdef01.example.com", "example.com")}
    assert "a row of characters that looks drawn by lot stands in it" in says
    assert not any("by lot" in f.says for f in explain("metrics.example.com", "example.com"))
