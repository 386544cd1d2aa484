"""Guessing passwords gets slow."""

from __future__ import annotations

import pytest

from web.throttle import Throttle, client_key


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_five_tries_then_one_in_thirty_seconds() -> None:
    clock = Clock()
    throttle = Throttle(clock=clock)
    assert [throttle.try_once("192.168.4.7") for _ in range(5)] == [0] * 5
    assert throttle.try_once("192.168.4.7") == pytest.approx(30)
    clock.now += 10
    assert throttle.try_once("192.168.4.7") == pytest.approx(20)
    clock.now += 20
    assert throttle.try_once("192.168.4.7") == 0
    assert throttle.try_once("192.168.4.7") == pytest.approx(30)


def test_one_guesser_does_not_lock_the_others_out() -> None:
    throttle = Throttle(clock=Clock())
    for _ in range(50):
        throttle.try_once("192.168.4.66")
    assert throttle.try_once("192.168.4.7") == 0


def test_many_addresses_together_are_slow_too() -> None:
    clock = Clock()
    throttle = Throttle(clock=clock)
    allowed = sum(throttle.try_once(f"10.0.{number // 250}.{number % 250}") == 0 for number in range(1000))
    assert allowed == 30
    clock.now += 60
    allowed = sum(throttle.try_once(f"10.1.{number // 250}.{number % 250}") == 0 for number in range(1000))
    assert allowed == 15


def test_a_right_password_does_not_count() -> None:
    throttle = Throttle(clock=Clock())
    for _ in range(200):
        assert throttle.try_once("192.168.4.7") == 0
        throttle.succeeded("192.168.4.7")


def test_it_remembers_a_bounded_number_of_clients() -> None:
    throttle = Throttle(clock=Clock(), clients=16)
    for number in range(1000):
        throttle.try_once(f"10.0.{number // 250}.{number % 250}")
    assert len(throttle._buckets) == 16


def test_a_home_of_ipv6_is_one_client() -> None:
    assert client_key("2001:db8::1") == client_key("2001:db8::ffff:1")
    assert client_key("2001:db8::1") != client_key("2001:db8:0:1::1")
    assert client_key("::ffff:192.0.2.1") == "192.0.2.1"
    assert client_key("fe80::1%wlan0") == "fe80::/64"
    assert client_key("") == ""
