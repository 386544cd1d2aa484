from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.model.flow import Detour, Outcome
from gateway.network.attempts import AttemptMeter, Key, Reading, detour_of, parse_memory

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
OUTCOMES = {True: Outcome.ANSWERED, False: Outcome.REFUSED}
GOOGLE = Key(True, "02:00:00:00:00:01", "8.8.8.8", "udp", 53)


def listed(*elements: dict, name: str = "turned4") -> list[dict]:
    return [{"metainfo": {}}, {"set": {"name": name, "elem": [{"elem": element} for element in elements]}}]


def element(*key: object, packets: object = 3, expires: object = 3500) -> dict:
    return {"val": {"concat": list(key)}, "expires": expires, "counter": {"packets": packets, "bytes": 1}}


def test_an_element_becomes_a_key_whether_services_are_named_or_numbered():
    for protocol, port in (("udp", 53), ("17", "53"), (17, "domain"), ("udp", "domain")):
        memory = parse_memory(listed(element("02:00:00:00:00:01", "8.8.8.8", protocol, port)))
        assert memory == {GOOGLE: Reading(3, 3500.0)}


def test_what_cannot_be_read_is_left_out():
    bad = [
        element("not a mac", "8.8.8.8", "udp", 53),
        element("02:00:00:00:00:01", "not an address", "udp", 53),
        element("02:00:00:00:00:01", "8.8.8.8", "udp", "no port"),
        element("02:00:00:00:00:01", "8.8.8.8", "udp", [1]),
        element("02:00:00:00:00:01", "8.8.8.8", "udp"),
        element("02:00:00:00:00:01", "8.8.8.8", "udp", 53, packets="many"),
        element("02:00:00:00:00:01", "8.8.8.8", "udp", 53, packets=0),
        {"val": "8.8.8.8"},
    ]
    assert parse_memory(listed(*bad)) == {}
    assert parse_memory([{"set": None}, {"set": {"name": "turned4", "elem": 7}}, {}]) == {}
    assert parse_memory(listed(element("02:00:00:00:00:01", "8.8.8.8", "udp", 53), name="paused")) == {}


def test_only_what_is_new_is_reported():
    meter = AttemptMeter(START)
    now = START + timedelta(seconds=100)
    (first,) = meter.measure({GOOGLE: Reading(3, 3590)}, now, OUTCOMES)
    assert (first.count, first.detour, first.outcome) == (3, Detour.DNS, Outcome.ANSWERED)
    assert (first.first, first.last) == (START, now - timedelta(seconds=10))
    assert meter.measure({GOOGLE: Reading(3, 3580)}, now + timedelta(seconds=10), OUTCOMES) == []
    (again,) = meter.measure({GOOGLE: Reading(8, 3600)}, now + timedelta(seconds=20), OUTCOMES)
    assert again.count == 5
    assert now <= again.first <= again.last <= now + timedelta(seconds=20)


def test_an_element_that_was_forgotten_begins_again():
    meter = AttemptMeter(START)
    meter.measure({GOOGLE: Reading(30, 3600)}, START, OUTCOMES)
    (attempt,) = meter.measure({GOOGLE: Reading(2, 3600)}, START, OUTCOMES)
    assert attempt.count == 2
    meter.forget()
    (attempt,) = meter.measure({GOOGLE: Reading(4, 3600)}, START, OUTCOMES)
    assert attempt.count == 4


def test_ports_say_which_way_round():
    def way(turned: bool, protocol: str, port: int) -> Detour:
        return detour_of(Key(turned, "", "", protocol, port))

    assert way(True, "tcp", 54) is Detour.DNS
    assert way(True, "udp", 123) is Detour.TIME
    assert way(False, "tcp", 853) is Detour.DOT
    assert way(False, "udp", 853) is Detour.DOQ
    assert way(False, "udp", 443) is Detour.DOH_ADDRESS
    assert way(False, "tcp", 9953) is Detour.DNS
