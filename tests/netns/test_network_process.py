"""The network process with real links, real dnsmasq, real hostapd and real DHCP clients."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from gateway.control.client import ControlClient
from gateway.errors import Refused
from gateway.model.network import AccessPoint, Mode, Security, StaticLease
from gateway.schema.values import to_json
from tests.netns.household import Household, becomes
from tests.netns.lab import GATEWAY4, Lab
from tests.netns.servers import NamedDns

pytestmark = pytest.mark.netns


@pytest.fixture
def house() -> Iterator[Household]:
    with Lab(televisions=1) as lab, tempfile.TemporaryDirectory(prefix="telltale-") as folder:
        made = Household(lab, Path(folder), "--allow-user", "4321", "--hostapd-driver", "none")
        made.make_bare()
        made.start()
        try:
            yield made
        finally:
            made.end()


def links(house: Household) -> dict[str, dict[str, object]]:
    return {link["name"]: link for link in house.client.call("links")["links"]}


def tables(house: Household) -> str:
    return house.lab.run("gateway", "nft", "list", "tables")


def test_a_television_gets_an_address_and_we_hear_who_it_is(house: Household) -> None:
    plan = house.lab.plan({"static": (StaticLease("02:42:00:00:00:0b", ip_address("10.42.0.55"), "salon"),)})
    house.apply(plan)
    assert links(house)["br-tv"]["addresses"] == ["10.42.0.1/24", "fd42::1/64"]
    assert links(house)["wan0"]["uplink"] is True
    told = house.ask_for_address("tv1", "-x", "hostname:Living-Room-TV", "-V", "tizen-tv 7.0")
    assert told == ["10.42.0.55", "24", GATEWAY4, GATEWAY4, "tv.lan"]
    said = house.client.call("leases", after=0, wait=10)
    becomes(lambda: house.client.call("leases")["leases"])
    (lease,) = house.client.call("leases", after=said["sequence"] - 1)["leases"]
    assert (lease["mac"], lease["address"]) == ("02:42:00:00:00:0b", "10.42.0.55")
    assert lease["host"] == "living-room-tv"
    assert lease["vendor_class"] == "tizen-tv 7.0"
    assert {1, 3, 6} <= set(lease["requested"])
    assert lease["ends"] is not None
    house.lab.run("tv1", "ping", "-c", "1", "-W", "5", "203.0.113.10")


def test_the_television_configures_ipv6_by_itself_and_asks_us(house: Household) -> None:
    house.apply(house.lab.plan())
    becomes(lambda: "fd42::" in house.lab.run("tv1", "ip", "-6", "address", "show", "dev", "eth0", "scope", "global"))
    said = house.lab.run("tv1", "rdisc6", "-1", "-w", "5000", "eth0")
    assert re.search(r"Recursive DNS server\s*: fd42::1", said)
    assert re.search(r"Router preference\s*:\s+high", said)


def test_a_plan_that_fails_leaves_the_network_as_it_was(house: Household) -> None:
    house.apply(house.lab.plan())
    before = house.lab.run("gateway", "nft", "list", "ruleset")
    for wrong, sentence in (
        ({"ports": ("port-tv1", "nowhere0")}, "not there"),
        ({"first": ip_address("10.99.0.1")}, "must lie in"),
        ({"domain": "tv\nlan"}, "not a domain"),
    ):
        with pytest.raises(Refused, match=sentence):
            house.apply(house.lab.plan(wrong))
    assert house.client.call("status")["mode"] == "wired"
    assert re.sub(r"packets \d+ bytes \d+", "", house.lab.run("gateway", "nft", "list", "ruleset")) == re.sub(
        r"packets \d+ bytes \d+", "", before
    )
    assert links(house)["port-tv1"]["master"] == "br-tv"
    house.ask_for_address("tv1")


def test_a_rehearsal_tells_everything_and_changes_nothing(house: Household) -> None:
    def state() -> tuple[object, str]:
        told = {name: (link["master"], link["addresses"]) for name, link in links(house).items()}
        return told, tables(house)

    before = state()
    text = house.client.call("apply", plan=to_json(house.lab.plan()), dry_run=True)["text"]
    for part in ("dhcp-range=10.42.0.100,10.42.0.199", "ip link add name br-tv type bridge", '"nftables"'):
        assert part in text
    assert state() == before
    assert house.client.call("status")["mode"] is None


def test_clear_takes_everything_away(house: Household) -> None:
    house.apply(house.lab.plan())
    house.client.call("clear")
    assert "br-tv" not in links(house)
    assert "telltale" not in tables(house)
    assert not list(house.run_folder.glob("*.pid"))
    assert not (house.state / "plan.json").exists()


def test_only_root_and_the_resolver_may_call(house: Household) -> None:
    program = """if True:
        import os, socket, sys
        os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[3]))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.connect(sys.argv[1])
            channel.sendall(b'{"verb": "clear"}\\n' * 2)
            channel.shutdown(socket.SHUT_WR)
            print(channel.makefile("rb").read().decode())
    """
    # Everybody can reach this folder; who may call is not for folders to say.
    house.folder.chmod(0o755)
    house.run_folder.chmod(0o755)
    path = house.run_folder / "network.sock"
    house.apply(house.lab.plan())
    assert path.stat().st_mode & 0o777 == 0o660
    assert path.stat().st_gid == 4321

    def call(user: int) -> list[dict[str, object]]:
        done = subprocess.run(
            (sys.executable, "-c", program, os.path.relpath(path), "4321", str(user)),
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines() if line]

    # The dashboard's user is in the group, and can open the socket; that is not enough.
    (refusal,) = call(4322)
    assert refusal["ok"] is False
    assert "may not call" in str(refusal["error"])
    assert house.client.call("status")["mode"] == "wired"
    assert [each["ok"] for each in call(4321)] == [True, True]
    assert house.client.call("status")["mode"] is None


def test_the_network_survives_a_crash_and_the_next_process_takes_it_over(house: Household) -> None:
    house.apply(house.lab.plan())
    pid = json.loads((house.run_folder / "dnsmasq.pid").read_text())["pid"]
    house.stop(signal.SIGKILL)
    # Nobody listens to the hook now, and the television gets its address all the same.
    house.ask_for_address("tv1", "-x", "hostname:orphan")
    house.start()
    becomes(lambda: house.client.call("status")["mode"] == "wired")
    assert json.loads((house.run_folder / "dnsmasq.pid").read_text())["pid"] == pid
    os.kill(pid, 0)
    becomes(lambda: [lease["host"] for lease in house.client.call("leases")["leases"]] == ["orphan"])


def test_dnsmasq_is_started_again(house: Household) -> None:
    house.apply(house.lab.plan())
    note = house.run_folder / "dnsmasq.pid"
    pid = json.loads(note.read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    becomes(lambda: json.loads(note.read_text())["pid"] != pid)
    becomes(lambda: house.client.call("status")["restarts"]["dnsmasq"] == 1)
    house.ask_for_address("tv1")


def test_rules_that_something_else_took_away_stand_again(house: Household) -> None:
    """As a firewall service does that starts late: it flushes everything and knows nothing of ours."""
    house.apply(house.lab.plan())
    house.lab.run("gateway", "nft", "flush", "ruleset")
    becomes(lambda: "telltale" in tables(house))
    becomes(lambda: {"part": "firewall", "healthy": True, "says": "The firewall's rules stand."} in health(house))


def test_a_firewall_that_drops_what_is_forwarded_is_told_of(house: Household) -> None:
    """As Docker sets it up, also when it starts after us."""
    house.apply(house.lab.plan())
    chain = "{ type filter hook forward priority 0; policy drop; }"
    house.lab.run("gateway", "nft", f"add table ip filter; add chain ip filter FORWARD {chain}")

    def forwarding() -> dict[str, object] | None:
        return next((each for each in health(house) if each["part"] == "forwarding"), None)

    becomes(lambda: (told := forwarding()) is not None and not told["healthy"])
    says = str((forwarding() or {})["says"])
    assert "table ip filter" in says
    assert "iptables -I DOCKER-USER -i br-tv -j ACCEPT" in says
    house.lab.run("gateway", "nft", 'add rule ip filter FORWARD iifname "br-tv" accept')
    becomes(lambda: (told := forwarding()) is not None and bool(told["healthy"]))


def test_the_network_comes_back_after_a_reboot(house: Household) -> None:
    house.apply(house.lab.plan())
    house.end()
    house.lab.run("gateway", "ip", "link", "del", "br-tv")
    house.lab.run("gateway", "nft", "flush", "ruleset")
    for left in house.run_folder.iterdir():
        if left.is_file() or left.is_socket():
            left.unlink()
    house.start()
    becomes(lambda: house.client.call("status")["mode"] == "wired")
    assert "telltale" in tables(house)
    house.ask_for_address("tv1")


@pytest.mark.parametrize("security", list(Security))
def test_hostapd_takes_our_configuration_and_comes_up(house: Household, security: Security) -> None:
    """The real hostapd with its driver `none`: everything but the radio."""
    house.lab.run("gateway", "ip", "link", "add", "air0", "type", "veth", "peer", "name", "air1")
    point = AccessPoint("air0", 'Ünï"\n`$(x)', "pass word|id=x#", "DE", channel=6, security=security)
    plan = dataclasses.replace(house.lab.plan(), mode=Mode.ACCESS_POINT, access_point=point)
    said = house.apply(plan)
    assert said["access_point"] == {"ssid": point.ssid, "interface": "air0"}
    assert house.client.call("stations") == {"stations": []}
    becomes(lambda: {"part": "wifi", "healthy": True, "says": "The Wi-Fi is on the air."} in health(house))
    # Another channel is another configuration: the program is started anew with it.
    first = json.loads((house.run_folder / "hostapd.pid").read_text())["pid"]
    house.apply(dataclasses.replace(plan, access_point=dataclasses.replace(point, channel=11)))
    assert json.loads((house.run_folder / "hostapd.pid").read_text())["pid"] != first


def test_a_missing_radio_is_explained_and_the_wired_network_stays(house: Household) -> None:
    house.apply(house.lab.plan())
    point = AccessPoint("wlan7", "Home", "correct horse", "DE", channel=6)
    house.stop()
    house._flags = ("--allow-user", "4321")
    house.start()
    becomes(lambda: house.client.call("status")["mode"] == "wired")
    with pytest.raises(Refused, match=r"Wi-Fi interface is not there|no driver for a Wi-Fi radio"):
        house.apply(dataclasses.replace(house.lab.plan(), mode=Mode.ACCESS_POINT, access_point=point))
    assert house.client.call("status")["mode"] == "wired"
    house.ask_for_address("tv1")


def health(house: Household) -> list[dict[str, object]]:
    said = house.client.call("status")["health"]
    assert isinstance(said, list)
    return said


_RESOLVER = """if True:
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("0.0.0.0", 53))
        while True:
            asked, client = channel.recvfrom(512)
            channel.sendto(asked[:2] + bytes([asked[2] | 0x80]) + asked[3:], client)
"""


def resolves(house: Household, within: float = 0.4) -> bool:
    """Whether the television gets any answer from its resolver, on a fresh port."""
    with house.lab.inside("tv1"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(within)
        try:
            channel.sendto(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07tracker\x07example\x00\x00\x01\x00\x01",
                           (GATEWAY4, 53))  # fmt: skip
            return channel.recv(512)[:2] == b"\x12\x34"
        except OSError:
            return False


def test_a_television_resolves_within_three_seconds_of_a_killed_resolver(house: Household) -> None:
    with house.lab.inside("internet"):
        internet = NamedDns("internet", ("9.9.9.9",))
    resolver = house.lab.start("gateway", sys.executable, "-c", _RESOLVER)
    try:
        with internet:
            house.apply(house.lab.plan(fallback=(ip_address("9.9.9.9"),)))
            house.ask_for_address("tv1")
            becomes(lambda: resolves(house))
            time.sleep(1)
            assert house.client.call("status")["filtering"] is True
            resolver.kill()
            resolver.wait()
            killed = time.monotonic()
            becomes(lambda: resolves(house))
            assert time.monotonic() - killed < 3
            becomes(lambda: house.client.call("status")["filtering"] is False)
            assert house.client.call("status")["resolver_answers"] is False
            assert any(
                part["part"] == "filtering" and "Filtering is off" in str(part["says"]) for part in health(house)
            )
            resolver = house.lab.start("gateway", sys.executable, "-c", _RESOLVER)
            becomes(lambda: house.client.call("status")["filtering"])
            assert {"part": "filtering", "healthy": True, "says": "Televisions are filtered."} in health(house)
    finally:
        resolver.kill()
        resolver.wait()


def test_without_a_fallback_dns_fails_closed(house: Household) -> None:
    house.apply(house.lab.plan())
    house.ask_for_address("tv1")
    becomes(lambda: any(part["part"] == "filtering" for part in health(house)))
    assert house.client.call("status")["filtering"] is True
    assert not resolves(house)


def test_a_program_of_the_dashboard_cannot_be_fooled_into_a_shell(house: Household) -> None:
    """A host name is the only text that strangers choose freely here."""
    house.apply(house.lab.plan())
    hostile = "$(touch PWNED);`id`\n../../x"
    house.ask_for_address("tv1", "-x", f"hostname:{hostile}")
    becomes(lambda: house.client.call("leases")["leases"])
    (lease,) = house.client.call("leases")["leases"]
    assert re.fullmatch(r"[a-z0-9-]{0,63}", lease["host"])
    assert not list(house.folder.rglob("PWNED"))
    assert ControlClient(house.run_folder / "network.sock").call("status")["leases"] == 1


def test_an_ordinary_user_with_three_capabilities_is_enough(house: Household) -> None:
    """What its unit leaves it: the network, raw packets, and ports below 1024. With the system's own Python, because
    the one that runs the tests may stand where nobody else can read."""
    house.stop()
    for path in (house.folder, *house.folder.rglob("*")):
        os.chown(path, 65534, 65534)
        path.chmod(0o755)
    few = "+net_admin,+net_raw,+net_bind_service"
    house._flags = ()
    house.prefix = (
        *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "--inh-caps", few),
        *("--ambient-caps", few, "--bounding-set", f"-all,{few}"),
    )
    house.python = "/usr/bin/python3"
    house.start()
    house.apply(house.lab.plan())
    assert house.ask_for_address("tv1", "-x", "hostname:roku")[3] == GATEWAY4
    becomes(lambda: house.client.call("leases")["leases"])
    assert "telltale" in tables(house)
    assert house.lab.run("gateway", "cat", "/proc/sys/net/ipv4/ip_forward").strip() == "1"
    house.client.call("clear")
    assert "telltale" not in tables(house)
