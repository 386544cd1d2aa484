"""The firewall in a real kernel: what a television tries, and what becomes of it."""

from __future__ import annotations

import dataclasses
import json
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from ipaddress import IPv6Interface, ip_address
from pathlib import Path

import dns.exception
import pytest

from gateway.errors import NetworkError
from gateway.model.flow import Detour, Outcome
from gateway.model.mac import Mac
from gateway.model.network import Mode, NetworkPlan
from gateway.network import nft
from gateway.network.controller import FirewallController
from gateway.network.phrases import TABLE, chain, rule
from tests.netns.lab import (
    GATEWAY4,
    GATEWAY6,
    LAPTOP4,
    LAPTOP6,
    OUTSIDE4,
    OUTSIDE6,
    RESOLVERS4,
    RESOLVERS6,
    SERVER4,
    SERVER6,
    STRANGER4,
    STRANGER6,
    Lab,
    sent_again,
)
from tests.netns.servers import NamedDns, Serving, Web, ask, fetch

pytestmark = pytest.mark.netns

ROOT = Path(__file__).resolve().parents[2]
EVERYBODY = (*RESOLVERS4, *RESOLVERS6, STRANGER4, STRANGER6)


def put_in_force(lab: Lab, controller: FirewallController, **barrier: object) -> NetworkPlan:
    plan = lab.plan(**barrier)
    with lab.inside("gateway"):
        controller.apply(plan)
    return plan


@contextmanager
def refused_at_once():
    """A television is refused when it knocks for the first time; silence would be TimeoutError."""
    before = sent_again()
    with pytest.raises(OSError) as caught:
        yield
    assert not isinstance(caught.value, TimeoutError)
    assert sent_again() == before


def talk_on(connection: socket.socket) -> None:
    """Until it ends; raises what ended it."""
    while connection.recv(1 << 20):
        connection.sendall(b"more")


def knock(server: str, port: int) -> None:
    """A datagram to a port; raises the refusal that comes back, or TimeoutError."""
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as knocking:
        knocking.settimeout(5)
        knocking.connect((server, port))
        knocking.send(b"?")
        knocking.recv(100)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_whichever_resolver_is_asked_we_answer(lab, controller, ours, resolvers, tcp):
    with lab.inside("tv1"), pytest.raises((OSError, dns.exception.Timeout)):
        ask("8.8.8.8", tcp=tcp, timeout=0.3)
    put_in_force(lab, controller)
    with lab.inside("tv1"):
        assert {ask(server, tcp=tcp) for server in (*EVERYBODY, GATEWAY4, GATEWAY6)} == {"gateway"}
    assert resolvers.asked == []


def test_unusual_ways_of_asking_reach_us_too(lab, controller, ours, resolvers):
    put_in_force(lab, controller)
    with lab.inside("tv1"):
        for server in (STRANGER4, STRANGER6):
            assert ask(server, port=54) == ask(server, port=5353) == ask(server, port=54, tcp=True) == "gateway"
            assert ask(server, source_port=53) == ask(server, source_port=5353) == "gateway"
            assert ask(server, padded=4000) == "gateway", "a question in fragments"
    assert resolvers.asked == []


def test_a_resolver_on_another_port_of_ours_is_found(lab, controller, resolvers):
    put_in_force(lab, controller, dns_port=5335)
    with lab.inside("gateway"):
        server = NamedDns("gateway", (GATEWAY4, GATEWAY6), (5335,))
    with server, lab.inside("tv1"):
        assert {ask(where) for where in (GATEWAY4, GATEWAY6, "8.8.8.8", STRANGER6)} == {"gateway"}
        with lab.inside("gateway"):
            tried = controller.attempts()
    assert {attempt.server for attempt in tried} == {"8.8.8.8", STRANGER6}, "who asks us makes no detour"


def test_encrypted_dns_is_refused_at_once(lab, controller, web):
    put_in_force(lab, controller)
    with lab.inside("tv1"):
        for server in (*RESOLVERS4, *RESOLVERS6):
            for port in (443, 853, 9953):
                with refused_at_once():
                    fetch(server, 10, port)
        for server in (STRANGER4, STRANGER6):
            with refused_at_once():
                fetch(server, 10, 853)
        # The kernel says an unreachable to one address six times, then once a second (icmp(7)): no more are provoked.
        for server, port in (("8.8.8.8", 443), ("1.1.1.1", 853), ("2620:fe::fe", 443), ("2620:fe::fe", 853)):
            with refused_at_once():
                knock(server, port)
        for server in (STRANGER4, STRANGER6):
            with refused_at_once():
                knock(server, 853)
        assert fetch(STRANGER4, 10, 443) == fetch(SERVER6, 10, 443) == 10, "nobody knows them as resolvers"


def test_encrypted_dns_may_be_let_through_and_is_written_down(lab, controller, web):
    put_in_force(lab, controller, refuse_encrypted=False)
    with lab.inside("tv1"):
        assert fetch("8.8.8.8", 10, 443) == fetch("2620:fe::fe", 10, 853) == 10
    with lab.inside("gateway"):
        assert {attempt.outcome for attempt in controller.attempts()} == {Outcome.NOTED}


def test_televisions_reach_the_internet_under_our_address(lab, controller, web):
    put_in_force(lab, controller)
    with lab.inside("tv1"):
        assert fetch(SERVER4, 1000) == fetch(SERVER6, 1000) == 1000
    assert set(web.clients) == {OUTSIDE4, OUTSIDE6}


@pytest.mark.parametrize("server", ["8.8.8.8", "2620:fe::fe"])
def test_an_echo_of_a_resolver_comes_back(lab, controller, server):
    """Televisions find out so whether they are online."""
    put_in_force(lab, controller)
    six = ":" in server
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    request = struct.pack("!BBHHH", 128 if six else 8, 0, 0 if six else 0xFFFF - (0x0800 + 77 + 1), 77, 1)
    with lab.inside("tv1"), socket.socket(family, socket.SOCK_RAW, protocol) as echo:
        echo.settimeout(5)
        echo.connect((server, 0))
        echo.send(request)
        answer = echo.recv(200)
    assert (answer if six else answer[20:])[0] == (129 if six else 0)
    with lab.inside("gateway"):
        (count,) = controller.flows()
    assert (count.server, count.protocol, count.port) == (server, "icmpv6" if six else "icmp", 0)


def test_what_was_open_before_us_ends(lab, controller, web):
    """A connection to a resolver by DNS over HTTPS, from a time when this box only forwarded."""
    with lab.inside("gateway"):
        nft.apply_text("table ip t { chain c { type nat hook postrouting priority 99; oifname wan0 masquerade ; } ; }")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    with lab.inside("tv1"), socket.create_connection(("8.8.8.8", 443), timeout=5) as connection:
        connection.sendall(b"0\n")
        assert connection.recv(1000)
        put_in_force(lab, controller)
        with pytest.raises(OSError):
            talk_on(connection)
    with lab.inside("tv1"), refused_at_once():
        fetch("8.8.8.8", 10, 443)


def test_nobody_outside_reaches_a_television(lab, controller):
    lab.run("internet", "ip", "route", "add", "10.42.0.0/24", "via", OUTSIDE4)
    lab.run("internet", "ip", "route", "add", "fd42::/64", "via", OUTSIDE6)
    put_in_force(lab, controller)
    with lab.inside("tv1"):
        server = Web(ports=(8080,))
    with server, lab.inside("internet"):
        for version in (4, 6):
            with pytest.raises(TimeoutError):
                fetch(lab.address("tv1", version), 10, 8080, timeout=0.5)
    with lab.inside("gateway"):
        assert controller.counters()["inbound_dropped"] >= 2


def test_the_home_network_is_out_of_reach_unless_it_is_opened(lab, controller, web):
    put_in_force(lab, controller)
    with lab.inside("tv1"):
        for laptop in (LAPTOP4, LAPTOP6, "192.168.77.1"):
            with refused_at_once():
                fetch(laptop, 10)
    put_in_force(lab, controller, isolate_home=False)
    with lab.inside("tv1"):
        assert fetch(LAPTOP4, 10) == fetch(LAPTOP6, 10) == 10


def test_isolation_ends_what_was_going_on(lab, controller, web):
    put_in_force(lab, controller, isolate_home=False)
    with lab.inside("tv1"), socket.create_connection((LAPTOP4, 80), timeout=5) as connection:
        connection.sendall(b"0\n")
        assert connection.recv(1000)
        put_in_force(lab, controller)
        with pytest.raises(OSError):
            talk_on(connection)


def test_of_this_box_televisions_reach_dns_and_the_dashboard_only(lab, controller, ours):
    put_in_force(lab, controller)
    with lab.inside("gateway"):
        server = Web(ports=(22, 80))
    with server, lab.inside("tv1"):
        for address in (GATEWAY4, GATEWAY6, OUTSIDE4):
            assert fetch(address, 10, 80) == 10
            with refused_at_once():
                fetch(address, 10, 22)
        with lab.inside("internet"):
            # From the home network itself nothing is shut: whoever looks after this box comes from there.
            assert fetch(OUTSIDE4, 10, 22) == fetch(OUTSIDE6, 10, 22) == fetch(OUTSIDE4, 10, 80) == 10


def test_strangers_on_the_internet_find_no_resolver_here(lab, controller):
    put_in_force(lab, controller)
    with lab.inside("gateway"):
        server = NamedDns("gateway", (OUTSIDE4, OUTSIDE6))
    with server, lab.inside("internet"):
        assert ask(OUTSIDE4) == ask(OUTSIDE6) == "gateway"
        for source, target in ((SERVER4, OUTSIDE4), (SERVER6, OUTSIDE6)):
            with pytest.raises(dns.exception.Timeout):
                ask(target, source=source, timeout=0.3)


def test_a_paused_device_reaches_nothing_and_its_neighbour_does(lab, controller, web, ours):
    put_in_force(lab, controller, paused=(Mac(lab.mac("tv1")),))
    with lab.inside("tv1"):
        for server in (SERVER4, SERVER6):
            with refused_at_once():
                fetch(server, 10)
        assert ask(GATEWAY4) == "gateway", "it is refused by the resolver's own rules"
    with lab.inside("tv2"):
        assert fetch(SERVER4, 10) == fetch(SERVER6, 10) == 10
    put_in_force(lab, controller)
    with lab.inside("tv1"):
        assert fetch(SERVER4, 10) == 10


def test_a_pause_ends_a_running_download(lab, web, tmp_path):
    controller = FirewallController(tmp_path, neighbours=lambda: {lab.address("tv1"): lab.mac("tv1")})
    put_in_force(lab, controller)
    with lab.inside("tv1"), socket.create_connection((SERVER4, 80), timeout=2) as connection:
        connection.sendall(b"0\n")
        assert connection.recv(1000)
        put_in_force(lab, controller, paused=(Mac(lab.mac("tv1")),))
        with pytest.raises(OSError):
            talk_on(connection)
    controller.close()


def test_a_pause_holds_when_nobody_knows_the_neighbours(lab, web, tmp_path):
    def lost() -> dict[str, str]:
        raise OSError("no such table")

    controller = FirewallController(tmp_path, neighbours=lost)
    put_in_force(lab, controller, paused=(Mac(lab.mac("tv1")),))
    with lab.inside("tv1"), refused_at_once():
        fetch(SERVER4, 10)
    controller.close()


def test_a_static_address_of_another_network_leads_nowhere(lab, controller, web):
    put_in_force(lab, controller)
    lab.run("tv1", "ip", "addr", "add", "172.31.9.9/32", "dev", "eth0")
    lab.run("tv1", "ip", "route", "add", "203.0.113.99/32", "via", GATEWAY4, "src", "172.31.9.9")
    lab.run("gateway", "ip", "route", "add", "172.31.9.9/32", "dev", "br-tv")
    with lab.inside("tv1"), refused_at_once():
        fetch("203.0.113.99", 10)
    with lab.inside("gateway"):
        assert controller.counters()["foreign_source"] == 1


def test_without_ipv6_of_ours_there_is_no_way_out_over_ipv6(lab, controller, web, ours):
    plan = lab.plan(tv={"address6": None})
    with lab.inside("gateway"):
        controller.apply(plan)
        Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1")
    with lab.inside("tv1"):
        with refused_at_once():
            fetch(SERVER6, 10)
        assert ask("2620:fe::fe") == "gateway"
        assert fetch(SERVER4, 10) == 10


def test_a_public_ipv6_prefix_is_not_translated(lab, controller):
    with lab.inside("gateway"):
        text = controller.apply(lab.plan(tv={"address6": IPv6Interface("2a00:77::1/64")}), dry_run=True)
    assert '"2a00:77::"' in text
    translated = [
        part for part in commands_of(text) if "masquerade" in json.dumps(part) and "2a00:77::" in json.dumps(part)
    ]
    assert translated == []


def commands_of(text: str) -> list[dict]:
    return json.loads(text[text.index("{") :])["nftables"]


def test_while_our_resolver_is_dead_the_named_fallback_answers(lab, controller, resolvers):
    """The television asks from one port again and again, as televisions do; its tracked flow must not hold it."""
    put_in_force(lab, controller)
    fallback = (ip_address("9.9.9.9"), ip_address("2620:fe::fe"))
    with lab.inside("tv1"):
        with pytest.raises((OSError, dns.exception.Timeout)):
            ask("8.8.8.8", source_port=5999, timeout=0.3)
        put_in_force(lab, controller, filtering=False, fallback=fallback)
        for server in ("8.8.8.8", GATEWAY4, GATEWAY6, STRANGER6):
            assert ask(server, source_port=5999) == ask(server, tcp=True) == "internet"
    with lab.inside("gateway"):
        assert Counter(attempt.outcome for attempt in controller.attempts()).keys() <= {Outcome.NOTED, Outcome.ANSWERED}
        server = NamedDns("gateway", (GATEWAY4, GATEWAY6))
    with server:
        put_in_force(lab, controller)
        with lab.inside("tv1"):
            for asked in ("8.8.8.8", GATEWAY6):
                assert ask(asked, source_port=5999) == "gateway"


def test_with_a_fallback_in_one_family_the_other_is_refused(lab, controller, resolvers):
    put_in_force(lab, controller, filtering=False, fallback=(ip_address("9.9.9.9"),))
    with lab.inside("tv1"):
        assert ask(GATEWAY4) == "internet"
        with refused_at_once():
            knock(GATEWAY6, 53)


def test_without_a_fallback_it_fails_closed(lab, controller, resolvers):
    put_in_force(lab, controller, filtering=False)
    with lab.inside("tv1"), pytest.raises((OSError, dns.exception.Timeout)):
        ask("8.8.8.8", timeout=0.3)
    assert resolvers.asked == []


def test_time_is_turned_to_us_only_when_asked_to(lab, controller):
    class Clock(Serving):
        def __init__(self, label: bytes, addresses: tuple[str, ...]) -> None:
            super().__init__()
            for address in addresses:
                self.listen(address, 123, socket.SOCK_DGRAM, lambda s, _data, client: s.sendto(label, client))

    def time_from(server: str) -> bytes:
        with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.connect((server, 123))
            asking.send(bytes(48))
            return asking.recv(48)

    with lab.inside("internet"):
        theirs = Clock(b"internet", (STRANGER4, SERVER6))
    with lab.inside("gateway"):
        here = Clock(b"gateway", (GATEWAY4, GATEWAY6))
    with theirs, here:
        put_in_force(lab, controller)
        with lab.inside("tv1"):
            assert time_from(STRANGER4) == time_from(SERVER6) == b"internet"
        put_in_force(lab, controller, redirect_time=True)
        with lab.inside("tv1"):
            assert time_from(STRANGER4) == time_from(SERVER6) == b"gateway"
        with lab.inside("gateway"):
            tried = controller.attempts()
    assert {(attempt.detour, attempt.outcome) for attempt in tried} == {(Detour.TIME, Outcome.ANSWERED)}
    assert {attempt.server for attempt in tried} == {STRANGER4, SERVER6}


def test_one_television_cannot_be_router_or_resolver_to_another(lab, controller, ours):
    with lab.inside("tv2"):
        rogue = NamedDns("rogue", (lab.address("tv2"), lab.address("tv2", 6)))
    with rogue:
        with lab.inside("tv1"):
            assert ask(lab.address("tv2")) == "rogue"
        put_in_force(lab, controller)
        with lab.inside("tv1"):
            for version in (4, 6):
                # Where the kernel shows bridged packets to our rules (br_netfilter), we answer; elsewhere nobody does.
                try:
                    assert ask(lab.address("tv2", version), timeout=0.3) == "gateway"
                except dns.exception.Timeout:
                    continue
    advertisement = b"\x86\0\0\0\x40\0\x07\x08" + bytes(8)
    with (
        lab.inside("tv2"),
        socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as rogue_router,
    ):
        rogue_router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        rogue_router.sendto(advertisement, ("ff02::1", 0, 0, socket.if_nametoindex("eth0")))
    with lab.inside("gateway"):
        counted = controller.counters()
    assert counted["rogue_router"] >= 1
    assert counted["rogue_dns"] + counted["dns_turned"] >= 2


def test_attempts_are_counted_once_and_survive_a_new_plan(lab, controller, ours, web):
    put_in_force(lab, controller)
    with lab.inside("tv1"):
        for _ in range(7):
            ask("8.8.8.8")
        for _ in range(3):
            with refused_at_once():
                fetch("2001:4860:4860::8888", 10, 443)
    with lab.inside("tv2"), refused_at_once():
        knock("1.1.1.1", 853)
    put_in_force(lab, controller, paused=(Mac("02:00:00:00:00:01"),))
    with lab.inside("tv1"):
        for _ in range(2):
            ask("8.8.8.8")
    with lab.inside("gateway"):
        tried, again, counted = controller.attempts(), controller.attempts(), controller.counters()
    summed: Counter[tuple] = Counter()
    for a in tried:
        summed[a.mac, a.detour, a.server, a.protocol, a.port, a.outcome] += a.count
        assert a.first <= a.last
        assert a.first.tzinfo is not None
    first, second = lab.mac("tv1"), lab.mac("tv2")
    assert summed == {
        (first, Detour.DNS, "8.8.8.8", "udp", 53, Outcome.ANSWERED): 9,
        (first, Detour.DOH_ADDRESS, "2001:4860:4860::8888", "tcp", 443, Outcome.REFUSED): 3,
        (second, Detour.DOQ, "1.1.1.1", "udp", 853, Outcome.REFUSED): 1,
    }
    assert again == []
    assert (counted["dns_turned"], counted["doh_refused"], counted["doq_refused"]) == (9, 3, 1)


@pytest.mark.parametrize("failing", ["apply", "verify"])
def test_a_plan_that_could_not_be_set_counts_nothing_twice(lab, controller, web, monkeypatch, failing):
    """The kernel counts on from where it was, or from nought when the old rules had to be put back."""
    put_in_force(lab, controller)
    with lab.inside("tv2"), refused_at_once():
        knock("1.1.1.1", 853)

    def refuse(*_: object) -> None:
        raise NetworkError("not this time")

    with monkeypatch.context() as broken:
        broken.setattr(nft, failing, refuse)
        with pytest.raises(NetworkError, match="not this time"):
            put_in_force(lab, controller, paused=(Mac("02:00:00:00:00:01"),))
    with lab.inside("tv2"), refused_at_once():
        knock("1.1.1.1", 853)
    with lab.inside("gateway"):
        assert controller.counters()["doq_refused"] == 2


def test_a_full_memory_opens_no_way_round(lab, controller, ours, resolvers, web):
    put_in_force(lab, controller)
    filler = [
        {"elem": {"val": {"concat": ["02:ff:00:00:00:01", f"100.{n >> 8}.{n & 255}.1", "udp", 53]}}}
        for n in range(4096)
    ]
    with lab.inside("gateway"):
        for name in ("turned4", "refused4"):
            element = {"family": "inet", "table": TABLE, "name": name, "elem": filler}
            nft.apply([{"add": {"element": element}}])
    with lab.inside("tv1"):
        assert ask("8.8.8.8") == "gateway"
        with refused_at_once():
            fetch("8.8.8.8", 10, 443)
    assert resolvers.asked == []


def test_other_tables_stay_as_they_are(lab, controller):
    foreign = "table inet someone { chain c { type filter hook input priority 5; tcp dport 22 counter accept; }; }\n"
    with lab.inside("gateway"):
        nft.apply_text(foreign)
        before = lab.run("gateway", "nft", "list", "ruleset")
        controller.apply(lab.plan())
        controller.apply(lab.plan(isolate_home=False))
        assert lab.run("gateway", "nft", "list", "table", "inet", "someone") == before
        controller.clear()
    assert lab.run("gateway", "nft", "list", "ruleset") == before


def test_rules_that_cannot_be_leave_the_old_ones(lab, controller, ours):
    put_in_force(lab, controller)
    with lab.inside("gateway"):
        before = nft.snapshot()
        with pytest.raises(NetworkError, match="not understood"):
            nft.replace([rule("no_such_chain", {"accept": None})])
        assert nft.snapshot() == before
        # The transaction itself is right, but what stands there afterwards is not what was asked for.
        gone = {"delete": {"chain": {"family": "inet", "table": TABLE, "name": "extra"}}}
        with pytest.raises(NetworkError, match="not what it should be"):
            nft.replace([chain("extra"), gone])
        assert nft.snapshot() == before
    with lab.inside("tv1"):
        assert ask("8.8.8.8") == "gateway"


def test_a_switch_that_cannot_be_turned_takes_the_rules_back(lab, controller, tmp_path):
    with lab.inside("gateway"):
        switch = Path("/proc/sys/net/ipv4/ip_forward")
        before = switch.read_text()
        lost = FirewallController(tmp_path / "no such folder")
        with pytest.raises(NetworkError, match="cannot be written"):
            lost.apply(lab.plan())
        assert nft.list_table() == []
        assert switch.read_text() == before


def test_a_dry_run_changes_nothing_and_says_everything(lab, controller, tmp_path):
    with lab.inside("gateway"):
        text = controller.apply(lab.plan(), dry_run=True)
        assert nft.list_table() == []
        assert Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "0"
    assert list(tmp_path.iterdir()) == []
    assert "net/ipv4/ip_forward = 1" in text
    assert len(commands_of(text)) > 90


def test_clearing_puts_back_what_an_earlier_process_turned(lab, controller, tmp_path):
    names = ("ipv4/ip_forward", "ipv6/conf/all/forwarding", "netfilter/nf_conntrack_acct", "ipv6/conf/wan0/accept_ra")

    def switches() -> list[str]:
        return [Path("/proc/sys/net", name).read_text().strip() for name in names]

    with lab.inside("gateway"):
        before = switches()
        controller.apply(lab.plan())
        assert switches() == ["1", "1", "1", "2"]
        controller.close()  # As if it had been killed: nothing was cleared.
        heir = FirewallController(tmp_path)
        heir.apply(lab.plan())
        heir.clear()
        assert switches() == before
        assert nft.list_table() == nft.list_table("bridge") == []
        heir.clear()
        assert list(tmp_path.iterdir()) == []


def test_rules_that_somebody_flushed_are_missed(lab, controller, ours):
    with lab.inside("gateway"):
        assert not controller.is_in_force()
        controller.apply(lab.plan())
        assert controller.is_in_force()
        nft.apply_text("flush ruleset\n")
        assert not controller.is_in_force()
        controller.apply(lab.plan())
        assert controller.is_in_force()
    with lab.inside("tv1"):
        assert ask("8.8.8.8") == "gateway"


def test_killed_at_any_moment_the_rules_are_whole(lab, controller, ours, web, tmp_path):
    """Another process sets one plan after the other, and is killed five times while it does."""
    program = (
        "import itertools, pathlib, sys\n"
        "from gateway.network.controller import FirewallController\n"
        "from tests.netns.lab import Lab\n"
        "lab, controller = Lab(tag=sys.argv[1]), FirewallController(pathlib.Path(sys.argv[2]))\n"
        "for isolated in itertools.cycle([True, False]):\n"
        "    controller.apply(lab.plan(isolate_home=isolated))\n"
        "    print(isolated, flush=True)\n"
    )
    for number in range(5):
        busy = lab.start(
            "gateway", sys.executable, "-c", program, lab.tag, str(tmp_path), stdout=subprocess.PIPE, cwd=ROOT
        )
        try:
            for _ in range(2):
                assert busy.stdout.readline().strip() in ("True", "False")
            time.sleep(0.031 * number)
        finally:
            busy.kill()
            busy.wait()
            busy.stdout.close()
        with lab.inside("tv1"):
            assert ask("8.8.8.8") == ask("2620:fe::fe", tcp=True) == "gateway"
            assert fetch(SERVER4, 10) == 10
            with refused_at_once():
                fetch("8.8.8.8", 10, 853)
    with lab.inside("gateway"):
        controller.apply(lab.plan())
        assert controller.is_in_force()
        controller.clear()
        assert Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "0"


def test_dns_only_takes_everything_away(lab, controller):
    with lab.inside("gateway"):
        controller.apply(lab.plan())
        controller.apply(dataclasses.replace(lab.plan(), mode=Mode.DNS_ONLY, tv=None))
        assert nft.list_table() == []
        assert Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "0"


def test_a_bridge_without_ports_needs_no_rules_between_them(lab, controller, ours):
    with lab.inside("gateway"):
        controller.apply(lab.plan())
        controller.apply(lab.plan(tv={"ports": ()}))
    with lab.inside("tv1"):
        assert ask("8.8.8.8") == "gateway"
