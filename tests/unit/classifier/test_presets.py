"""What each preset stops, and what it never stops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.classifier.presets import AGREED, Preset, blocks, describe
from gateway.classifier.service import Classifier
from gateway.model.tag import UNTAGGED, Category, Need, Party, Tag

_GENTLE = (Preset.CALM, Preset.QUIET)


def _tag(category: Category, need: Need = Need.UNKNOWN, party: Party = Party.THIRD, confidence: float = 0.9) -> Tag:
    return Tag(company="Somebody", category=category, need=need, party=party, confidence=confidence)


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("category", [Category.ACR, Category.ADVERTISING, Category.ANALYTICS])
def test_every_preset_stops_those_who_watch_for_others(preset: Preset, category: Category) -> None:
    assert blocks(preset, _tag(category))


@pytest.mark.parametrize("party", Party)
@pytest.mark.parametrize("category", [Category.CRASH_REPORTS, Category.RECOMMENDATIONS])
def test_crash_reports_and_recommendations_are_left_to_quiet(category: Category, party: Party) -> None:
    assert [blocks(preset, _tag(category, party=party)) for preset in Preset] == [False, True, True]


@pytest.mark.parametrize("party", Party)
@pytest.mark.parametrize(("confidence", "calm"), [(0.5, False), (0.69, False), (AGREED, True), (0.95, True)])
def test_telemetry_belongs_to_calm_where_several_lists_agree(confidence: float, calm: bool, party: Party) -> None:
    tag = _tag(Category.TELEMETRY, party=party, confidence=confidence)
    assert [blocks(preset, tag) for preset in Preset] == [calm, True, True]


@pytest.mark.parametrize("category", [Category.ACR, Category.ADVERTISING, Category.ANALYTICS])
def test_the_makers_own_watching_is_watching(category: Category) -> None:
    assert blocks(Preset.CALM, _tag(category, party=Party.FIRST))


@pytest.mark.parametrize("category", [Category.CONTENT, Category.APP_STORE, Category.UNKNOWN])
def test_quiet_stops_what_somebody_has_been_without(category: Category) -> None:
    assert [blocks(preset, _tag(category, Need.NOT_NEEDED)) for preset in Preset] == [False, True, True]
    assert not blocks(Preset.QUIET, _tag(category))


@pytest.mark.parametrize("preset", _GENTLE)
@pytest.mark.parametrize("need", [Need.REQUIRED, Need.DEGRADES, Need.DISPUTED])
@pytest.mark.parametrize("category", Category)
def test_calm_and_quiet_spare_whatever_any_source_says_breaks(preset: Preset, need: Need, category: Category) -> None:
    assert not blocks(preset, _tag(category, need))


@pytest.mark.parametrize("preset", _GENTLE)
def test_a_guess_stops_nothing_under_calm_and_quiet(preset: Preset) -> None:
    assert not blocks(preset, _tag(Category.ADVERTISING, confidence=0.3))
    assert not blocks(preset, UNTAGGED)


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("need", [Need.REQUIRED, Need.DISPUTED])
@pytest.mark.parametrize("category", Category)
def test_no_preset_stops_a_name_that_the_television_may_need(preset: Preset, need: Need, category: Category) -> None:
    assert not blocks(preset, _tag(category, need))


@pytest.mark.parametrize("category", [Category.TIME, Category.UPDATE, Category.CONNECTIVITY, Category.ACCOUNT])
@pytest.mark.parametrize("need", Need)
def test_clock_updates_and_account_outlive_silent(category: Category, need: Need) -> None:
    assert not blocks(Preset.SILENT, _tag(category, need))


def test_silent_keeps_films_and_stops_voice_and_the_unknown() -> None:
    assert not blocks(Preset.SILENT, _tag(Category.CONTENT))
    assert not blocks(Preset.SILENT, _tag(Category.CDN))
    assert blocks(Preset.SILENT, _tag(Category.CONTENT, Need.NOT_NEEDED))
    assert blocks(Preset.SILENT, _tag(Category.VOICE, Need.DEGRADES))
    assert blocks(Preset.SILENT, UNTAGGED)


@pytest.mark.parametrize("need", Need)
@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("party", Party)
def test_each_preset_stops_all_that_the_gentler_one_stops(need: Need, category: Category, party: Party) -> None:
    tag = _tag(category, need, party)
    calm, quiet, silent = (blocks(preset, tag) for preset in Preset)
    assert calm <= quiet <= silent


def test_each_preset_says_what_it_stops_and_what_it_costs() -> None:
    texts = [describe(preset) for preset in Preset]
    assert [title for title, _, _ in texts] == ["Calm", "Quiet", "Silent"]
    assert all(stops and costs and stops.endswith(".") and costs.endswith(".") for _, stops, costs in texts)


def test_what_the_texts_promise_is_true_of_every_name_that_we_know() -> None:
    """Calm and Quiet stop nothing of which a source says that the device, or an app that is used, loses something."""
    classifier = Classifier.load()
    for pattern, _, fact in classifier.facts():
        tag = Tag(fact.company, fact.category, need=fact.need, confidence=fact.confidence, needed_by=fact.needed_by)
        if fact.need is Need.REQUIRED:
            assert not blocks(Preset.SILENT, tag), pattern
        for preset in _GENTLE:
            if fact.need in (Need.REQUIRED, Need.DISPUTED) or (fact.need is Need.DEGRADES and not fact.needed_by):
                assert not blocks(preset, tag), (preset, pattern)
            for needer in fact.needed_by:
                assert not blocks(preset, tag, {needer}), (preset, pattern, needer)


@pytest.mark.parametrize("preset", Preset)
def test_what_an_app_needs_is_stopped_where_nobody_uses_it(preset: Preset) -> None:
    tag = replace(_tag(Category.ADVERTISING, Need.DEGRADES), needed_by=("Disney+", "LG"))
    assert blocks(preset, tag)
    assert blocks(preset, tag, {"Hulu", "Samsung"})
    assert not blocks(preset, tag, {"Hulu", "LG"})
    assert not blocks(preset, tag, {"Disney+"})
