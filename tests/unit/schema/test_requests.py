"""What can be asked is declared once; what does not fit is refused with the field that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Refused
from gateway.model.rule import Scope, ScopeKind
from gateway.schema.checking import convert
from gateway.schema.requests import AddRule, DeviceChange, NewList, NewPassword, NewPause, NewRule


@pytest.mark.parametrize(
    ("request_", "scope"),
    [
        ({"name": "Ads.Example."}, Scope(ScopeKind.NAME, "ads.example")),
        ({"name": "ads.example", "subtree": True}, Scope(ScopeKind.SUBTREE, "ads.example")),
        ({"name": "*.ads.example"}, Scope(ScopeKind.SUBTREE, "ads.example")),
        ({"company": "Samba TV"}, Scope(ScopeKind.COMPANY, "Samba TV")),
        ({"category": "acr"}, Scope(ScopeKind.CATEGORY, "acr")),
        ({"everything": True, "device": "mac:aa"}, Scope(ScopeKind.EVERYTHING)),
        ({"preset": "calm"}, Scope(ScopeKind.PRESET, "calm")),
    ],
)
def test_a_rule_says_what_it_speaks_of(request_: dict[str, Any], scope: Scope) -> None:
    assert convert(NewRule, {"action": "block", **request_}).scope == scope


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({}, "name"),
        ({"name": "a.b", "company": "C"}, "company"),
        ({"name": "."}, "name"),
        ({"name": "a..b"}, "name"),
        ({"name": "a b.example"}, "name"),
        ({"name": "a.example\tb.example", "subtree": True}, "name"),
        ({"name": 7}, "name"),
        ({"name": "a.b", "subtree": "yes"}, "subtree"),
        ({"category": "x" * 2000}, "category"),
    ],
)
def test_a_wrong_scope_names_its_field(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        assert convert(NewRule, {"action": "block", **request_}).scope
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("message", "value", "says"),
    [
        (NewRule, {"name": "a.b"}, "action is missing; it is one of: allow, block."),
        (NewRule, {"action": "allow", "nmae": "a.b"}, "There is no field nmae; known are: action, name"),
        (NewRule, {"action": "stop", "name": "a.b"}, "action is one of: allow, block."),
        (NewRule, {"action": "block", "name": "a.b", "comment": "x" * 501}, "comment is a text of at most 500"),
        (NewRule, {"action": "block", "name": "a.b", "comment": "x\ny"}, "comment is a text of at most 500"),
        (NewRule, {"action": "block", "name": "a.b", "seconds": True}, "seconds is a whole number from 1 to 31622400."),
        (NewRule, {"action": "block", "name": "a.b", "seconds": 0}, "seconds is a whole number from 1 to 31622400."),
        (NewRule, {"action": "block", "company": "C", "subtree": True}, "subtree speaks of names only."),
        (NewRule, {"action": "block", "everything": True}, "everything cuts one device off"),
        (NewRule, {"action": "allow", "preset": "calm"}, "A preset goes with block"),
        (NewPause, {}, "seconds is missing; it is a whole number from 0 to 31622400."),
        (DeviceChange, {"name": "x" * 65}, "name is a text of at most 64 printable characters."),
        (NewList, {"url": "https://a.example", "source": "https://a.example"}, "Say where the list is"),
        (NewPassword, {"old": "x"}, "new is missing; it is the password that you want."),
        (NewRule, [], "The body is one JSON object."),
    ],
)
def test_a_refusal_is_made_of_the_declaration(message: type[Any], value: Any, says: str) -> None:
    with pytest.raises(Refused, match="^" + says.replace(".", r"\.")):
        convert(message, value)


def test_blanks_around_a_text_are_nobodys_intention_but_a_password_is_taken_as_it_stands() -> None:
    assert convert(AddRule, {"action": "block", "name": " a.b ", "made_by": " me "}).made_by == "me"
    assert convert(NewPassword, {"old": " old ", "new": " new "}).new == " new "
