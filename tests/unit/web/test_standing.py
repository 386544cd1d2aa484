"""Which rule speaks of exactly this."""

from __future__ import annotations

from web.rule_index import Standing

EVERYONE = {"id": 1, "action": "block", "company": "Roku", "subtree": False, "device": None}
KITCHEN = {"id": 2, "action": "allow", "company": "Roku", "subtree": False, "device": "mac:1"}
BELOW = {"id": 3, "action": "block", "name": "example.com", "subtree": True, "device": None}


def test_the_rule_of_a_device_stands_before_the_one_for_everyone() -> None:
    standing = Standing([EVERYONE, KITCHEN])
    assert standing.of("company", "Roku", "mac:1") is KITCHEN
    assert standing.of("company", "Roku", "mac:2") is EVERYONE
    assert standing.of("company", "Roku") is EVERYONE


def test_a_name_and_what_lies_below_it_are_two_things() -> None:
    standing = Standing([BELOW])
    assert standing.of("name", "example.com") is None
    assert standing.of("name", "example.com", subtree=True) is BELOW
    assert standing.of("name", None) is None


def test_a_new_rule_replaces_the_one_with_its_scope_and_device() -> None:
    standing = Standing([EVERYONE, KITCHEN, BELOW])
    assert standing.same_as({"action": "allow", "company": "Roku", "device": None}) is EVERYONE
    assert standing.same_as({"name": "example.com", "subtree": True}) is BELOW
    assert standing.same_as({"name": "example.com"}) is None
    assert {rule["id"] for rule in standing} == {1, 2, 3}


def test_there_is_one_preset_for_everyone_and_one_for_each_device() -> None:
    calm = {"id": 4, "action": "block", "preset": "calm", "subtree": False, "device": None}
    off = {"id": 5, "action": "allow", "preset": "off", "subtree": False, "device": "mac:1"}
    standing = Standing([calm, off, EVERYONE])
    assert (standing.preset(), standing.preset("mac:1"), standing.preset("mac:2")) == (calm, off, None)
    assert standing.same_as({"preset": "silent", "device": None}) is calm
