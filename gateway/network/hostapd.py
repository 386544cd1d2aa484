"""An access point to hostapd's configuration (hostapd.conf(5)). Pure.

No text of a person stands in the file as it was typed: the SSID and the WPA2 key are hexadecimal, and a passphrase for
WPA3 is checked to be printable ASCII, which ends no line.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from gateway.errors import NetworkError
from gateway.model.network import AccessPoint, Security

CHANNELS_24 = tuple(range(1, 14))
"""Channel 14 is for Japan and 802.11b only."""
CHANNELS_5 = (*range(36, 65, 4), *range(100, 145, 4), *range(149, 178, 4))
_ELEVEN_CHANNELS = frozenset({"US", "CA", "MX", "TW", "CO", "PA"})
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_PASSPHRASE = re.compile(r"[\x20-\x7e]{8,63}", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9_./-]{1,100}", re.ASCII)


def check_access_point(point: AccessPoint) -> None:
    """Raises NetworkError with one sentence about the first thing that is wrong."""
    if not _INTERFACE.fullmatch(point.interface):
        raise NetworkError("network.not-name-wi", interface=f"{point.interface!r:.60}")
    if not _COUNTRY.fullmatch(point.country):
        raise NetworkError("network.say-country-wi")
    if not 1 <= len(_bytes_of(point.ssid)) <= 32:
        raise NetworkError("network.name-wi-fi")
    if not _PASSPHRASE.fullmatch(point.passphrase):
        raise NetworkError("network.wi-fi-passphrase")
    check_channel(point.band, point.channel)


def check_channel(band: float, channel: int) -> None:
    """0 lets the radio choose. Raises NetworkError."""
    if band not in (2.4, 5):
        raise NetworkError("network.wi-fi-band")
    known = CHANNELS_24 if band == 2.4 else CHANNELS_5
    if channel and channel not in known:
        raise NetworkError("network.no-channel-ghz", channel=channel, band=f"{band:g}")


def render(point: AccessPoint, *, bridge: str, control: PurePosixPath, driver: str = "nl80211") -> str:
    """The file for this access point, joined to the bridge; `control` is the folder of hostapd's control sockets.

    Raises NetworkError.
    """
    check_access_point(point)
    if not _INTERFACE.fullmatch(bridge):
        raise NetworkError("network.not-name-bridge", bridge=f"{bridge!r:.60}")
    if not _PATH.fullmatch(str(control)):
        raise NetworkError("network.folder-wi-fi")
    if driver not in ("nl80211", "none"):
        raise NetworkError("network.hostapd-drives-radios")
    lines = [
        f"interface={point.interface}",
        f"bridge={bridge}",
        f"driver={driver}",
        f"ctrl_interface={control}",
        f"ssid2={_bytes_of(point.ssid).hex()}",
        "utf8_ssid=1",
        f"country_code={point.country}",
        # 802.11d tells devices the country; 802.11h (radar, power) exists at 5 GHz only.
        "ieee80211d=1",
        *_channel(point),
        # Without WMM a radio falls back to the speeds of 802.11a/g.
        "wmm_enabled=1",
        "ieee80211n=1",
        # What one station says to another comes by the bridge, where our rules see it, and goes back from there: else
        # the radio hands it on by itself. Whether stations may reach each other at all, the bridge decides.
        "ap_isolate=1",
        "auth_algs=1",
        *_security(point),
        "logger_syslog=0",
        "logger_stdout=-1",
        "logger_stdout_level=2",
    ]
    return "\n".join(lines) + "\n"


def key_of(ssid: str, passphrase: str) -> str:
    """The 256-bit WPA2 key in hexadecimal (IEEE 802.11-2020, J.4.1)."""
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode("ascii"), _bytes_of(ssid), 4096, 32).hex()


def _channel(point: AccessPoint) -> list[str]:
    if point.band == 2.4:
        lines = ["hw_mode=g", f"channel={point.channel or 'acs_survey'}"]
        if not point.channel:
            last = 11 if point.country in _ELEVEN_CHANNELS else 13
            lines.append(f"chanlist=1-{last}")
        return lines
    lines = ["hw_mode=a", f"channel={point.channel or 'acs_survey'}", "ieee80211h=1", "ieee80211ac=1"]
    if not point.channel:
        lines.append("acs_exclude_dfs=1")
    return lines


def _security(point: AccessPoint) -> list[str]:
    if point.security is Security.WPA2:
        # PMF off: the radio of the Raspberry Pi (brcmfmac) fails with it.
        return ["wpa=2", "wpa_key_mgmt=WPA-PSK", "rsn_pairwise=CCMP", "ieee80211w=0", f"wpa_psk={_key(point)}"]
    # Not sae_password, which reads "|id=" and the like in a password as an option.
    shared = ["wpa=2", "rsn_pairwise=CCMP", f"wpa_passphrase={point.passphrase}", "sae_pwe=2"]
    if point.security is Security.MIXED:
        return [*shared, "wpa_key_mgmt=WPA-PSK SAE", "ieee80211w=1", "sae_require_mfp=1"]
    return [*shared, "wpa_key_mgmt=SAE", "ieee80211w=2"]


def _key(point: AccessPoint) -> str:
    return key_of(point.ssid, point.passphrase)


def _bytes_of(ssid: str) -> bytes:
    try:
        return ssid.encode("utf-8")
    except UnicodeEncodeError:
        raise NetworkError("network.name-wi-fi-ssid") from None
