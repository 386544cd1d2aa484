"""Guessing passwords gets slow."""

from __future__ import annotations

from typing import Any

import pytest

from web.throttle import Guesser, Throttle, client_key


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def tried(throttle: Throttle, client: str, *, right: bool = False, **who: Any) -> float:
    with throttle.attempt(Guesser(client, **who)) as attempt:
        if right:
            attempt.succeeded()
    return attempt.wait


def test_five_tries_then_one_in_thirty_seconds() -> None:
    clock = Clock()
    throttle = Throttle(clock=clock)
    assert [tried(throttle, "192.168.4.7") for _ in range(5)] == [0] * 5
    assert tried(throttle, "192.168.4.7") == pytest.approx(30)
    clock.now += 10
    assert tried(throttle, "192.168.4.7") == pytest.approx(20)
    clock.now += 20
    assert tried(throttle, "192.168.4.7") == 0
    assert tried(throttle, "192.168.4.7") == pytest.approx(30)


def test_one_guesser_does_not_lock_the_others_out() -> None:
    throttle = Throttle(clock=Clock())
    for _ in range(50):
        tried(throttle, "192.168.4.66")
    assert tried(throttle, "192.168.4.7") == 0


def test_many_addresses_together_are_slow_too() -> None:
    clock = Clock()
    throttle = Throttle(clock=clock)
    allowed = sum(tried(throttle, f"10.0.{number // 250}.{number % 250}") == 0 for number in range(1000))
    assert allowed == 30
    clock.now += 60
    allowed = sum(tried(throttle, f"10.1.{number // 250}.{number % 250}") == 0 for number in range(1000))
    assert allowed == 15


def test_a_right_password_does_not_count() -> None:
    throttle = Throttle(clock=Clock())
    for _ in range(200):
        assert tried(throttle, "192.168.4.7", right=True) == 0


def test_it_remembers_a_bounded_number_of_clients() -> None:
    throttle = Throttle(clock=Clock(), clients=16)
    for number in range(1000):
        tried(throttle, f"10.0.{number // 250}.{number % 250}")
    assert len(throttle._buckets["home"]) == 16


def test_a_home_of_ipv6_is_one_client() -> None:
    assert client_key("2001:db8::1") == client_key("2001:db8::ffff:1")
    assert client_key("2001:db8::1") != client_key("2001:db8:0:1::1")
    assert client_key("::ffff:192.0.2.1") == "192.0.2.1"
    assert client_key("fe80::1%wlan0") == "fe80::/64"
    assert client_key("") == ""


def test_televisions_and_browsers_are_counted_apart() -> None:
    throttle = Throttle(clock=Clock())
    for number in range(100):
        tried(throttle, f"10.0.0.{number}", televisions=True)
    assert tried(throttle, "10.0.0.200", televisions=True) > 0
    assert tried(throttle, "192.168.4.7") == 0
    for number in range(100):
        tried(throttle, f"192.168.4.{number}")
    assert tried(throttle, "192.168.5.1") > 0
    assert tried(throttle, "192.168.5.1", browser="known") == 0


def test_two_tries_of_a_side_are_worked_on_at_once() -> None:
    throttle = Throttle(clock=Clock())
    home, other = Guesser("192.168.4.1"), Guesser("192.168.4.2")
    with throttle.attempt(home) as first, throttle.attempt(home) as second, throttle.attempt(other) as third:
        assert (first.wait, second.wait, third.wait) == (0, 0, 1)
        assert tried(throttle, "10.0.0.1", televisions=True) == 0
        assert tried(throttle, "192.168.4.3", browser="known") == 0
    assert tried(throttle, "192.168.4.2") == 0


def test_a_try_that_fails_in_an_error_is_over_too() -> None:
    throttle = Throttle(clock=Clock())
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), throttle.attempt(Guesser("192.168.4.1")):
            raise ZeroDivisionError
    assert tried(throttle, "192.168.4.1") == 0
