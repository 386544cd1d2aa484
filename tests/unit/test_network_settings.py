"""[network] in settings.toml, and what a box chooses for itself."""

from __future__ import annotations

import argparse
import math
import re
import stat
from ipaddress import IPv4Network, ip_address
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.model.network import Mode, Security
from gateway.network.builder import check
from gateway.network_settings import new_passphrase, own_network, plan_network, read_network
from gateway.settings import add_arguments, from_arguments

STATIC = [{"mac": "CC-6D-A0-11-22-33", "address": "10.83.7.10", "name": "Salon"}]


def test_a_country_is_enough_for_an_access_point(tmp_path: Path) -> None:
    plan = plan_network(read_network({"country": "de"}), own_network(tmp_path / "own"), uplink="eth0")
    check(plan)
    assert plan.mode is Mode.ACCESS_POINT
    assert plan.access_point is not None
    assert plan.tv is not None
    assert plan.access_point.country == "DE"
    assert plan.access_point.security is Security.WPA2
    assert str(plan.tv.address).startswith("10.83.")
    assert plan.tv.address6 is not None
    assert str(plan.tv.address6).startswith("fd")
    assert plan.barrier.fallback


def test_two_wired_ports_and_a_closed_door(tmp_path: Path) -> None:
    said = read_network(
        {"mode": "wired", "ports": ["eth1"], "fail_closed": True, "ipv6": False, "static": STATIC, "lease_hours": 1,
         "address": "10.83.7.1/24"}
    )  # fmt: skip
    plan = plan_network(said, own_network(tmp_path / "own"), uplink="eth0", resolvers=[ip_address("8.8.8.8")])
    check(plan)
    assert plan.access_point is None
    assert plan.tv is not None
    assert (plan.tv.address6, plan.tv.lease_seconds, plan.barrier.fallback) == (None, 3600, ())
    assert (plan.tv.static[0].mac, plan.tv.static[0].name) == ("cc:6d:a0:11:22:33", "salon")
    assert (str(plan.tv.first), str(plan.tv.last)) == ("10.83.7.50", "10.83.7.254")


@pytest.mark.parametrize(("said", "clicked"), [({}, True), ({"isolation": True}, False)])
def test_televisions_are_kept_apart_on_the_air_and_on_the_wire(
    tmp_path: Path, said: dict[str, bool], clicked: bool
) -> None:
    settings = read_network({"country": "de", **said})
    plan = plan_network(settings, own_network(tmp_path / "own"), uplink="eth0", isolated=clicked)
    assert plan.access_point is not None
    assert plan.access_point.isolated
    assert plan.barrier.keep_apart


def test_behind_another_router_nothing_is_touched(tmp_path: Path) -> None:
    plan = plan_network(read_network({"mode": "dns-only"}), own_network(tmp_path / "own"), uplink="eth0")
    check(plan)
    assert (plan.tv, plan.access_point) == (None, None)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({}, "country .* is missing"),
        ({"mode": "wired"}, "ports .* is missing"),
        ({"mode": "bridge"}, '"access-point", "wired" or "dns-only"'),
        ({"colour": 1}, "has no 'colour'"),
        ({"country": "Germany"}, "two letters"),
        ({"ssid": "x" * 33}, "at most 32 bytes"),
        ({"passphrase": "short"}, "8 to 63"),
        ({"band": 6}, "2.4 or 5"),
        ({"channel": "auto"}, "number of a channel"),
        ({"security": "wep"}, "wpa2"),
        ({"isolation": 1}, "true or false"),
        ({"uplink": "eth0; reboot"}, "name of a link"),
        ({"ports": "eth1"}, "list in brackets"),
        ({"address": "8.8.8.8/24"}, "no private address"),
        ({"address": "10.83.7.0/24"}, "no private address"),
        ({"address": "fd00::1/64"}, "like 10.83.7.1/24"),
        ({"pool": ["10.83.7.1"]}, "pool in"),
        ({"static": [{"mac": "x", "address": "10.83.7.9"}]}, "not a MAC address"),
        ({"lease_hours": 0}, "number of hours"),
        ({"fallback": ["dns.google"]}, "fallback in"),
    ],
)
def test_each_mistake_has_its_sentence(section: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        read_network(section)


def test_without_a_way_out_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="uplink"):
        plan_network(read_network({"country": "DE"}), own_network(tmp_path / "own"), uplink="")


def test_a_box_chooses_once_and_keeps_its_choice_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    own = own_network(path)
    assert own_network(path) == own
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert own_network(tmp_path / "another").passphrase != own.passphrase


def test_the_network_evades_the_one_outside_and_keeps_the_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    own = own_network(path)
    moved = own_network(path, [own.address.network])
    assert not moved.address.network.overlaps(own.address.network)
    assert (moved.passphrase, moved.address6) == (own.passphrase, own.address6)
    with pytest.raises(SettingsError, match="no network is free"):
        own_network(path, [IPv4Network("10.0.0.0/8")])


def test_a_damaged_choice_is_said(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    path.write_text("{")
    with pytest.raises(SettingsError, match="delete it"):
        own_network(path)


def test_the_passphrase_is_strong_and_typed_with_a_remote_control() -> None:
    text = new_passphrase()
    assert re.fullmatch(r"([a-hj-km-np-z2-9]{5}-){3}[a-hj-km-np-z2-9]{5}", text)
    assert 20 * math.log2(31) > 80


def test_the_section_is_read_with_the_others(tmp_path: Path) -> None:
    def read() -> object:
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        return from_arguments(parser.parse_args(["--data", str(tmp_path)])).network

    assert read() is None
    (tmp_path / "settings.toml").write_text('[network]\nmode = "dns-only"\n')
    network = read()
    assert network is not None
    (tmp_path / "settings.toml").write_text('[network]\nmode = "x"\n')
    with pytest.raises(SettingsError, match=r"settings.toml: mode in \[network\]"):
        read()
