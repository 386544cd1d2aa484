"""What stands in dnsmasq's settings."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from pathlib import Path, PurePosixPath

import pytest

from gateway.errors import NetworkError
from gateway.model.mac import Mac
from gateway.model.network import StaticLease, TvNetwork
from gateway.network.dhcp import render

TV = TvNetwork(
    "br-tv", IPv4Interface("10.83.7.1/24"), IPv6Interface("fd00::1/64"), IPv4Address("10.83.7.50"),
    IPv4Address("10.83.7.99"), static=(StaticLease(Mac("cc:6d:a0:11:22:33"), IPv4Address("10.83.7.9"), "salon"),),
)  # fmt: skip
FOLDER = PurePosixPath("/var/lib/telltale-network")


def lines(tv: TvNetwork, **more: bool) -> list[str]:
    return render(tv, folder=FOLDER, hook=FOLDER / "lease-hook", user="root", **more).splitlines()


def test_both_families_are_sent_to_us_for_dns_and_dnsmasq_answers_none() -> None:
    written = lines(TV)
    assert written[0] == "port=0"
    assert "dhcp-option=option:dns-server,10.83.7.1" in written
    assert "dhcp-option=option6:dns-server,[fd00::1]" in written
    assert "dhcp-host=cc:6d:a0:11:22:33,10.83.7.9,salon" in written
    assert not any("ntp-server" in line for line in written)


def test_time_is_offered_only_where_there_is_some() -> None:
    assert "dhcp-option=option:ntp-server,10.83.7.1" in lines(TV, time=True)


def test_without_ipv6_no_router_is_advertised() -> None:
    written = lines(dataclasses.replace(TV, address6=None))
    assert "enable-ra" not in written


def test_dnsmasq_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    program = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("dnsmasq is not installed: deploy/setup.sh test")
    file = tmp_path / "dnsmasq.conf"
    file.write_text("\n".join(lines(TV)) + "\n")
    done = subprocess.run((program, "--test", f"--conf-file={file}"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"first": IPv4Address("10.99.0.5")}, "must lie in"),
        ({"first": IPv4Address("10.83.7.200")}, "after their end"),
        ({"first": IPv4Address("10.83.7.1")}, "our own address"),
        ({"address6": IPv6Interface("fd00::1/56")}, "is a /64"),
        ({"lease_seconds": 1}, "2 minutes to 31 days"),
        ({"domain": "tv lan"}, "not a domain"),
        ({"static": (StaticLease(Mac("cc:6d:a0:11:22:33"), IPv4Address("10.99.0.9")),)}, "fixed address here"),
        ({"static": (*TV.static, StaticLease(Mac("cc:6d:a0:11:22:44"), IPv4Address("10.83.7.9")))}, "share one"),
    ],
)
def test_each_mistake_has_its_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(NetworkError, match=sentence):
        lines(dataclasses.replace(TV, **changes))  # type: ignore[arg-type]
