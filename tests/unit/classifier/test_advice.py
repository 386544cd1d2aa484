from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classifier.advice import meant, shown
from gateway.model.countries import COUNTRY_WORDS


def test_what_was_written_is_shown_as_it_was_written() -> None:
    assert shown(r"/^a\.example\.com$/") == r"'/^a\.example\.com$/'"
    assert shown("a\x1b[2J") == r"'a\x1b[2J'"
    assert shown("x" * 1000) == "'" + "x" * 79 + "…'"


@pytest.mark.parametrize("word", ["telemetry", "Telemetry", '"telemetry"', "telemtry", "telemetrie", "telemetry "])
def test_a_word_that_looks_like_a_known_one_is_taken_for_it(word: str) -> None:
    assert meant(word, ["acr", "telemetry", "time"]) == " Perhaps 'telemetry' is meant."


@pytest.mark.parametrize("word", ["tracking", "", "x" * 100_000])
def test_nothing_is_guessed_where_nothing_is_alike(word: str) -> None:
    assert meant(word, ["acr", "telemetry", "time"]) == ""


@given(st.text(max_size=200), st.lists(st.text(max_size=100), max_size=5))
def test_any_word_gets_one_line_that_can_be_printed(word: str, known: list[str]) -> None:
    for said in (shown(word), meant(word, known)):
        assert said == "" or said.isprintable()
        assert len(said) < 900


def test_countries_are_those_of_iso_3166() -> None:
    assert not COUNTRY_WORDS.keys() & {"UK", "EU", "EN", ""}
    table = Path("/usr/share/zoneinfo/iso3166.tab")
    if not table.exists():
        pytest.skip("the system has no table of countries (tzdata)")
    rows = [line.split("\t")[0] for line in table.read_text().splitlines()]
    assert sorted(row for row in rows if not row.startswith("#")) == sorted(COUNTRY_WORDS)
