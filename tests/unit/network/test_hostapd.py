"""What stands in hostapd's settings, and what it would make of it."""

from __future__ import annotations

import dataclasses
from pathlib import PurePosixPath

import pytest

from gateway.errors import NetworkError
from gateway.model.network import AccessPoint, Security
from gateway.network.hostapd import key_of, render

POINT = AccessPoint("wlan0", "Home TV", "abcde-fghjk", "DE", channel=6)


def lines(point: AccessPoint) -> dict[str, str]:
    text = render(point, bridge="br-tv", control=PurePosixPath("/run/telltale-network/air"))
    return dict(line.split("=", 1) for line in text.splitlines())


def test_wpa2_without_management_frame_protection_is_the_default() -> None:
    written = lines(POINT)
    assert (written["wpa_key_mgmt"], written["ieee80211w"], written["country_code"]) == ("WPA-PSK", "0", "DE")
    assert written["ssid2"] == b"Home TV".hex()
    assert "wpa_passphrase" not in written


def test_the_key_is_the_standard_s() -> None:
    """IEEE 802.11-2020, J.4.2: test vector 1."""
    assert key_of("IEEE", "password") == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"


def test_mixed_and_wpa3_protect_management_frames() -> None:
    mixed = lines(dataclasses.replace(POINT, security=Security.MIXED))
    assert (mixed["wpa_key_mgmt"], mixed["ieee80211w"], mixed["sae_require_mfp"]) == ("WPA-PSK SAE", "1", "1")
    strict = lines(dataclasses.replace(POINT, security=Security.WPA3))
    assert (strict["wpa_key_mgmt"], strict["ieee80211w"]) == ("SAE", "2")


def test_the_radio_chooses_a_channel_that_is_legal_and_needs_no_wait() -> None:
    assert lines(dataclasses.replace(POINT, channel=0, country="US"))["chanlist"] == "1-11"
    five = lines(dataclasses.replace(POINT, channel=0, band=5))
    assert (five["hw_mode"], five["channel"], five["acs_exclude_dfs"]) == ("a", "acs_survey", "1")
    assert (five["ieee80211h"], five["ieee80211ac"]) == ("1", "1")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"country": ""}, "in which country"),
        ({"ssid": "ü" * 17}, "1 to 32 bytes"),
        ({"passphrase": "short"}, "8 to 63"),
        ({"passphrase": "line\nbreak=1"}, "8 to 63"),
        ({"channel": 14}, "no channel 14"),
        ({"band": 5, "channel": 6}, "no channel 6 at 5 GHz"),
        ({"interface": "wlan0;id"}, "not the name"),
    ],
)
def test_each_mistake_has_its_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(NetworkError, match=sentence):
        lines(dataclasses.replace(POINT, **changes))  # type: ignore[arg-type]
