"""hostapd's words become a person's."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.network.host import hands_on_by_itself, look_at_hairpin, look_at_switches
from gateway.network.radio import can_isolate, explain_lines

COMMANDS = (
    "Wiphy phy0\n\tmax # scan SSIDs: 10\n\tSupported commands:\n"
    "\t\t * new_interface\n\t\t * set_interface\n\t\t * start_ap\n{more}"
    "\tWoWLAN support:\n\t\t * wake up on disconnect\n\t\t * set_bss of another list\n"
)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("rfkill: WLAN soft blocked", "switched off"),
        ("Could not read interface wlan7 flags: No such device", "not there"),
        ("nl80211: 'nl80211' generic netlink not found", "no driver"),
        ("nl80211: Could not configure driver mode: Device or resource busy", "Another program"),
        (
            "wlan0: IEEE 802.11 Configured channel (13) or frequency (2472) not found from the channel list",
            "not allowed",
        ),
        ("Hardware does not support configured mode", "band"),
        ("wlan0: DFS-CAC-START freq=5260 chan=52 sec_chan=1, width=0, seg0=0, seg1=0, cac_time=60s", "radar"),
        ("wlan0: ACS-FAILED", "choose a channel"),
        ("Line 7: unknown configuration item 'sae_pwe'", "version of hostapd"),
        ("wlan0: AP-DISABLED ", "does not start"),
    ],
)
def test_trouble_is_named(line: str, says: str) -> None:
    assert says in str(explain_lines(["wlan0: something before", line]))


def test_a_good_start_is_no_trouble() -> None:
    assert explain_lines(["wlan0: interface state COUNTRY_UPDATE->ENABLED", "wlan0: AP-ENABLED "]) is None


def test_the_switch_is_read_from_the_kernel(tmp_path: Path) -> None:
    for name, kind, soft, hard in (("rfkill0", "bluetooth", 1, 1), ("rfkill1", "wlan", 1, 0)):
        folder = tmp_path / name
        folder.mkdir()
        for file, text in (("type", kind), ("soft", str(soft)), ("hard", str(hard))):
            (folder / file).write_text(text + "\n")
    assert "rfkill unblock" in str(look_at_switches(tmp_path))
    (tmp_path / "rfkill1" / "soft").write_text("0\n")
    assert look_at_switches(tmp_path) is None
    assert look_at_switches(tmp_path / "nowhere") is None


def test_whether_a_radio_can_isolate_is_read_from_its_commands() -> None:
    """In the form of iw 5.19 and 6.9."""
    assert can_isolate(COMMANDS.format(more="\t\t * set_bss\n\t\t * set_channel\n"))
    assert not can_isolate(COMMANDS.format(more=""))
    assert can_isolate("Wiphy phy0\n"), "who lists nothing may be able to"


def test_what_is_no_radio_hands_on_nothing(tmp_path: Path) -> None:
    (tmp_path / "wlan0" / "brport").mkdir(parents=True)
    assert not hands_on_by_itself("wlan0", tmp_path)
    assert look_at_hairpin("wlan0", tmp_path) is None
    for said, wanted in (("1\n", True), ("0\n", False)):
        (tmp_path / "wlan0" / "brport" / "hairpin_mode").write_text(said)
        assert look_at_hairpin("wlan0", tmp_path) is wanted
