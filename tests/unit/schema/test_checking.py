"""Strangers' JSON and the declarations: what a field is, is said by the declaration alone."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from gateway.errors import Refused
from gateway.schema.checking import Message, checked, convert, describe


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Whole(Message, frozen=True, kw_only=True):
    number: int
    maybe: bool | None = None
    ratio: float = 0.5
    word: Annotated[str, Meta(max_length=9)] = "w"
    said: Annotated[str, Meta(description="what was said")] = "s"
    colour: Colour = Colour.RED
    size: Literal["s", "m"] = "s"
    many: tuple[int, ...] = ()


class Tree(Message, frozen=True, kw_only=True):
    tree: Tree | None = None


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("number", "a whole number"),
        ("maybe", "true or false"),
        ("ratio", "a number"),
        ("word", "a text"),
        ("said", "what was said"),
        ("colour", "one of: red, blue"),
        ("size", "one of: s, m"),
        ("many", "something else"),
    ],
)
def test_a_field_is_described_by_its_declaration(field: str, says: str) -> None:
    assert describe(Whole, field) == says


def test_a_message_keeps_what_was_said_and_its_defaults() -> None:
    made = convert(Whole, {"number": 3, "word": "  a b ", "colour": "blue"})
    assert (made.number, made.maybe, made.ratio, made.word, made.colour) == (3, None, 0.5, "a b", Colour.BLUE)


def refused(value: Any) -> tuple[str | None, str]:
    with pytest.raises(Refused) as refusal:
        convert(Whole, value)
    return refusal.value.field, str(refusal.value)


@pytest.mark.parametrize("value", [None, 7, "x", [], [("number", 1)], True])
def test_what_is_no_object_is_refused_as_a_whole(value: Any) -> None:
    assert refused(value) == (None, "The body is one JSON object.")


@pytest.mark.parametrize(
    ("value", "field", "says"),
    [
        ({}, "number", "number is missing; it is a whole number."),
        ({"number": "3"}, "number", "number is a whole number."),
        ({"number": 3.5}, "number", "number is a whole number."),
        ({"number": True}, "number", "number is a whole number."),
        ({"number": 1, "maybe": 0}, "maybe", "maybe is true or false."),
        ({"number": 1, "word": "x" * 10}, "word", "word is a text."),
        ({"number": 1, "word": "a\u202eb"}, "word", "word is a text."),
        ({"number": 1, "said": "a\nb"}, "said", "said is what was said."),
        ({"number": 1, "colour": "green"}, "colour", "colour is one of: red, blue."),
        ({"number": 1, "size": "l"}, "size", "size is one of: s, m."),
        ({"number": 1, "many": [1, "2"]}, "many", "many is something else."),
        ({"number": 1, "many": {"deep": {}}}, "many", "many is something else."),
    ],
)
def test_a_wrong_field_is_named_with_what_it_is(value: Any, field: str, says: str) -> None:
    assert refused(value) == (field, says)


def test_an_unknown_field_is_named_short_printable_and_with_those_that_are_known() -> None:
    field, says = refused({"number": 1, "a\n" + "b" * 60: 1})
    assert field == "a?" + "b" * 38
    assert says.startswith(f"There is no field {field}; known are: number, maybe, ratio, word")

    class Empty(Message, frozen=True, kw_only=True):
        pass

    with pytest.raises(Refused, match="There is no field x; known are: none"):
        convert(Empty, {"x": 1})


def test_a_key_that_is_no_text_is_no_field() -> None:
    assert refused({"number": 1, 7: 1}) == (None, "The body is one JSON object with the fields that are described.")


def test_what_nests_without_end_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"tree": deep}
    with pytest.raises(Refused) as refusal:
        convert(Tree, deep)
    assert refusal.value.code == "message.body-nests-too"


def test_a_handler_is_given_messages_only() -> None:
    seen = checked(Whole, lambda whole: whole.number + 1)
    assert seen({"number": 1}) == 2
    with pytest.raises(Refused):
        seen({"number": "1"})
