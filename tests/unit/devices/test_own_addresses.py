from __future__ import annotations

from ipaddress import ip_address

import netifaces
import pytest

from gateway.devices.own_addresses import own_addresses


def test_the_loopback_address_is_ours() -> None:
    assert "127.0.0.1" in own_addresses()


def test_every_address_is_bare_text() -> None:
    for address in own_addresses():
        ip_address(address)
        assert "%" not in address


def test_an_interface_that_was_just_unplugged_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netifaces, "interfaces", lambda: ["gone0", "lo"])
    assert "127.0.0.1" in own_addresses()
