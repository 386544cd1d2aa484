"""Which resolver to ask about which zone, as people write it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SettingsError
from gateway.forward_settings import plain_url, read_forward, read_forward_flags


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("192.168.1.1", "udp://192.168.1.1"),
        ("fd00::1", "udp://[fd00::1]"),
        ("udp://192.168.1.1:5353", "udp://192.168.1.1:5353"),
        ("tls://192.168.1.1:853#router.lan", "tls://192.168.1.1:853#router.lan"),
        ("[fd00::1]:53", "[fd00::1]:53"),
    ],
)
def test_an_address_is_a_plain_upstream(given: str, url: str) -> None:
    assert plain_url(given) == url


def test_a_table_has_one_resolver_or_several_for_a_zone_or_a_network() -> None:
    assert read_forward({"fritz.box": "192.168.1.1", "192.168.1.0/24": ["192.168.1.1", "fd00::1"]}) == {
        "fritz.box": ("udp://192.168.1.1",),
        "192.168.1.0/24": ("udp://192.168.1.1", "udp://[fd00::1]"),
    }


@pytest.mark.parametrize("wrong", [5, [], "lan", {"lan": 5}, {"lan": []}, {"lan": [5]}, {"lan": ""}, {"lan": None}])
def test_anything_else_is_refused_with_an_example(wrong: Any) -> None:
    with pytest.raises(SettingsError, match=r'like \{ "fritz.box" = "192.168.178.1" \}'):
        read_forward(wrong)


@pytest.mark.parametrize("zone", ["a..b", "", ".", "192.168.1.0/40", "two words"])
def test_what_is_no_zone_and_no_network_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_forward({zone: "192.168.1.1"})


def test_flags_of_one_zone_are_asked_in_order() -> None:
    flags = ["lan=192.168.1.1", "192.168.1.0/24=192.168.1.1", "lan=192.168.1.2"]
    assert read_forward_flags(flags) == {
        "lan": ("udp://192.168.1.1", "udp://192.168.1.2"),
        "192.168.1.0/24": ("udp://192.168.1.1",),
    }


@pytest.mark.parametrize("flag", ["lan", "lan=", "=192.168.1.1", "a..b=192.168.1.1", "10.0.0.0/99=192.168.1.1"])
def test_a_wrong_flag_is_named(flag: str) -> None:
    with pytest.raises(SettingsError, match=f"--forward {flag}: "):
        read_forward_flags([flag])
