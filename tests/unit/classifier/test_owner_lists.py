from __future__ import annotations

import pytest

from gateway.classifier.owner_lists import NoOwners, described, marked, tag_of
from gateway.classifier.presets import Preset, blocks
from gateway.classifier.service import Classifier
from gateway.model.listed import ListedOwner
from gateway.model.name import ancestors
from gateway.model.tag import UNTAGGED, Category, Need


class Owners:
    """`names` to companies of one list."""

    def __init__(self, names: dict[str, str], title: str = "A list") -> None:
        self._names, self._title = names, title

    def __len__(self) -> int:
        return len(self._names)

    def names(self, name: str) -> bool:
        return name in self._names

    def find(self, name: str) -> ListedOwner | None:
        at = next((each for each in ancestors(name) if each in self._names), None)
        return self._owner(self._names[at], at) if at else None

    def company(self, company: str, title: str) -> ListedOwner | None:
        return self._owner(company, "") if title == self._title and company in self._names.values() else None

    def _owner(self, company: str, listed: str) -> ListedOwner:
        return ListedOwner(
            company, "https://site.example/", listed, self._title, "https://list.example/", "CC-BY-SA-4.0"
        )


@pytest.fixture
def classifier() -> Classifier:
    made = Classifier.load()
    made.heed(Owners({"watcher.example": "Watch", "deep.other.example": "Deep", "netflix.com": "Thief"}))
    return made


def test_an_unlisted_name_is_the_lists_companys_marked_and_with_its_source(classifier: Classifier) -> None:
    for tag in (classifier.tag("a.watcher.example"), classifier.sure_tag("a.watcher.example")):
        assert tag.company == "Watch, by A list"
        assert tag.confidence == 0.5
        assert [each.source for each in tag.evidence] == ["A list, https://list.example/, under CC-BY-SA-4.0"]


def test_a_list_is_believed_on_the_owner_and_on_nothing_else(classifier: Classifier) -> None:
    tag = classifier.sure_tag("a.watcher.example")
    assert (tag.category, tag.need, tag.rule, tag.service) == (Category.UNKNOWN, Need.UNKNOWN, None, None)


def test_no_preset_stops_more_or_less_for_it(classifier: Classifier) -> None:
    names = ("a.watcher.example", "ads.watcher.example", "cdn.watcher.example", "deep.other.example")
    plain = Classifier.load()
    for name in names:
        for preset in Preset:
            assert blocks(preset, classifier.sure_tag(name)) is blocks(preset, plain.sure_tag(name))
            assert blocks(preset, classifier.tag(name)) is blocks(preset, plain.tag(name))


def test_what_we_know_ourselves_stands_above_it(classifier: Classifier) -> None:
    for name in ("www.netflix.com", "never-heard-of.netflix.com"):
        assert classifier.sure_tag(name).company == "Netflix"
        assert classifier.tag(name).company == "Netflix"


def test_names_of_the_home_are_nobodys(classifier: Classifier) -> None:
    classifier.heed(Owners({"tv.lan": "Thief"}))
    assert classifier.tag("tv.lan").company is None


def test_a_name_that_is_listed_below_an_unlisted_crowd_is_found(classifier: Classifier) -> None:
    for name in ("a.other.example", "b.other.example"):
        assert classifier.sure_tag(name) is UNTAGGED
    assert classifier.sure_tag("deep.other.example").company == "Deep, by A list"
    assert classifier.sure_tag("x.deep.other.example").company == "Deep, by A list"


def test_another_list_is_believed_at_once_and_none_as_well(classifier: Classifier) -> None:
    names = ("a.watcher.example", "watcher.example")
    for name in names:
        classifier.tag(name), classifier.sure_tag(name)
    assert classifier.heed(Owners({"watcher.example": "New"}, "Another"))
    for name in names:
        assert classifier.tag(name).company == classifier.sure_tag(name).company == "New, by Another"
    assert classifier.heed(NoOwners())
    for name in names:
        assert classifier.tag(name).company is classifier.sure_tag(name).company is None
    assert not classifier.heed(NoOwners())


def test_a_company_of_a_list_is_described_by_its_list(classifier: Classifier) -> None:
    about = classifier.company("Watch, by A list")
    assert about is not None
    assert about.line == (
        "Named so by the owner list A list (CC-BY-SA-4.0), https://list.example/, and not known to Telltale itself. "
        "Its site, as the list has it: https://site.example/"
    )
    assert classifier.company("Watch") is None
    assert classifier.company("Watch, by Another list") is None
    assert classifier.company("Netflix") is not None


def test_a_company_with_the_mark_in_its_own_name_is_found_too() -> None:
    owners = Owners({"a.example": "Shoes, by Anna"}, "Lists, by Bob")
    found = owners.find("a.example")
    assert found is not None
    assert described(marked(found), owners) is not None
    assert described("x, by " * 1_000, owners) is None
    assert tag_of(found).company == "Shoes, by Anna, by Lists, by Bob"
