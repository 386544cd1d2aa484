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

from gateway.catalogue.sentences import say
from gateway.control.client import ControlClient
from gateway.errors import Refused
from gateway.model.network import AccessPoint, Mode, Security, StaticLease
from gateway.schema.values import to_json
from tests.netns.household import Household
from tests.netns.lab import BRIDGE_MAC, GATEWAY4, Lab
from tests.netns.servers import NamedDns
from tests.support.waiting import wait_until

pytestmark = pytest.mark.netns


@pytest.fixture
def household() -> Iterator[Household]:
    with Lab(televisions=1) as lab, tempfile.TemporaryDirectory(prefix="telltale-") as folder:
        made = Household(lab, Path(folder), "--allow-user", "4321", "--hostapd-driver", "none")
        made.make_bare()
        made.start()
        try:
            yield made
        finally:
            made.end()


def links(household: Household) -> dict[str, dict[str, object]]:
    return {link["name"]: link for link in household.client.call("links")["links"]}


def tables(household: Household) -> str:
    return household.lab.run("gateway", "nft", "list", "tables")


def test_a_television_gets_an_address_and_we_hear_who_it_is(household: Household) -> None:
    plan = household.lab.plan({"static": (StaticLease("02:42:00:00:00:0b", ip_address("10.42.0.55"), "salon"),)})
    household.apply(plan)
    assert links(household)["br-tv"]["addresses"] == ["10.42.0.1/24", "fd42::1/64"]
    assert links(household)["wan0"]["uplink"] is True
    leased = household.ask_for_address("tv1", "-x", "hostname:Living-Room-TV", "-V", "tizen-tv 7.0")
    assert leased == ["10.42.0.55", "24", GATEWAY4, GATEWAY4, "tv.lan"]
    said = household.client.call("leases", after=0, wait=10)
    wait_until(lambda: household.client.call("leases")["leases"])
    (lease,) = household.client.call("leases", after=said["sequence"] - 1)["leases"]
    assert (lease["mac"], lease["address"]) == ("02:42:00:00:00:0b", "10.42.0.55")
    assert lease["host"] == "living-room-tv"
    assert lease["vendor_class"] == "tizen-tv 7.0"
    assert {1, 3, 6} <= set(lease["requested"])
    assert lease["ends"] is not None
    household.lab.run("tv1", "ping", "-c", "1", "-W", "5", "203.0.113.10")


def test_the_television_configures_ipv6_by_itself_and_asks_us(household: Household) -> None:
    household.apply(household.lab.plan())
    wait_until(
        lambda: "fd42::" in household.lab.run("tv1", "ip", "-6", "address", "show", "dev", "eth0", "scope", "global")
    )
    said = household.lab.run("tv1", "rdisc6", "-1", "-w", "5000", "eth0")
    assert re.search(r"Recursive DNS server\s*: fd42::1", said)
    assert re.search(r"Router preference\s*:\s+high", said)


def test_a_plan_that_fails_leaves_the_network_as_it_was(household: Household) -> None:
    household.apply(household.lab.plan())
    before = household.lab.run("gateway", "nft", "list", "ruleset")
    for wrong, sentence in (
        ({"ports": ("port-tv1", "nowhere0")}, "not there"),
        ({"first": ip_address("10.99.0.1")}, "must lie in"),
        ({"domain": "tv\nlan"}, "not a domain"),
    ):
        with pytest.raises(Refused, match=sentence):
            household.apply(household.lab.plan(wrong))
    assert household.client.call("status")["mode"] == "wired"
    assert re.sub(r"packets \d+ bytes \d+", "", household.lab.run("gateway", "nft", "list", "ruleset")) == re.sub(
        r"packets \d+ bytes \d+", "", before
    )
    assert links(household)["port-tv1"]["master"] == "br-tv"
    household.ask_for_address("tv1")


def test_a_rehearsal_tells_everything_and_changes_nothing(household: Household) -> None:
    def state() -> tuple[object, str]:
        built = {name: (link["master"], link["addresses"]) for name, link in links(household).items()}
        return built, tables(household)

    before = state()
    text = household.client.call("apply", plan=to_json(household.lab.plan()), dry_run=True)["text"]
    bridge = f"ip link add name br-tv address {BRIDGE_MAC} type bridge"
    for part in ("dhcp-range=10.42.0.100,10.42.0.199", bridge, '"nftables"'):
        assert part in text
    assert state() == before
    assert household.client.call("status")["mode"] is None


def test_clear_takes_everything_away(household: Household) -> None:
    household.apply(household.lab.plan())
    household.client.call("clear")
    assert "br-tv" not in links(household)
    assert "telltale" not in tables(household)
    assert not list(household.run_folder.glob("*.pid"))
    assert not (household.state / "plan.json").exists()


def test_only_root_and_the_resolver_may_call(household: Household) -> None:
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
    household.folder.chmod(0o755)
    household.run_folder.chmod(0o755)
    path = household.run_folder / "network.sock"
    household.apply(household.lab.plan())
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
    assert "may not call" in say(refusal["code"], refusal["arguments"])
    assert household.client.call("status")["mode"] == "wired"
    assert [each["ok"] for each in call(4321)] == [True, True]
    assert household.client.call("status")["mode"] is None


def test_the_network_survives_a_crash_and_the_next_process_takes_it_over(household: Household) -> None:
    household.apply(household.lab.plan())
    pid = json.loads((household.run_folder / "dnsmasq.pid").read_text())["pid"]
    household.stop(signal.SIGKILL)
    # Nobody listens to the hook now, and the television gets its address all the same.
    household.ask_for_address("tv1", "-x", "hostname:orphan")
    household.start()
    wait_until(lambda: household.client.call("status")["mode"] == "wired")
    assert json.loads((household.run_folder / "dnsmasq.pid").read_text())["pid"] == pid
    os.kill(pid, 0)
    wait_until(lambda: [lease["host"] for lease in household.client.call("leases")["leases"]] == ["orphan"])


def test_dnsmasq_is_started_again(household: Household) -> None:
    household.apply(household.lab.plan())
    note = household.run_folder / "dnsmasq.pid"
    pid = json.loads(note.read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: json.loads(note.read_text())["pid"] != pid)
    wait_until(lambda: household.client.call("status")["restarts"]["dnsmasq"] == 1)
    household.ask_for_address("tv1")


def test_rules_that_something_else_took_away_stand_again(household: Household) -> None:
    """As a firewall service does that starts late: it flushes everything and knows nothing of ours."""
    household.apply(household.lab.plan())
    household.lab.run("gateway", "nft", "flush", "ruleset")
    wait_until(lambda: "telltale" in tables(household))
    wait_until(
        lambda: {"part": "firewall", "healthy": True, "says": "The firewall's rules stand."} in health(household)
    )


def test_a_firewall_that_drops_what_is_forwarded_is_reported(household: Household) -> None:
    """As Docker sets it up, also when it starts after us."""
    household.apply(household.lab.plan())
    chain = "{ type filter hook forward priority 0; policy drop; }"
    household.lab.run("gateway", "nft", f"add table ip filter; add chain ip filter FORWARD {chain}")

    def forwarding() -> dict[str, object] | None:
        return next((each for each in health(household) if each["part"] == "forwarding"), None)

    wait_until(lambda: (part := forwarding()) is not None and not part["healthy"])
    says = str((forwarding() or {})["says"])
    assert "table ip filter" in says
    assert "iptables -I DOCKER-USER -i br-tv -j ACCEPT" in says
    household.lab.run("gateway", "nft", 'add rule ip filter FORWARD iifname "br-tv" accept')
    wait_until(lambda: (part := forwarding()) is not None and bool(part["healthy"]))


def test_the_network_comes_back_after_a_reboot(household: Household) -> None:
    household.apply(household.lab.plan())
    household.end()
    household.lab.run("gateway", "ip", "link", "del", "br-tv")
    household.lab.run("gateway", "nft", "flush", "ruleset")
    for left in household.run_folder.iterdir():
        if left.is_file() or left.is_socket():
            left.unlink()
    household.start()
    wait_until(lambda: household.client.call("status")["mode"] == "wired")
    assert "telltale" in tables(household)
    household.ask_for_address("tv1")


@pytest.mark.parametrize("security", list(Security))
def test_hostapd_takes_our_configuration_and_comes_up(household: Household, security: Security) -> None:
    """The real hostapd with its driver `none`: everything but the radio."""
    household.lab.run("gateway", "ip", "link", "add", "air0", "type", "veth", "peer", "name", "air1")
    point = AccessPoint("air0", 'Ünï"\n`$(x)', "pass word|id=x#", "DE", channel=6, security=security)
    plan = dataclasses.replace(household.lab.plan(), mode=Mode.ACCESS_POINT, access_point=point)
    said = household.apply(plan)
    assert said["access_point"] == {"ssid": point.ssid, "interface": "air0"}
    assert household.client.call("stations") == {"stations": []}
    wait_until(lambda: {"part": "wifi", "healthy": True, "says": "The Wi-Fi is on the air."} in health(household))
    # Another channel is another configuration: the program is started anew with it.
    first = json.loads((household.run_folder / "hostapd.pid").read_text())["pid"]
    household.apply(dataclasses.replace(plan, access_point=dataclasses.replace(point, channel=11)))
    assert json.loads((household.run_folder / "hostapd.pid").read_text())["pid"] != first


def test_a_missing_radio_is_explained_and_the_wired_network_stays(household: Household) -> None:
    household.apply(household.lab.plan())
    point = AccessPoint("wlan7", "Home", "correct horse", "DE", channel=6)
    household.stop()
    household._flags = ("--allow-user", "4321")
    household.start()
    wait_until(lambda: household.client.call("status")["mode"] == "wired")
    with pytest.raises(Refused, match=r"Wi-Fi interface is not there|no driver for a Wi-Fi radio"):
        household.apply(dataclasses.replace(household.lab.plan(), mode=Mode.ACCESS_POINT, access_point=point))
    assert household.client.call("status")["mode"] == "wired"
    household.ask_for_address("tv1")


def health(household: Household) -> list[dict[str, object]]:
    found = household.client.call("status")["health"]
    assert isinstance(found, list)
    return [
        {"part": each["part"], "healthy": each["healthy"], "says": say(each["code"], each["arguments"])}
        for each in found
    ]


_RESOLVER = """if True:
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("0.0.0.0", 53))
        while True:
            asked, client = channel.recvfrom(512)
            channel.sendto(asked[:2] + bytes([asked[2] | 0x80]) + asked[3:], client)
"""


def resolves(household: Household, within: float = 0.4) -> bool:
    """Whether the television gets any answer from its resolver, on a fresh port."""
    with household.lab.inside("tv1"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(within)
        try:
            channel.sendto(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07tracker\x07example\x00\x00\x01\x00\x01",
                           (GATEWAY4, 53))  # fmt: skip
            return channel.recv(512)[:2] == b"\x12\x34"
        except OSError:
            return False


def test_a_television_goes_on_resolving_after_the_resolver_was_killed(household: Household) -> None:
    with household.lab.inside("internet"):
        internet = NamedDns("internet", ("9.9.9.9",))
    resolver = household.lab.start("gateway", sys.executable, "-c", _RESOLVER)
    try:
        with internet:
            household.apply(household.lab.plan(fallback=(ip_address("9.9.9.9"),)))
            household.ask_for_address("tv1")
            wait_until(lambda: resolves(household))
            time.sleep(1)
            assert household.client.call("status")["filtering"] is True
            resolver.kill()
            resolver.wait()
            wait_until(lambda: resolves(household))
            wait_until(lambda: household.client.call("status")["filtering"] is False)
            assert household.client.call("status")["resolver_answers"] is False
            assert any(
                part["part"] == "filtering" and "Filtering is off" in str(part["says"]) for part in health(household)
            )
            resolver = household.lab.start("gateway", sys.executable, "-c", _RESOLVER)
            wait_until(lambda: household.client.call("status")["filtering"])
            assert {"part": "filtering", "healthy": True, "says": "Televisions are filtered."} in health(household)
    finally:
        resolver.kill()
        resolver.wait()


def test_without_a_fallback_dns_fails_closed(household: Household) -> None:
    household.apply(household.lab.plan())
    household.ask_for_address("tv1")
    wait_until(lambda: any(part["part"] == "filtering" for part in health(household)))
    assert household.client.call("status")["filtering"] is True
    assert not resolves(household)


def test_a_program_of_the_dashboard_cannot_be_fooled_into_a_shell(household: Household) -> None:
    """A host name is the only text that strangers choose freely here."""
    household.apply(household.lab.plan())
    hostile = "$(touch PWNED);`id`\n../../x"
    household.ask_for_address("tv1", "-x", f"hostname:{hostile}")
    wait_until(lambda: household.client.call("leases")["leases"])
    (lease,) = household.client.call("leases")["leases"]
    assert re.fullmatch(r"[a-z0-9-]{0,63}", lease["host"])
    assert not list(household.folder.rglob("PWNED"))
    assert ControlClient(household.run_folder / "network.sock").call("status")["leases"] == 1


def test_an_ordinary_user_with_three_capabilities_is_enough(household: Household) -> None:
    """What its unit leaves it: the network, raw packets, and ports below 1024. With the system's own Python, because
    the one that runs the tests may stand where nobody else can read."""
    household.stop()
    for path in (household.folder, *household.folder.rglob("*")):
        os.chown(path, 65534, 65534)
        path.chmod(0o755)
    few = "+net_admin,+net_raw,+net_bind_service"
    household._flags = ()
    household.prefix = (
        *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "--inh-caps", few),
        *("--ambient-caps", few, "--bounding-set", f"-all,{few}"),
    )
    household.python = "/usr/bin/python3"
    household.start()
    household.apply(household.lab.plan())
    assert household.ask_for_address("tv1", "-x", "hostname:roku")[3] == GATEWAY4
    wait_until(lambda: household.client.call("leases")["leases"])
    assert "telltale" in tables(household)
    assert household.lab.run("gateway", "cat", "/proc/sys/net/ipv4/ip_forward").strip() == "1"
    household.client.call("clear")
    assert "telltale" not in tables(household)
