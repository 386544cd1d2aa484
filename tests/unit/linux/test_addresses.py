"""Rows of RTM_GETADDR as the kernel lays them out; the real ones: tests/netns/test_neighbours.py."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
from ipaddress import ip_address

import pytest

from gateway.linux import netlink
from gateway.linux.addresses import parse_address, read_addresses

_ADDRESS, _LOCAL, _LABEL = 1, 2, 3


def row(family: int, *attributes: tuple[int, bytes]) -> bytes:
    return struct.pack("=BBBBI", family, 24, 0x80, 0, 2) + b"".join(netlink.attribute(*each) for each in attributes)


def raw(address: str) -> bytes:
    return ip_address(address).packed


def test_both_families_are_read() -> None:
    assert parse_address(row(socket.AF_INET, (_ADDRESS, raw("10.42.0.1")), (_LABEL, b"lan0\0"))) == "10.42.0.1"
    assert parse_address(row(socket.AF_INET6, (_ADDRESS, raw("fd42::1")))) == "fd42::1"


def test_where_an_interface_leads_to_one_neighbour_ours_is_the_local_one() -> None:
    both = [(_ADDRESS, raw("10.9.9.2")), (_LOCAL, raw("10.9.9.1"))]
    assert parse_address(row(socket.AF_INET, *both)) == "10.9.9.1"
    assert parse_address(row(socket.AF_INET, *reversed(both))) == "10.9.9.1"


@pytest.mark.parametrize(
    "strange",
    [
        b"",
        b"\x02\x18",
        row(socket.AF_INET),
        row(socket.AF_INET, (_ADDRESS, raw("fd42::1"))),
        row(socket.AF_PACKET, (_ADDRESS, b"\1\2\3\4\5\6")),
    ],
)
def test_what_is_no_address_is_left_out(strange: bytes) -> None:
    assert parse_address(strange) is None


@pytest.mark.parametrize("cut", range(16))
def test_what_is_cut_short_is_left_out(cut: int) -> None:
    assert parse_address(row(socket.AF_INET, (_ADDRESS, raw("10.42.0.1")))[:cut]) is None


def test_this_machine_has_what_the_command_ip_shows() -> None:
    if shutil.which("ip") is None:
        pytest.skip("the command ip (iproute2) is not installed")
    shown = json.loads(subprocess.run(["ip", "-j", "addr"], check=True, capture_output=True, timeout=30).stdout)
    listed = {each["local"] for link in shown for each in link["addr_info"] if each["family"] in ("inet", "inet6")}
    assert read_addresses() == listed
