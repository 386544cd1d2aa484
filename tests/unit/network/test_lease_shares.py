from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from gateway.model.mac import Mac
from gateway.network.between import share_of_port
from gateway.network.lease_shares import (
    MOST_OF_STATION,
    Excess,
    LeaseRequest,
    LeaseShares,
    parse_request,
)
from tests.netns.dhcp_flood import frame, message
from tests.unit.network.plans import plan_with

TV, OTHER = Mac("cc:6d:a0:11:22:33"), Mac("cc:6d:a0:44:55:66")


def mac(number: int) -> Mac:
    return Mac((b"\x02\xba" + struct.pack("!I", number)).hex(":"))


def raw(text: Mac) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def test_a_request_is_read() -> None:
    request = frame(raw(TV), message(1, 7, raw(OTHER), 1, named=True))
    assert parse_request(request) == LeaseRequest(TV, OTHER)


@pytest.mark.parametrize("cut", [0, 13, 14, 33, 34, 41, 75])
def test_what_is_cut_short_is_none(cut: int) -> None:
    assert parse_request(frame(raw(TV), message(1, 7, raw(OTHER), 1, named=False))[:cut]) is None


def test_an_answer_or_a_group_asks_for_nothing() -> None:
    answer = b"\x02" + message(2, 7, raw(TV), 1, named=False)[1:]
    assert parse_request(frame(raw(TV), answer)) is None
    assert parse_request(frame(b"\xff" * 6, message(1, 7, raw(TV), 1, named=False))) is None
    assert parse_request(frame(raw(TV), message(1, 7, bytes(6), 1, named=False))) is None


@pytest.mark.parametrize(
    ("ports", "pool", "share"),
    [(1, 201, 100), (2, 201, 67), (4, 201, 40), (2, 20, 16), (1, 5, 5), (3, 1, 1)],
)
def test_as_many_ports_as_there_are_one_share_is_left(ports: int, pool: int, share: int) -> None:
    first = IPv4Address("10.42.0.50")
    plan = plan_with({"ports": tuple(f"eth{each}" for each in range(1, ports + 1)), "first": first})
    assert plan.tv is not None
    plan = replace(plan, tv=replace(plan.tv, last=first + pool - 1))
    assert share_of_port(plan) == share


def test_a_port_has_its_share_and_whoever_was_first_goes_on() -> None:
    shares = LeaseShares(3, 100.0)
    for number in (1, 2, 3, 1, 2):
        assert shares.saw("eth1", LeaseRequest(mac(number), mac(number)), 0.0) is None
    assert shares.saw("eth1", LeaseRequest(mac(4), mac(4)), 1.0) == Excess("eth1", 3)
    assert shares.saw("eth1", LeaseRequest(mac(1), mac(1)), 1.0) is None
    assert shares.saw("eth2", LeaseRequest(mac(4), mac(4)), 1.0) is None, "another port has its own"


def test_a_share_is_free_again_when_a_lease_has_run_out() -> None:
    shares = LeaseShares(1, 100.0)
    assert shares.saw("eth1", LeaseRequest(mac(1), mac(1)), 0.0) is None
    assert shares.saw("eth1", LeaseRequest(mac(2), mac(2)), 99.0) == Excess("eth1", 1)
    assert shares.saw("eth1", LeaseRequest(mac(2), mac(2)), 101.0) is None


def test_one_station_asks_for_as_many_as_a_repeater_may() -> None:
    shares = LeaseShares(100, 100.0)
    for number in range(MOST_OF_STATION):
        assert shares.saw("wlan0", LeaseRequest(TV, mac(number)), 0.0) is None
    assert shares.saw("wlan0", LeaseRequest(TV, mac(99)), 0.0) == Excess("wlan0", MOST_OF_STATION, TV)
    assert shares.saw("wlan0", LeaseRequest(OTHER, mac(98)), 0.0) is None


def test_a_million_names_do_not_fill_the_memory() -> None:
    shares = LeaseShares(10, 100.0)
    for number in range(20_000):
        shares.saw("eth1", LeaseRequest(mac(number), mac(number)), 0.0)
    assert len(shares._of_station) <= 4096
    assert sum(map(len, shares._at_port.values())) == 10
