"""How things are said: the same words for a mother and for a screen reader."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.classifier.service import Classifier
from gateway.model.countries import COUNTRY_WORDS
from gateway.model.tag import Category, Need, Party
from gateway.model.verdict import Reason
from web import present

NOW = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
HERE = timezone(timedelta(hours=1))


@dataclass
class Seen:
    verdict: str = "block"
    reason: str = "block list"
    category: str = "advertising"
    company: str | None = "Samsung Ads"
    lists: tuple[str, ...] = ()
    matched: str | None = None


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0"),
        (-3, "0"),
        (999, "999"),
        (1204, "1,204"),
        (999_999, "999,999"),
        (1_000_000, "1 million"),
        (1_290_000, "1.2 million"),
        (2_000_000_000, "2 billion"),
        (10**15, "1,000 trillion"),
    ],
)
def test_numbers_stay_short(count: int, said: str) -> None:
    assert present.number(count) == said


def test_one_is_not_many() -> None:
    assert present.counted(1, "lookup") == "1 lookup"
    assert present.counted(0, "lookup") == "0 lookups"
    assert present.counted(2, "company", "companies") == "2 companies"


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "–"),
        (5, 0, "–"),
        (0, 9, "0 %"),
        (1, 100_000, "<1 %"),
        (99_999, 100_000, ">99 %"),
        (9, 9, "100 %"),
        (1, 3, "33 %"),
        (7, 3, "100 %"),
    ],
)
def test_a_share_never_rounds_something_to_nothing(part: int, whole: int, said: str) -> None:
    assert present.percent(part, whole) == said


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=-30), "just now"),
        (timedelta(seconds=40), "40 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=3, minutes=59), "3 hours ago"),
        (timedelta(hours=30), "yesterday"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=42), "12 Oct 2026"),
        (timedelta(days=-42), "4 Jan 2027"),
    ],
)
def test_the_past_is_said_in_the_largest_unit(before: timedelta, said: str) -> None:
    assert present.ago(NOW - before, NOW) == said


def test_what_never_happened_is_never() -> None:
    assert present.ago(None, NOW) == "never"
    assert present.ago("not a time", NOW) == "never"
    assert present.iso(None) == present.absolute(None) == present.clock_time(None) == ""


def test_times_of_json_answers_are_understood() -> None:
    assert present.moment("2026-11-23T20:15:00.000Z") == NOW
    for end in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "yesterday", ""):
        assert present.moment(end) is None
        assert present.absolute(end) == present.clock_time(end) == ""
    assert present.iso("2026-11-23T21:15:00.250+01:00") == "2026-11-23T20:15:00Z"
    assert present.absolute(NOW, HERE) == "Monday 23 November 2026, 21:15:00"
    assert present.clock_time(NOW, HERE) == "21:15:00"


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (None, "for ever"),
        (NOW + timedelta(hours=1), "until 22:15"),
        (NOW + timedelta(hours=10), "until tomorrow, 07:15"),
        (NOW + timedelta(days=3), "until Thursday 21:15"),
        (NOW + timedelta(days=40), "until 2 Jan 2027"),
    ],
)
def test_a_rule_says_when_it_ends(ends: datetime | None, said: str) -> None:
    assert present.until(ends, NOW, HERE) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0:00"), (0, "0:00"), (59.9, "0:59"), (272, "4:32"), (3609, "1:00:09"), (400_000, "4 days")],
)
def test_a_pause_counts_down(seconds: float, said: str) -> None:
    assert present.countdown(seconds) == said


def test_a_blocked_lookup_says_what_for_and_who() -> None:
    assert present.outcome(Seen()) == "Blocked: advertising (Samsung Ads)"
    assert present.outcome(Seen(company=None)) == "Blocked: advertising"
    assert present.outcome(Seen(category="unknown")) == "Blocked: Samsung Ads"
    assert present.outcome(Seen(category="unknown", company=None)) == "Blocked: on a block list"
    assert (
        present.outcome(Seen(category="unknown", company=None, lists=("A", "B")))
        == "Blocked: on the list A and 1 other"
    )


def test_a_preset_is_named_with_what_it_stopped() -> None:
    stopped = Seen(reason="preset", matched="calm")
    assert present.outcome(stopped) == "Blocked: Calm (advertising, Samsung Ads)"
    assert present.outcome(replace(stopped, company=None)) == "Blocked: Calm (advertising)"
    assert present.outcome(replace(stopped, category="unknown", company=None)) == "Blocked: Calm (unknown purpose)"
    assert present.because("preset", (), "quiet") == "your preset Quiet"


def test_an_allowed_lookup_says_why_when_somebody_decided() -> None:
    assert present.outcome(Seen(verdict="allow", reason="no rule")) == "Allowed"
    assert present.outcome(Seen(verdict="allow", reason="keep-list")) == "Allowed: the television needs it"
    assert present.outcome(Seen(verdict="allow", reason="paused")) == "Allowed: filtering is paused"


def test_the_first_list_is_named_and_the_others_counted() -> None:
    assert present.because("block list", ["Smart TV"]) == "on the list Smart TV"
    assert present.because("block list", ["Smart TV", "b", "c"]) == "on the list Smart TV and 2 others"
    assert present.because("rule", (), "ads.example.com") == "your rule, “ads.example.com”"


def test_every_word_of_the_model_has_words_for_people() -> None:
    assert {category.value for category in Category} == set(present.CATEGORY_WORDS)
    assert {party.value for party in Party} == set(present.PARTY_WORDS)
    assert {need.value for need in Need} == set(present.NEED_WORDS)
    assert {category.value for category in Category if category.tracks} == set(present.CATEGORY_LINES)
    assert all(
        present.because(reason.value) != reason.value for reason in Reason if reason.value not in ("rule", "paused")
    )


def test_a_rule_is_a_sentence() -> None:
    rule = {"action": "block", "category": "advertising"}
    assert present.rule_sentence(rule) == "Block advertising for everyone"
    below = {"action": "allow", "name": "example.com", "subtree": True}
    assert present.rule_sentence(below, "Kitchen") == "Allow example.com and everything below it for Kitchen"
    assert present.rule_sentence({"action": "block", "company": "Roku"}) == "Block the company Roku for everyone"
    assert present.rule_sentence({"action": "allow", "everything": True}, "Kitchen") == "Pause filtering for Kitchen"
    assert present.rule_sentence({"action": "block", "everything": True}, "Kitchen") == "Block everything for Kitchen"
    assert present.rule_sentence({"action": "block", "preset": "calm"}) == "Calm for everyone"
    assert present.rule_sentence({"action": "allow", "preset": "off"}, "Kitchen") == "No preset for Kitchen"


def test_text_that_changes_direction_or_hides_is_shown_as_such() -> None:
    assert present.plain("a\u202eb\x00c\u2066d\u200be\ud800") == "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd"
    assert present.plain("Fernseher im Wohnzimmer 📺 صالة") == "Fernseher im Wohnzimmer 📺 صالة"
    assert present.plain(None) == ""


def test_a_path_survives_every_byte_of_a_name() -> None:
    assert present.name_path("a/../b?c#d%2e.example") == "/names/a%2F..%2Fb%3Fc%23d%252e.example"
    assert present.name_path("") == "/names/"
    assert present.device_path("mac:aa:bb") == "/devices/mac%3Aaa%3Abb"
    assert present.company_path("AT&T \ud800") == "/companies/AT%26T%20%3F"


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "http://",
        "https://a b",
        "https://x\u202e",
        "ftp://x.example",
        "",
        None,
        "https://x/" + "y" * 3000,
        "http://[",
        'https://x"',
    ],
)
def test_only_web_addresses_become_links(text: str | None) -> None:
    assert present.web_address(text) is None


def test_a_web_address_is_kept_as_it_is() -> None:
    assert present.web_address("https://example.org/privacy?a=1") == "https://example.org/privacy?a=1"


def test_class_names_are_letters_and_hyphens_only() -> None:
    assert present.slug("crash reports") == "crash-reports"
    assert present.slug('"><script>') == "script"
    assert present.slug(None) == present.slug("🙂") == "unknown"


def test_a_source_links_to_the_address_within_it() -> None:
    assert present.cite("Moghaddam et al., CCS 2019, https://example.org/~a/b.pdf, page 3") == [
        ("Moghaddam et al., CCS 2019, ", None),
        ("https://example.org/~a/b.pdf", "https://example.org/~a/b.pdf"),
        (", page 3", None),
    ]
    assert present.cite("javascript:alert(1)") == [("javascript:alert(1)", None)]
    assert present.cite("") == []


def test_every_seat_of_a_company_has_its_country_in_words() -> None:
    codes = {company.country for company in Classifier.load().companies()}
    assert codes - set(COUNTRY_WORDS) - {""} == set()
    assert present.country_words("KR") == "South Korea"
    assert present.country_words("Atlantis\u202e") == "Atlantis\ufffd"
