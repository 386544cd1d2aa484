"""Two network namespaces, a cable between them: the gateway finds the television's MAC address in the kernel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.netns

_ROOT = Path(__file__).resolve().parents[2]
_MAC = "cc:6d:a0:11:22:33"
_PROGRAM = """if True:
    import json, socket
    from gateway.devices.inventory import Inventory
    from gateway.devices.sources import Sources
    from gateway.devices.neighbours import read_neighbours
    from gateway.linux.addresses import read_addresses
    from gateway.devices.own_addresses import own_addresses
    from gateway.devices.vendor import vendor_of
    from tests.support.waiting import wait_until
    for family, address in ((socket.AF_INET, "10.42.0.7"), (socket.AF_INET6, "fd42::7")):
        with socket.socket(family, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"?", (address, 9))
    wait_until(lambda: len(read_neighbours()) == 2, shows=read_neighbours)
    inventory = Inventory(sources=Sources(neighbours=read_neighbours, vendor_of=vendor_of))
    ids = [inventory.identify(client) for client in ("10.42.0.7", "10.42.0.250")]
    inventory.identify("fd42::7")
    inventory.refresh()
    print(json.dumps({
        "neighbours": read_neighbours(), "ids": ids, "own": sorted(own_addresses()),
        "by_netlink": sorted(read_addresses()),
        "devices": [[d.id, d.vendor, sorted(d.addresses)] for d in inventory.all()],
    }))
"""


@dataclass(frozen=True)
class Cable:
    gateway: str
    television: str


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, cwd=_ROOT).stdout


@pytest.fixture
def cable() -> Iterator[Cable]:
    if os.geteuid() != 0:
        pytest.skip("making network namespaces needs root")
    if shutil.which("ip") is None:
        pytest.skip("the command ip (iproute2) is not installed")
    tag = uuid.uuid4().hex[:6]
    ends = Cable(f"tt-gw-{tag}", f"tt-tv-{tag}")
    try:
        _run("ip", "netns", "add", ends.gateway)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine makes no network namespaces: {error.stderr.strip()}")
    try:
        _run("ip", "netns", "add", ends.television)
        _run("ip", "-n", ends.gateway, "link", "add", "lan0", "type", "veth", "peer", "name", f"tv{tag}")
        _run("ip", "-n", ends.gateway, "link", "set", f"tv{tag}", "netns", ends.television, "name", "eth0")
        _run("ip", "-n", ends.television, "link", "set", "eth0", "address", _MAC)
        for space, link, host in ((ends.gateway, "lan0", "1"), (ends.television, "eth0", "7")):
            _run("ip", "-n", space, "addr", "add", f"10.42.0.{host}/24", "dev", link)
            _run("ip", "-n", space, "addr", "add", f"fd42::{host}/64", "dev", link, "nodad")
            _run("ip", "-n", space, "link", "set", link, "up")
            _run("ip", "-n", space, "link", "set", "lo", "up")
        yield ends
    finally:
        for space in (ends.gateway, ends.television):
            subprocess.run(("ip", "netns", "del", space), check=False, capture_output=True, timeout=30)


def test_the_television_is_found_by_its_mac_address_in_both_families(cable: Cable) -> None:
    said = json.loads(_run("ip", "netns", "exec", cable.gateway, sys.executable, "-c", _PROGRAM))
    assert said["neighbours"]["10.42.0.7"] == _MAC
    assert said["neighbours"]["fd42::7"] == _MAC
    assert said["ids"] == [f"mac:{_MAC}", "ip:10.42.0.250"]
    assert [f"mac:{_MAC}", "Roku, Inc.", ["10.42.0.7", "fd42::7"]] in said["devices"]
    assert {"10.42.0.1", "fd42::1", "127.0.0.1"} <= set(said["own"])
    assert said["by_netlink"] == said["own"]


def test_our_own_addresses_are_those_that_the_command_ip_shows(cable: Cable) -> None:
    """Also of an interface that is down, of one that leads to exactly one neighbour, and several on one."""
    on = ("ip", "-n", cable.gateway)
    _run(*on, "link", "add", "ppp0", "type", "veth", "peer", "name", "ppp1")
    _run(*on, "addr", "add", "10.9.9.1", "peer", "10.9.9.2", "dev", "ppp0")
    _run(*on, "addr", "add", "10.42.0.9/24", "dev", "lan0")
    _run(*on, "addr", "add", "2001:db8::9/128", "dev", "ppp0", "nodad")
    shown = json.loads(_run(*on, "-j", "addr"))
    listed = {each["local"] for link in shown for each in link["addr_info"] if each["family"] in ("inet", "inet6")}
    assert {"10.9.9.1", "10.42.0.9", "2001:db8::9", "fd42::1"} <= listed
    code = "from gateway.linux.addresses import read_addresses; print(*read_addresses())"
    assert set(_run("ip", "netns", "exec", cable.gateway, sys.executable, "-c", code).split()) == listed
