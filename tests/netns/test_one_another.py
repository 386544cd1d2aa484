"""One television cannot hurt another: it cannot pose as us, gets its share of addresses, and can be kept apart."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_Redirect,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet

from gateway.network.controller import FirewallController
from tests.netns.dhcp_flood import frame, message
from tests.netns.household import Household
from tests.netns.lab import BRIDGE_MAC, GATEWAY4, GATEWAY6, SERVER4, Lab
from tests.netns.servers import Web, ask, fetch
from tests.support.waiting import wait_until

pytestmark = pytest.mark.netns

LINK_LOCAL = "fe80::42:ff:fe00:0"
EVERYBODY, EVERYBODY6 = "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"


def send(lab: Lab, packet: Packet | bytes) -> None:
    with lab.inside("tv1"), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind(("eth0", 0))
        link.send(bytes(packet))


def neighbours(lab: Lab, tv: str) -> dict[str, str]:
    shown = json.loads(lab.run(tv, "ip", "-j", "neigh", "show", "dev", "eth0"))
    return {each["dst"]: each["lladdr"] for each in shown if "lladdr" in each}


def meet(lab: Lab) -> None:
    """The television knows us, by each of our addresses."""
    for address in (GATEWAY4, GATEWAY6, f"{LINK_LOCAL}%eth0"):
        lab.run("tv2", "ping", "-c", "1", "-W", "5", address)
    known = neighbours(lab, "tv2")
    assert {known[address] for address in (GATEWAY4, GATEWAY6, LINK_LOCAL)} == {BRIDGE_MAC}


def claims(lab: Lab) -> dict[str, Packet]:
    """What the first television says of itself to pose as us to the second."""
    own, other = lab.mac("tv1"), lab.mac("tv2")
    four, six = lab.address("tv2"), lab.address("tv2", 6)
    all6 = Ether(src=own, dst=EVERYBODY6)
    answer = ICMPv6NDOptDstLLAddr(lladdr=own)
    asks = ICMPv6NDOptSrcLLAddr(lladdr=own)
    found: dict[str, Packet] = {
        "an ARP answer": Ether(src=own, dst=other) / ARP(op=2, hwsrc=own, psrc=GATEWAY4, hwdst=other, pdst=four),
        "an ARP answer to all": Ether(src=own, dst=EVERYBODY) / ARP(op=2, hwsrc=own, psrc=GATEWAY4, pdst=GATEWAY4),
        "an ARP question": Ether(src=own, dst=EVERYBODY) / ARP(op=1, hwsrc=own, psrc=GATEWAY4, pdst=four),
        "an ARP question to one": Ether(src=own, dst=other) / ARP(op=1, hwsrc=own, psrc=GATEWAY4, pdst=four),
    }
    for name, address in (("our address", GATEWAY6), ("our link's address", LINK_LOCAL)):
        advert = ICMPv6ND_NA(tgt=address, R=1, S=0, O=1) / answer
        to_one = Ether(src=own, dst=other) / IPv6(src=lab.address("tv1", 6), dst=six, hlim=255)
        found |= {
            f"an advertisement of {name}": all6 / IPv6(src=address, dst="ff02::1", hlim=255) / advert,
            f"an advertisement of {name}, under its own": to_one / advert,
            f"an advertisement of {name}, behind a header": to_one / IPv6ExtHdrDestOpt() / advert,
            f"an advertisement of {name}, in a fragment": to_one / IPv6ExtHdrFragment(id=7) / advert,
            f"a question of {name}": Ether(src=own, dst=other)
            / IPv6(src=address, dst=six, hlim=255)
            / ICMPv6ND_NS(tgt=six)
            / asks,
        }
    return found


def tagged(packet: Packet, times: int = 1) -> Packet:
    """Below tags of priority only (802.1p), which whoever gets it looks through."""
    made = Ether(src=packet.src, dst=packet.dst)
    for _ in range(times):
        made /= Dot1Q(vlan=0)
    return made / packet.payload


CLAIMS = list(claims(Lab(televisions=2)))
HIDDEN = [
    (what, times) for what in ("an ARP answer", "an advertisement of our address, under its own") for times in (1, 2)
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, FirewallController]]:
    """A laboratory whose second television knows us already; what is forged below changes nothing there."""
    with Lab() as lab:
        controller = FirewallController(tmp_path_factory.mktemp("firewall"))
        with lab.inside("gateway"):
            controller.apply(lab.plan())
        meet(lab)
        yield lab, controller
        controller.close()


def counted(lab: Lab, controller: FirewallController, name: str) -> int:
    with lab.inside("gateway"):
        return controller.counters()[name]


def forge(guarded: tuple[Lab, FirewallController], packets: list[Packet], counter: str = "forged_claim") -> None:
    lab, controller = guarded
    before = counted(lab, controller, counter)
    for packet in packets:
        send(lab, packet)
    wait_until(lambda: counted(lab, controller, counter) == before + len(packets))
    known = neighbours(lab, "tv2")
    assert {known[address] for address in (GATEWAY4, GATEWAY6, LINK_LOCAL)} == {BRIDGE_MAC}


@pytest.mark.parametrize("what", CLAIMS)
def test_nobody_poses_as_us(guarded: tuple[Lab, FirewallController], what: str) -> None:
    forge(guarded, [claims(guarded[0])[what]])


@pytest.mark.parametrize(("what", "times"), HIDDEN)
def test_nobody_poses_as_us_below_a_tag(guarded: tuple[Lab, FirewallController], what: str, times: int) -> None:
    forge(guarded, [tagged(claims(guarded[0])[what], times)], "tagged_dropped")


def test_nothing_is_said_in_our_name(guarded: tuple[Lab, FirewallController]) -> None:
    """Answers, echoes, redirects: whatever comes from a port under our address or our card's is not from us."""
    lab, _ = guarded
    own, other = lab.mac("tv1"), lab.mac("tv2")
    four, six = lab.address("tv2"), lab.address("tv2", 6)
    said = [
        Ether(src=own, dst=other) / IP(src=GATEWAY4, dst=four) / UDP(sport=53, dport=5353) / b"x",
        Ether(src=own, dst=other) / IP(src=GATEWAY4, dst=four) / ICMP(type=5, code=1, gw=lab.address("tv1")),
        Ether(src=own, dst=other) / IPv6(src=GATEWAY6, dst=six) / ICMPv6EchoReply(),
        Ether(src=own, dst=other) / IPv6(src=LINK_LOCAL, dst=six, hlim=255) / ICMPv6ND_Redirect(tgt=six, dst=six),
        Ether(src=BRIDGE_MAC, dst=other) / IP(src=lab.address("tv1"), dst=four) / ICMP(),
    ]
    forge(guarded, said)


def test_what_televisions_say_of_themselves_passes(guarded: tuple[Lab, FirewallController]) -> None:
    lab, controller = guarded
    before = counted(lab, controller, "forged_claim")
    own, new = lab.mac("tv1"), "10.42.0.77"
    send(lab, Ether(src=own, dst=EVERYBODY) / ARP(op=1, hwsrc=own, psrc=new, pdst=lab.address("tv2")))
    wait_until(lambda: neighbours(lab, "tv2").get(new) == own)
    lab.run("tv1", "ping", "-c", "1", "-W", "5", lab.address("tv2"))
    lab.run("tv1", "ping", "-c", "1", "-W", "5", lab.address("tv2", 6))
    assert counted(lab, controller, "forged_claim") == before


def test_without_these_rules_the_attacks_work(lab: Lab) -> None:
    """Else the tests above would show nothing."""
    for what, times in ((CLAIMS[0], 0), HIDDEN[0], HIDDEN[-1]):
        meet(lab)
        packet, address = tagged(claims(lab)[what], times), GATEWAY4 if "ARP" in what else GATEWAY6

        def is_fooled(packet: Packet = packet, address: str = address) -> bool:
            # Again and again: within a second of another answer the kernel keeps the first (locktime, arp(7)).
            send(lab, packet)
            return neighbours(lab, "tv2").get(address) == lab.mac("tv1")

        wait_until(is_fooled)
        lab.run("tv2", "ip", "neigh", "flush", "dev", "eth0")


def reaches(lab: Lab, address: str, port: int = 8009) -> bool:
    """Whether the second television's own server hears the first one. A refusal by it would be one, too."""
    with lab.inside("tv1"):
        try:
            socket.create_connection((address, port), timeout=0.5).close()
        except OSError as error:
            return isinstance(error, ConnectionRefusedError)
    return True


def test_televisions_that_are_kept_apart_reach_us_and_the_internet_and_nobody_else(
    lab: Lab, controller: FirewallController, ours: object, web: object
) -> None:
    with lab.inside("tv2"):
        cast = Web(("0.0.0.0", "::"), (8009,))
    with cast:
        wait_until(lambda: all(reaches(lab, lab.address("tv2", version)) for version in (4, 6)))
        with lab.inside("gateway"):
            controller.apply(lab.plan(keep_apart=True))
        with lab.inside("tv1"):
            assert ask(GATEWAY4) == ask("8.8.8.8") == "gateway"
            assert fetch(SERVER4, 10) == 10
        assert not any(reaches(lab, lab.address("tv2", version)) for version in (4, 6))
        assert counted(lab, controller, "kept_apart") >= 2
        for version, gateway in ((4, GATEWAY4), (6, GATEWAY6)):
            # The long way, by us.
            for one, other in (("tv1", "tv2"), ("tv2", "tv1")):
                lab.run(one, "ip", "route", "add", lab.address(other, version), "via", gateway)
            with lab.inside("tv1"), pytest.raises(OSError, match=r"refused|unreachable|denied|ermission"):
                socket.create_connection((lab.address("tv2", version), 8009), timeout=20)
        with lab.inside("gateway"):
            controller.apply(lab.plan())
        wait_until(lambda: all(reaches(lab, lab.address("tv2", version)) for version in (4, 6)))


def test_what_goes_on_between_televisions_ends_when_they_are_kept_apart(
    lab: Lab, controller: FirewallController
) -> None:
    """By the long way, where a connection that stands would pass every rule."""
    with lab.inside("gateway"):
        controller.apply(lab.plan())
    for one, other in (("tv1", "tv2"), ("tv2", "tv1")):
        lab.run(one, "ip", "route", "add", lab.address(other), "via", GATEWAY4)
    with lab.inside("tv2"):
        listener = socket.create_server((lab.address("tv2"), 8009))
    with lab.inside("tv1"):
        caller = socket.create_connection((lab.address("tv2"), 8009), timeout=20)
    with listener, caller, listener.accept()[0] as called:
        called.settimeout(20)
        caller.sendall(b"a")
        assert called.recv(1) == b"a"
        with lab.inside("gateway"):
            controller.apply(lab.plan(keep_apart=True))
        caller.sendall(b"b")
        with pytest.raises(OSError, match=r"reset|imed out"):
            caller.recv(1)


POOL = {"first": ip_address("10.42.0.20"), "last": ip_address("10.42.0.250")}
"""231 addresses, for two ports: a share is 77."""
SMALL = {"first": ip_address("10.42.0.20"), "last": ip_address("10.42.0.67")}
"""48 addresses: a share is 16."""


@contextmanager
def household_of(folder: Path, pool: dict[str, Any]) -> Iterator[Household]:
    with Lab(televisions=2) as lab:
        home = Household(lab, folder)
        home.make_bare()
        home.start()
        home.apply(lab.plan(tv=pool))
        try:
            yield home
        finally:
            home.end()


@pytest.fixture
def household(tmp_path: Path) -> Iterator[Household]:
    with household_of(tmp_path, SMALL) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    """For tests that leave nothing shut."""
    with household_of(tmp_path_factory.mktemp("quiet"), POOL) as made:
        yield made


def flood(household: Household, kind: str, count: int = 231, *words: str) -> int:
    """How many addresses the first television was given."""
    said = household.lab.run("tv1", sys.executable, "-m", "tests.netns.dhcp_flood", kind, str(count), *words)
    print(kind, *words, said.strip())
    return int(said.split()[0])


def trouble(household: Household) -> list[tuple[str, dict[str, object]]]:
    status = household.client.call("status")
    return [(each["code"], each["arguments"]) for each in status["health"] if not each["healthy"]]


def test_another_identifier_is_no_other_device(quiet: Household) -> None:
    assert flood(quiet, "id", 8) == 1


@pytest.mark.parametrize("trick", ["long hardware address", "fragment", "tag below a tag"])
def test_a_request_that_cannot_be_read_is_not_answered(quiet: Household, trick: str) -> None:
    """A longer hardware address would be a second name for one device; a fragment could hide whose it is."""
    client = bytes.fromhex("02420000000b")
    asked = message(1, 7, client, 1, named=False)
    if trick == "long hardware address":
        asked = asked[:2] + b"\x10" + asked[3:]
    packet = frame(client, asked, 0x2000 if trick == "fragment" else 0)
    name = "leases_refused"
    if trick.startswith("tag"):
        packet, name = bytes(tagged(Ether(packet), 2)), "tagged_dropped"

    def refused() -> int:
        return int(quiet.client.call("counters")["counters"][name])

    before = refused()
    send(quiet.lab, packet)
    wait_until(lambda: refused() == before + 1)


def test_the_bridge_has_the_address_that_its_rules_speak_of(quiet: Household) -> None:
    (shown,) = json.loads(quiet.lab.run("gateway", "ip", "-j", "address", "show", "dev", "br-tv"))
    assert shown["address"] == BRIDGE_MAC
    assert LINK_LOCAL in [each["local"] for each in shown["addr_info"]]


def test_all_addresses_at_once_are_not_given_to_one_port(quiet: Household) -> None:
    """231 requests in one burst, faster than anybody could look: the kernel lets a share pass."""
    taken = flood(quiet, "all", 231, "burst")
    assert 40 <= taken <= 100, "a share is 77, and a few more while they wait"
    assert quiet.ask_for_address("tv2")[0], "the other port has its share"
    wait_until(lambda: ("network.port-asks-too-much", {"port": "port-tv1", "most": 77}) in trouble(quiet))


def test_one_port_does_not_take_every_address(household: Household) -> None:
    known = household.ask_for_address("tv1")[0]
    taken = flood(household, "all")
    assert 15 <= taken < 32, "a share is 16, and a few more until it is noticed"
    assert ("network.port-asks-too-much", {"port": "port-tv1", "most": 16}) in trouble(household)
    assert flood(household, "all", 3) == 3, "whoever has an address keeps it"
    before = household.client.call("status")["leases"]
    lab = household.lab

    def nobody_new() -> None:
        lab.run("tv1", "ip", "link", "set", "eth0", "address", "02:42:00:00:99:99")
        with pytest.raises(AssertionError):
            household.ask_for_address("tv1", "-t", "2", "-T", "1")
        lab.run("tv1", "ip", "link", "set", "eth0", "address", lab.mac("tv1"))

    nobody_new()
    assert household.client.call("status")["leases"] == before
    assert household.ask_for_address("tv1")[0] == known
    assert household.ask_for_address("tv2")[0], "the other port has its share"
    # What is shut stays shut when the plan changes.
    household.apply(lab.plan(tv=SMALL, isolate_home=False))
    nobody_new()
    assert household.ask_for_address("tv1")[0] == known


def test_one_device_with_many_names_gets_no_more_than_a_repeater(household: Household) -> None:
    assert 1 <= flood(household, "client", 40, "burst") <= 16
    wait_until(lambda: "network.station-asks-too-much" in dict(trouble(household)))
    said = dict(trouble(household))["network.station-asks-too-much"]
    assert said == {"station": household.lab.mac("tv1"), "port": "port-tv1", "most": 8}
    assert household.ask_for_address("tv2")[0]
