"""A query string is read field by field; each limit is met from both sides, and each refusal names its field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from gateway.errors import Refused
from gateway.model.verdict import Action
from web.api.fields import Fields

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
DAY = timedelta(days=1)


def fields(**values: Any) -> Fields:
    return Fields(values, tuple(values))


def asked(query: str, *known: str) -> Fields:
    with Flask(__name__).test_request_context(f"/?{query}"):
        return Fields.of_query(*known)


def refusal(act: Callable[[], object]) -> tuple[str | None, str]:
    with pytest.raises(Refused) as caught:
        act()
    return caught.value.field, str(caught.value)


def test_a_field_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    assert refusal(lambda: asked("nmae=x", "name", "type")) == (
        "nmae", "There is no parameter nmae; known are: name, type.",
    )  # fmt: skip
    assert refusal(lambda: asked("x=1"))[1] == "There is no parameter x; known are: none."


def test_a_strangers_name_is_shown_short_and_printable() -> None:
    field, says = refusal(lambda: Fields({"a\n" + "b" * 60: 1}, ()))
    assert field == "a?" + "b" * 38
    assert says == f"There is no parameter {field}; known are: none."
    assert refusal(lambda: asked("q%00=1&q%00=2", "q\0")) == ("q?", "q? can be given once only.")


def test_each_parameter_is_given_once_and_an_empty_one_counts_as_absent() -> None:
    assert refusal(lambda: asked("name=a&name=b", "name")) == ("name", "name can be given once only.")
    read = asked("name=&type=A", "name", "type")
    assert not read.has("name")
    assert read.has("type")
    assert (read.text("name"), read.text("type")) == (None, "A")


def test_what_is_false_is_not_there() -> None:
    read = fields(no=False, none=None, yes=True, word="x")
    assert [read.has(name) for name in ("no", "none", "yes", "word", "other")] == [False, False, True, True, False]


def test_a_text_is_printable_filled_and_no_longer_than_it_may_be() -> None:
    assert fields(a="  b c ").text("a") == "b c"
    assert fields(a="x" * 255).text("a") == "x" * 255
    assert fields(a="xy").text("a", 2) == "xy"
    assert fields().text("a") is None
    for wrong in ("x" * 256, "", "   ", "a\tb", "a\u202eb", 7, ["a"], True):
        said = "a is a text of 1 to 255 printable characters."
        assert refusal(lambda wrong=wrong: fields(a=wrong).text("a")) == ("a", said)
    assert refusal(lambda: fields(a="xyz").text("a", 2)) == ("a", "a is a text of 1 to 2 printable characters.")


def test_what_is_required_is_missed() -> None:
    assert fields(a="x").required("a") == "x"
    assert fields(a="x" * 255).required("a") == "x" * 255
    assert refusal(lambda: fields(a="x" * 256).required("a"))[0] == "a"
    assert refusal(lambda: fields().required("a")) == ("a", "a is missing.")
    assert refusal(lambda: fields(a="xyz").required("a", 2))[1] == "a is a text of 1 to 2 printable characters."


def test_a_domain_name_is_canonical() -> None:
    assert fields(name="Ads.Example.").domain_name() == "ads.example"
    assert fields(of="b.example").domain_name("of") == "b.example"
    assert refusal(lambda: fields(of="a..b").domain_name("of"))[0] == "of"
    assert refusal(lambda: fields().domain_name()) == ("name", "name is missing.")
    # As long as people write them, with blanks and a scheme: the name's own limit is another sentence.
    assert "1024" not in refusal(lambda: fields(name="a" * 1024).domain_name())[1]
    assert "1 to 1024" in refusal(lambda: fields(name="a" * 1025).domain_name())[1]


def test_a_choice_is_one_of_the_values() -> None:
    assert fields(a="block").choice("a", Action) == "block"
    assert fields().choice("a", Action) is None
    assert refusal(lambda: fields(a="stop").choice("a", Action)) == ("a", "a is one of: allow, block.")


def test_a_whole_number_lies_in_its_range() -> None:
    assert [fields(a=said).whole("a", 2, 10) for said in ("2", "10", "007", None)] == [2, 10, 7, None]
    assert fields(a=str(10**18 - 1)).whole("a", 0, 10**18) == 10**18 - 1
    for wrong in ("1", "11", "-3", "3.0", "x", " 3", "٣", "0" * 18 + "3"):
        assert refusal(lambda wrong=wrong: fields(a=wrong).whole("a", 2, 10)) == (
            "a", "a is a whole number from 2 to 10.",
        )  # fmt: skip


def test_a_time_has_its_zone_and_is_one_of_ours() -> None:
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    for said in (
        "2026-03-04T12:00:00Z",
        "2026-03-04T13:00:00+01:00",
        "2026-03-04T13:00:00 01:00",
        "2026-03-04T13:00 0100",
    ):
        read = fields(a=said).time("a")
        assert read is not None
        assert (read, read.tzinfo) == (noon, UTC)
    assert fields().time("a") is None
    for edge in (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)):
        assert fields(a=edge.isoformat()).time("a") == edge
    for beyond in ("1999-12-31T23:59:59Z", "2200-01-01T00:00:01Z"):
        assert refusal(lambda said=beyond: fields(a=said).time("a")) == ("a", "a lies between the years 2000 and 2200.")
    for wrong in ("yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59"):
        assert refusal(lambda said=wrong: fields(a=said).time("a")) == ("a", "a is a time like 2026-11-23T20:15:00Z.")
    assert refusal(lambda: fields(a="2026-03-04T12:00:00").time("a"))[1].startswith("a needs its time zone")
    assert fields(a="2026-03-04T12:00:00Z".ljust(40)).time("a") == noon
    assert refusal(lambda: fields(a="2026-03-04T12:00:00Z".ljust(41)).time("a"))[1].startswith("a is a text of 1 to 40")


def test_a_span_is_the_last_day_unless_it_is_said() -> None:
    assert fields().span(NOW) == (NOW - DAY, NOW)
    assert fields().span(NOW, timedelta(hours=2)) == (NOW - timedelta(hours=2), NOW)
    until = NOW - 9 * DAY
    assert fields(until=until.isoformat()).span(NOW) == (until - DAY, until)
    assert fields(since=(NOW - 400 * DAY).isoformat()).span(NOW) == (NOW - 400 * DAY, NOW)


def test_a_span_goes_forward_and_no_further_than_history() -> None:
    for late in (NOW, NOW + timedelta(microseconds=1)):
        assert refusal(lambda late=late: fields(since=late.isoformat()).span(NOW)) == (
            "since", "since lies before until.",
        )  # fmt: skip
    long_ago = NOW - 400 * DAY - timedelta(microseconds=1)
    assert refusal(lambda: fields(since=long_ago.isoformat()).span(NOW)) == (
        "since", "since and until lie at most 400 days apart.",
    )  # fmt: skip
