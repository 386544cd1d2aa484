"""What can be asked is declared once; what does not fit is refused with the field that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Refused
from gateway.model.rule import Scope, ScopeKind
from gateway.schema.checking import convert
from gateway.schema.requests import (
    AddList,
    AddRule,
    CompanyQuestion,
    DeviceChange,
    Explain,
    NetworkApply,
    NetworkPause,
    NewList,
    NewPassword,
    NewPause,
    NewRule,
    Nothing,
    Numbered,
    Pause,
    UpdateDevice,
    WhoseResolvers,
    canonical_name,
)


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
        (NewRule, {"action": "block"}, "Say exactly one of name, service, trackers, company, category, everything and"),
        (NewRule, [], "The body is one JSON object."),
    ],
)
def test_a_refusal_is_made_of_the_declaration(message: type[Any], value: Any, says: str) -> None:
    with pytest.raises(Refused, match="^" + says.replace(".", r"\.")):
        convert(message, value)


def test_blanks_around_a_text_are_nobodys_intention_but_a_password_is_taken_as_it_stands() -> None:
    assert convert(AddRule, {"action": "block", "name": " a.b ", "made_by": " me "}).made_by == "me"
    assert convert(NewPassword, {"old": " old ", "new": " new "}).new == " new "


YEAR = 366 * 24 * 3600
RULE = {"action": "block", "name": "a.b"}
LIST = {"url": "https://a.example"}


@pytest.mark.parametrize(
    ("message", "base", "field", "least", "most"),
    [
        (NewRule, {"action": "block"}, "name", 1, 1024),
        (NewRule, {"action": "block"}, "company", 1, 120),
        (NewRule, RULE, "device", 1, 120),
        (NewRule, RULE, "comment", 0, 500),
        (AddRule, RULE, "made_by", 1, 120),
        (NewPause, {"seconds": 1}, "device", 1, 120),
        (Pause, {"seconds": 1}, "made_by", 1, 120),
        (DeviceChange, {}, "name", 0, 64),
        (DeviceChange, {}, "kind", 0, 64),
        (DeviceChange, {}, "maker", 0, 64),
        (UpdateDevice, {}, "id", 1, 120),
        (NewList, {}, "url", 1, 2048),
        (NewList, {}, "source", 1, 2048),
        (NewList, LIST, "title", 0, 120),
        (NewList, LIST, "comment", 0, 500),
        (AddList, {}, "source", 1, 2048),
        (AddList, {"source": "/a"}, "title", 0, 120),
        (AddList, {"source": "/a"}, "comment", 0, 500),
        (Explain, {}, "name", 1, 1024),
        (Explain, {"name": "a.b"}, "device", 1, 120),
        (CompanyQuestion, {}, "name", 0, 200),
        (NetworkPause, {}, "device", 1, 120),
        (NewPassword, {"new": "x"}, "old", 1, 4096),
        (NewPassword, {"old": "x"}, "new", 1, 4096),
    ],
)
def test_a_text_has_its_limits(message: type[Any], base: dict[str, Any], field: str, least: int, most: int) -> None:
    for length in (least, most):
        assert getattr(convert(message, {**base, field: "x" * length}), field) == "x" * length
    for length in (least - 1, most + 1):
        if length >= 0:
            with pytest.raises(Refused) as refusal:
                convert(message, {**base, field: "x" * length})
            assert refusal.value.field == field
            said = str(refusal.value)
            if "password" in said:
                assert said in (
                    f"{field} is the password that you have now.",
                    f"{field} is the password that you want.",
                )
            else:
                assert str(most) in said
                assert ("1 to" in said) is (least == 1)


@pytest.mark.parametrize(
    ("message", "base", "field", "least", "most"),
    [
        (NewRule, RULE, "seconds", 1, YEAR),
        (NewPause, {}, "seconds", 0, YEAR),
        (Numbered, {}, "id", 0, (1 << 53) - 1),
        (Explain, {"name": "a.b"}, "devices", 0, (1 << 53) - 1),
    ],
)
def test_a_number_has_its_limits(message: type[Any], base: dict[str, Any], field: str, least: int, most: int) -> None:
    for number in (least, most):
        assert getattr(convert(message, {**base, field: number}), field) == number
    for number in (least - 1, most + 1, True, "1"):
        with pytest.raises(Refused, match=f"^{field} is a whole number"):
            convert(message, {**base, field: number})


@pytest.mark.parametrize(
    ("message", "base", "field", "each", "most", "says"),
    [
        (Explain, {"name": "a.b"}, "targets", "c.d", 16, "at most 16 domain names"),
        (Explain, {"name": "a.b"}, "times", 1.5, 1000, "at most 1000 numbers: seconds since 1970"),
        (WhoseResolvers, {}, "servers", "9.9.9.9", 1000, "at most 1000 texts"),
    ],
)
def test_a_list_of_things_has_its_limit(
    message: type[Any], base: dict[str, Any], field: str, each: Any, most: int, says: str
) -> None:
    for count in (0, 1, most):
        assert len(getattr(convert(message, {**base, field: [each] * count}), field)) == count
    for wrong in ([each] * (most + 1), each, [None]):
        with pytest.raises(Refused) as refusal:
            convert(message, {**base, field: wrong})
        assert str(refusal.value) == f"{field} is {says}."


def test_what_is_left_out_is_as_little_as_possible() -> None:
    rule = convert(AddRule, RULE)
    left = (rule.company, rule.category, rule.everything, rule.preset, rule.subtree, rule.device, rule.seconds)
    assert left == (None,) * 7
    assert (rule.comment, rule.made_by) == (None, "dashboard")
    pause = convert(Pause, {"seconds": 0})
    assert (pause.device, pause.made_by) == (None, "dashboard")
    assert convert(DeviceChange, {}).changes == {}
    assert convert(DeviceChange, {"name": "", "maker": " LG "}).changes == {"name": "", "maker": "LG"}
    assert convert(DeviceChange, {"kind": "TV"}).changes == {"kind": "TV"}
    added = convert(AddList, {"source": "/a"})
    assert (added.title, added.action.value, added.comment) == ("", "block", "")
    listed = convert(NewList, {"source": "https://a.example"})
    assert (listed.url, listed.title, listed.action, listed.comment) == (None, None, None, None)
    asked = convert(Explain, {"name": "a.b"})
    assert (asked.device, asked.targets, asked.times, asked.devices) == (None, None, None, 1)
    assert convert(NetworkPause, {"device": "d"}).paused is True
    assert convert(NetworkPause, {"device": "d", "paused": False}).paused is False
    assert convert(NetworkApply, {}).dry_run is False
    assert convert(NetworkApply, {"dry_run": True}).dry_run is True
    assert convert(Nothing, {}) == Nothing()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"name": "a.b", "company": "C"}, "company"),
        ({"company": "C", "preset": "calm", "name": "a.b"}, "company"),
        ({"category": "acr", "preset": "calm"}, "preset"),
        ({"everything": True, "device": "d", "category": "acr"}, "everything"),
        ({"everything": False}, "name"),
        ({"company": "C", "subtree": True}, "subtree"),
        ({"everything": True}, "everything"),
    ],
)
def test_a_rule_speaks_of_exactly_one_thing(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        convert(NewRule, {"action": "block", **request_})
    assert refusal.value.field == field
    assert "{" not in str(refusal.value)


def test_what_fits_together_and_what_does_not() -> None:
    assert convert(NewRule, {"action": "block", "company": "C", "subtree": False, "everything": False}).company == "C"
    assert convert(NewRule, {"action": "allow", "preset": "off", "device": "d"}).preset == "off"
    assert convert(NewRule, {"action": "block", "preset": "silent"}).preset == "silent"
    for wrong, field in (
        ({"action": "allow", "everything": True, "device": "d"}, "everything"),
        ({"action": "allow", "preset": "quiet"}, "action"),
    ):
        with pytest.raises(Refused) as refusal:
            convert(NewRule, wrong)
        assert refusal.value.field == field
    with pytest.raises(Refused, match=r"^title is a text of at most 120"):
        convert(NewList, {**LIST, "title": "a\nb"})
    for neither in ({}, {"url": "https://a.example", "source": "https://a.example"}):
        with pytest.raises(Refused) as refusal:
            convert(NewList, neither)
        assert refusal.value.field == "url"


def test_a_name_is_canonical_and_the_field_that_holds_it_is_named() -> None:
    assert canonical_name("Ads.Example.") == "ads.example"
    for wrong in ("", ".", "a..b", "a" * 300):
        with pytest.raises(Refused) as refusal:
            canonical_name(wrong)
        assert refusal.value.field == "name"
        with pytest.raises(Refused) as refusal:
            canonical_name(wrong, "of")
        assert refusal.value.field == "of"
    assert str(refusal.value) != ""
    with pytest.raises(Refused, match=r"^of is a domain name such as ads\.example\.com\.$"):
        canonical_name(".", "of")


@pytest.mark.parametrize("message", [NewRule, NewPause, DeviceChange, NewList, NewPassword, Numbered, Nothing])
def test_a_message_does_not_change_any_more(message: type[Any]) -> None:
    values = {
        NewRule: RULE,
        NewPause: {"seconds": 1},
        NewList: LIST,
        NewPassword: {"old": "a", "new": "b"},
        Numbered: {"id": 1},
    }
    made = convert(message, values.get(message, {}))
    with pytest.raises(AttributeError):
        made.name = "other"
    assert made == convert(message, values.get(message, {}))
