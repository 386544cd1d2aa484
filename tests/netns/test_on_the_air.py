"""Two televisions on one access point: what one says to the other comes by our bridge, where the rules see it.

The air is a bridge of its own whose ports are isolated, as hostapd's `ap_isolate` has a driver do it: all that a
station says goes to us and to no other station. Everything from the access point's link on is what runs on a box.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.network import AccessPoint, Mode, NetworkPlan
from tests.netns.household import Household
from tests.netns.lab import BRIDGE_MAC, GATEWAY4, GATEWAY6, Lab
from tests.netns.test_one_another import LINK_LOCAL, claims, meet, neighbours, send
from tests.support.waiting import wait_until

pytestmark = pytest.mark.netns

POINT = AccessPoint("air0", "Home", "correct horse", "DE", channel=6)


def plan(lab: Lab, *, isolated: bool = False) -> NetworkPlan:
    base = lab.plan({"ports": ()}, keep_apart=isolated)
    return dataclasses.replace(base, mode=Mode.ACCESS_POINT, access_point=dataclasses.replace(POINT, isolated=isolated))


def put_on_the_air(home: Household, *, isolated: bool = False) -> None:
    home.apply(plan(home.lab, isolated=isolated))
    # hostapd does this with a real radio; its driver for none does nothing.
    home.lab.run("gateway", "ip", "link", "set", "air0", "master", "br-tv", "up")


def gives_back(lab: Lab) -> bool:
    shown = lab.run("gateway", "ip", "-details", "link", "show", "dev", "air0")
    return "hairpin on" in shown


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    with Lab() as lab:
        made = Household(lab, tmp_path_factory.mktemp("air"), "--hostapd-driver", "none")
        made.make_bare()
        lab.run("internet", "ip", "link", "add", "ether", "type", "bridge")
        there = ("netns", lab.names["internet"])
        lab.run("gateway", "ip", "link", "add", "air0", "type", "veth", "peer", "name", "air1", *there)
        for port in ("port-tv1", "port-tv2"):
            lab.run("gateway", "ip", "link", "set", port, *there)
        for port, isolated in (("air1", "off"), ("port-tv1", "on"), ("port-tv2", "on")):
            lab.run("internet", "ip", "link", "set", port, "master", "ether", "up")
            # It learns nothing: whomever a frame is for, it goes to us first.
            flags = ("isolated", isolated, "learning", "off")
            lab.run("internet", "ip", "link", "set", port, "type", "bridge_slave", *flags)
        lab.run("internet", "ip", "link", "set", "ether", "up")
        for tv in lab.televisions:
            lab.run(tv, "ip", "address", "add", f"{lab.address(tv)}/24", "dev", "eth0")
            lab.run(tv, "ip", "address", "add", f"{lab.address(tv, 6)}/64", "dev", "eth0", "nodad")
        made.start()
        put_on_the_air(made)
        try:
            yield made
        finally:
            made.end()


def reaches(lab: Lab) -> bool:
    said = lab.run("tv1", "sh", "-c", f"ping -c 1 -W 1 {lab.address('tv2')} || true")
    return "1 received" in said


def test_stations_reach_each_other_by_the_bridge(home: Household) -> None:
    wait_until(lambda: gives_back(home.lab))
    wait_until(lambda: reaches(home.lab))


SAID = ["an ARP answer", "an ARP question", "an advertisement of our address", "a question of our address"]


@pytest.mark.parametrize("what", SAID)
def test_a_station_cannot_pose_as_us_to_another(home: Household, what: str) -> None:
    lab = home.lab
    wait_until(lambda: gives_back(lab))
    meet(lab)

    def dropped() -> int:
        return int(home.client.call("counters")["counters"]["forged_claim"])

    before = dropped()
    send(lab, claims(lab)[what])
    wait_until(lambda: dropped() == before + 1)
    known = neighbours(lab, "tv2")
    assert {known[address] for address in (GATEWAY4, GATEWAY6, LINK_LOCAL)} == {BRIDGE_MAC}


def test_stations_are_kept_apart_without_a_new_start_of_the_wifi(home: Household) -> None:
    lab = home.lab
    wait_until(lambda: reaches(lab))
    note = Path(home.run_folder / "hostapd.pid").read_text()
    put_on_the_air(home, isolated=True)
    wait_until(lambda: not reaches(lab))
    assert not gives_back(lab)
    lab.run("tv1", "ping", "-c", "1", "-W", "5", GATEWAY4)
    assert Path(home.run_folder / "hostapd.pid").read_text() == note
