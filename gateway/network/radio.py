"""Trouble with the radio in plain words: from what hostapd prints, and from what the kernel says of rfkill. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

# The first that fits wins: what is nearer to the cause stands higher. The texts are those of hostapd 2.10 and 2.11.
_TROUBLES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), says)
    for pattern, says in (
        (r"rfkill: .*(soft )?block", "The Wi-Fi is switched off (rfkill); `rfkill unblock wifi` switches it on."),
        (
            r"Could not read interface \S+ flags: No such device|No such device|if_indextoname.*failed",
            "The Wi-Fi interface is not there; plug the adapter in, or name another interface.",
        ),
        (
            r"nl80211' generic netlink not found|Failed to initialize driver 'nl80211'",
            "This machine has no driver for a Wi-Fi radio.",
        ),
        (
            r"Device or resource busy|is already in use|Match already configured",
            "Another program holds the Wi-Fi interface; NetworkManager or wpa_supplicant must let go of it.",
        ),
        (
            r"does not support AP|Failed to set .*AP mode|nl80211: Failed to set interface .* into AP",
            "This Wi-Fi adapter cannot be an access point; another adapter is needed.",
        ),
        (
            r"(not (found from|allowed)|isn't).*channel|channel .*(not allowed|disabled|not found)|no_ir|for AP mode",
            "The chosen channel is not allowed in this country; choose channel 0, and the radio picks one.",
        ),
        (
            r"Hardware does not support configured mode|not support .*hw_mode",
            "This Wi-Fi adapter does not have the chosen band; choose 2.4 GHz.",
        ),
        (
            r"DFS-RADAR-DETECTED",
            "The radio heard a weather radar on its channel and moves to another one; this takes a minute.",
        ),
        (
            r"DFS-CAC-START|DFS CAC",
            "The radio listens for weather radar for a minute before it may speak on this channel.",
        ),
        (
            r"ACS-FAILED|ACS: (Failed|Unable)|Unable to collect survey data",
            "The radio cannot choose a channel by itself; choose one, such as 1, 6 or 11.",
        ),
        (
            r"Failed to set country|country code .*(invalid|not)|regulatory",
            "The radio does not take the country; install the package wireless-regdb.",
        ),
        (
            r"Operation not permitted|Permission denied",
            "The network process may not use the radio; it needs the right CAP_NET_ADMIN.",
        ),
        (
            r"Line \d+: (unknown configuration item|invalid)|errors? found in configuration file",
            "This version of hostapd does not know one of the chosen settings; choose WPA2 at 2.4 GHz.",
        ),
    )
)
_GENERAL = "The Wi-Fi does not start; the log of the network process says why."


def explain_lines(lines: Iterable[str]) -> str | None:
    """One sentence about the gravest thing in hostapd's lines; None when they tell of no trouble."""
    text = list(lines)[-200:]
    for pattern, says in _TROUBLES:
        if any(pattern.search(line[:500]) for line in text):
            return says
    if any("AP-DISABLED" in line or "Failed to initialize" in line for line in text):
        return _GENERAL
    return None


def explain_switch(soft: bool, hard: bool) -> str | None:
    """What rfkill says: `hard` is a switch on the machine, `soft` one in the software."""
    if hard:
        return "The Wi-Fi is switched off by a switch on the machine."
    return "The Wi-Fi is switched off (rfkill); `rfkill unblock wifi` switches it on." if soft else None


def can_isolate(said: str) -> bool:
    """From `iw phy NAME info`: whether the driver takes hostapd's `ap_isolate`, which comes by NL80211_CMD_SET_BSS;
    hostapd says nothing when there is no such command. True where no commands are listed.
    """
    _, listed, rest = said.partition("Supported commands:")
    commands = re.match(r"(?:\s*\*\s*\S+[ \t]*\n?)*", rest)
    return not listed or commands is None or "set_bss" in commands[0].split()
