from __future__ import annotations

from ipaddress import ip_address

import pytest

from gateway.errors import NetworkError
from gateway.network.cuts import elements, is_between, pairs_of, parse_cuts, removals
from tests.unit.network.test_flows import FLOW

FOUR, SIX = ip_address("10.42.0.11"), ip_address("fd42::11")
SERVER4, SERVER6 = ip_address("203.0.113.10"), ip_address("2001:db8::10")


def test_devices_and_servers_pair_within_their_family():
    assert pairs_of([FOUR, SIX], [SERVER4, SERVER6]) == [(FOUR, SERVER4), (SIX, SERVER6)]


def test_nobody_is_cut_from_everybody():
    with pytest.raises(NetworkError, match="At most"):
        pairs_of([FOUR] * 1000, [SERVER4] * 1000)
    with pytest.raises(NetworkError, match="one server"):
        pairs_of([FOUR], [ip_address("255.255.255.255"), ip_address("0.0.0.0")])


def test_each_family_has_its_set():
    added = elements({(FOUR, SERVER4): 9.7, (SIX, SERVER6): 0.1})
    assert [command["add"]["element"]["name"] for command in added] == ["cut4", "cut6"]
    assert [command["add"]["element"]["elem"][0]["elem"]["timeout"] for command in added] == [9, 1]
    assert elements({}) == []


def test_a_pair_is_put_in_before_it_is_taken_out():
    verbs = [next(iter(command)) for command in removals([(FOUR, SERVER4)])]
    assert verbs == ["add", "delete"]


def test_what_an_earlier_process_cut_is_read_and_nonsense_is_not():
    good = {"elem": {"val": {"concat": ["10.42.0.11", "203.0.113.10"]}, "expires": 30}}
    bad = [
        {},
        7,
        {"elem": {"val": {"concat": ["x", "y"]}, "expires": 1}},
        {"elem": {"val": {"concat": ["10.42.0.11"]}}},
    ]
    assert parse_cuts([{"metainfo": {}}, {"set": {"elem": [good, *bad]}}, {"set": 7}]) == {(FOUR, SERVER4): 30.0}


def test_a_flow_is_known_by_what_the_device_asked_for():
    assert is_between([(FOUR, SERVER4)])(FLOW)
    assert not is_between([(FOUR, SERVER6)])(FLOW)
