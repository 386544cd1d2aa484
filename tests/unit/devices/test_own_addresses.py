from __future__ import annotations

from ipaddress import ip_address

import netifaces
import pytest

from gateway.devices.own_addresses import own_addresses, watch_own_addresses


def test_the_loopback_address_is_ours() -> None:
    assert "127.0.0.1" in own_addresses()


def test_every_address_is_bare_text() -> None:
    for address in own_addresses():
        ip_address(address)
        assert "%" not in address


def test_an_interface_that_was_just_unplugged_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netifaces, "interfaces", lambda: ["gone0", "lo"])
    assert "127.0.0.1" in own_addresses()


def test_strangers_cannot_have_us_look_again_and_again() -> None:
    looks = iter([frozenset({"10.42.0.1"}), frozenset({"10.42.0.1", "192.168.4.7"})])
    now = 100.0
    is_own = watch_own_addresses(lambda: next(looks), lambda: now)
    assert [is_own(address) for address in ("10.42.0.1", "192.168.4.7", "203.0.113.9")] == [True, False, False]
    now += 6
    assert is_own("192.168.4.7")
