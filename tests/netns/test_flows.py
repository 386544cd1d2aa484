"""Bytes by flow from a real kernel, against what the servers say that they served; and cuts."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from contextlib import suppress
from ipaddress import ip_address

import pytest

from gateway.errors import NetworkError
from gateway.network import conntrack
from gateway.network.controller import FirewallController
from tests.netns.lab import GATEWAY4, LAPTOP4, SERVER4, SERVER6, STRANGER4
from tests.netns.servers import Serving, Web, ask, fetch
from tests.support.waiting import wait_until

pytestmark = pytest.mark.netns

FLOWS = 520
"""More than the 500 that are promised."""

SERVED = """
table inet served {
  set sent { type ipv4_addr . inet_service; flags dynamic; size 65535; }
  chain output { type filter hook output priority 0; ip protocol tcp update @sent { ip saddr . tcp sport counter } ; }
}
"""
"""What the internet itself counts: bytes of IP packets by server and port. Headers are 4 % of a full packet, and how
full packets are depends on how busy the machine is, so the pages' lengths alone would not do."""


def served(lab) -> dict[tuple[str, int], int]:
    (found,) = (
        part["set"]
        for part in json.loads(lab.run("internet", "nft", "-j", "list", "set", "inet", "served", "sent"))["nftables"]
        if "set" in part
    )
    elements = [element["elem"] for element in found["elem"]]
    return {tuple(element["val"]["concat"]): element["counter"]["bytes"] for element in elements}


def test_bytes_agree_with_what_was_served_over_500_flows(lab, controller):
    ports = (80, 443, 8443)
    with lab.inside("internet"):
        web = Web(ports=ports)
    lab.run("internet", "nft", "-f", "-", text=SERVED)
    with lab.inside("gateway"):
        controller.apply(lab.plan())
    down: Counter[tuple[str, str, int]] = Counter()
    up: Counter[tuple[str, str, int]] = Counter()
    connections = 0
    expected: Counter[tuple[str, str, int]] = Counter()
    with web:
        for number in range(FLOWS):
            television = f"tv{number % 2 + 1}"
            server, port = f"203.0.113.{number % 173 + 1}", ports[number % 3]
            amount = 30_000 + 137 * number
            with lab.inside(television):
                assert fetch(server, amount, port) == amount
            expected[lab.address(television), server, port] += amount
            if number % 50 == 0:
                connections += gather(lab, controller, up, down)
        connections += gather(lab, controller, up, down)
        assert gather(lab, controller, Counter(), Counter()) == 0, "none is reported twice"
    assert down.keys() == expected.keys()
    assert connections == FLOWS
    assert {key: amount for key, amount in expected.items() if not amount < down[key] < amount * 1.05} == {}
    assert sum(web.served.values()) == expected.total()
    by_server: Counter[tuple[str, int]] = Counter()
    for (_client, server, port), amount in down.items():
        by_server[server, port] += amount
    sent = served(lab)
    assert sent.keys() == by_server.keys()
    assert {key: (by_server[key], sent[key]) for key in sent if abs(by_server[key] / sent[key] - 1) > 0.02} == {}
    assert all(0 < up[key] < 0.2 * down[key] for key in down)


def gather(lab, controller, up: Counter, down: Counter) -> int:
    with lab.inside("gateway"):
        counts = controller.flows()
    for count in counts:
        assert count.protocol == "tcp"
        assert count.first <= count.last
        up[count.client, count.server, count.port] += count.up
        down[count.client, count.server, count.port] += count.down
    return sum(count.connections for count in counts)


def test_a_going_download_is_counted_piece_by_piece(lab, controller):
    with lab.inside("internet"):
        web = Web()
    with lab.inside("gateway"):
        controller.apply(lab.plan())
    with web, lab.inside("tv1"), socket.create_connection((SERVER6, 80), timeout=10) as connection:
        got, seen = 0, []
        connection.sendall(b"3000000\n")
        for goal in (1_000_000, 2_000_000, 3_000_000):
            while got < goal:
                got += len(connection.recv(65536))
            with lab.inside("gateway"):
                seen += controller.flows()
        assert not connection.recv(1)
    with lab.inside("gateway"):

        def all_counted() -> bool:
            seen.extend(controller.flows())
            return sum(count.down for count in seen) >= got

        wait_until(all_counted)
    assert sum(count.connections for count in seen) == 1
    assert got <= sum(count.down for count in seen) <= got * 1.05
    assert {count.client for count in seen} == {lab.address("tv1", 6)}


def test_what_ends_here_is_not_counted_and_what_the_device_asked_for_is(lab, controller, ours, resolvers):
    with lab.inside("gateway"):
        controller.apply(lab.plan())
    with lab.inside("tv1"):
        ask("8.8.8.8")
        ask(GATEWAY4, tcp=True)
    with lab.inside("gateway"):
        assert controller.flows() == []
        controller.apply(lab.plan(filtering=False, fallback=(ip_address("9.9.9.9"),)))
    with lab.inside("tv1"):
        ask("8.8.8.8")
    with lab.inside("gateway"):
        (count,) = controller.flows()
    assert (count.server, count.protocol, count.port, count.connections) == ("8.8.8.8", "udp", 53, 1)
    assert count.up > 28
    assert count.down > 28


def test_what_was_counted_last_outlives_the_firewall(lab, controller, web):
    with lab.inside("gateway"):
        controller.apply(lab.plan())
    with lab.inside("tv1"):
        fetch(SERVER4, 5000)
        with pytest.raises(ConnectionRefusedError):
            fetch("8.8.8.8", 10, 853)
    with lab.inside("gateway"):
        controller.clear()
        (count,) = controller.flows()
        (attempt,) = controller.attempts()
        assert controller.flows() == controller.attempts() == []
    assert count.down > 5000
    assert (attempt.server, attempt.port) == ("8.8.8.8", 853)


def test_flows_that_end_while_nobody_reads_are_held_back_by_the_kernel(lab, controller, monkeypatch):
    """The receive space holds a few events; hundreds end. Without the kernel's patience most would be lost."""
    monkeypatch.setattr(conntrack, "_RECEIVE_SPACE", 4096)
    with lab.inside("internet"):
        web = Web()
    with lab.inside("gateway"):
        controller.apply(lab.plan())
    wanted = 300
    with web, lab.inside("tv1"):
        for _ in range(wanted):
            fetch(SERVER4, 1000)
    with lab.inside("gateway"):
        tracking = conntrack.ConntrackSocket()
        for connection in tracking.dump():
            tracking.delete(connection)
        tracking.close()
        seen = []

        def all_counted() -> bool:
            seen.extend(controller.flows())
            return sum(count.connections for count in seen) >= wanted

        wait_until(all_counted, shows=lambda: len(seen))
        assert controller.flows() == []
    assert sum(count.connections for count in seen) == wanted
    assert sum(count.down for count in seen) > wanted * 1000


@pytest.mark.parametrize("server", [SERVER4, SERVER6])
def test_a_cut_ends_a_running_download_at_once(lab, controller, web, server):
    with lab.inside("gateway"):
        controller.apply(lab.plan())
    with lab.inside("tv1"), socket.create_connection((server, 80), timeout=10) as connection:
        connection.sendall(b"0\n")
        assert connection.recv(1000)
        ended = threading.Event()

        def download() -> None:
            try:
                while connection.recv(1 << 20):
                    pass
            except ConnectionError:
                ended.set()

        thread = threading.Thread(target=download)
        thread.start()
        with lab.inside("gateway"):
            client = ip_address(lab.address("tv1", 6 if ":" in server else 4))
            assert controller.cut([client], [ip_address(server)]) == 1
        thread.join(5)
        assert ended.is_set(), "the television is refused, not left waiting"
        with pytest.raises(ConnectionRefusedError):
            fetch(server, 10)
    with lab.inside("tv2"):
        assert fetch(server, 10) == 10, "only this device is cut"
    with lab.inside("gateway"):
        controller.apply(lab.plan(isolate_home=False))
    with lab.inside("tv1"), pytest.raises(ConnectionRefusedError):
        fetch(server, 10)
    with lab.inside("gateway"):
        controller.mend([client], [ip_address(server)])
        controller.mend([client], [ip_address(server)])
    with lab.inside("tv1"):
        assert fetch(server, 10) == 10
        with lab.inside("gateway"):
            assert controller.counters()["cut_refused"] >= 3


def test_a_cut_and_the_counts_outlive_the_process_that_made_them(lab, controller, web, tmp_path):
    with lab.inside("gateway"):
        controller.apply(lab.plan())
        controller.cut([ip_address(lab.address("tv1", 6))], [ip_address(SERVER6)])
    with lab.inside("tv1"), socket.create_connection((SERVER4, 80), timeout=10) as connection:
        connection.sendall(b"2000000\n")
        for _ in range(4):
            connection.recv(1000)
        with lab.inside("gateway"):
            before = sum(count.down for count in controller.flows())
            controller.close()
            heir = FirewallController(tmp_path)
            heir.apply(lab.plan())
        with pytest.raises(ConnectionRefusedError):
            fetch(SERVER6, 10)
        while connection.recv(1 << 20):
            """The download outlives it too."""
        with lab.inside("gateway"):
            after = [count for count in heir.flows() if count.server == SERVER4]
    heir.close()
    assert before > 0
    assert sum(count.connections for count in after) == 0, "it was reported as begun before"
    assert before + sum(count.down for count in after) <= 2_000_000 * 1.05


def test_a_cut_ends_by_itself_and_may_be_renewed(lab, controller, web):
    with lab.inside("gateway"):
        controller.apply(lab.plan())
        pair = [ip_address(lab.address("tv1"))], [ip_address(SERVER4)]
        controller.cut(*pair, seconds=3600)
        controller.cut(*pair, seconds=1)
    with lab.inside("tv1"):
        with pytest.raises(ConnectionRefusedError):
            fetch(SERVER4, 10)
        assert wait_until(lambda: fetch(SERVER4, 10), "the cut ends", ignoring=(ConnectionRefusedError,)) == 10


def test_a_cut_silences_datagrams_from_both_sides(lab, controller):
    class Chatter(Serving):
        """Says something ten times a second to whoever spoke to it once, like a stream over QUIC."""

        def __init__(self) -> None:
            super().__init__()
            self.stop = threading.Event()
            self.listen(STRANGER4, 4433, socket.SOCK_DGRAM, self._chat)

        def _chat(self, listener: socket.socket, _data: bytes, client: tuple) -> None:
            def chat() -> None:
                while not self.stop.wait(0.1):
                    listener.sendto(b"more", client)

            threading.Thread(target=chat, daemon=True).start()

    with lab.inside("gateway"):
        controller.apply(lab.plan())
    with lab.inside("internet"):
        chatter = Chatter()
    with chatter, lab.inside("tv1"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(5)
        phone.sendto(b"hello", (STRANGER4, 4433))
        assert phone.recv(100) == b"more"
        with lab.inside("gateway"):
            assert controller.cut([ip_address(lab.address("tv1"))], [ip_address(STRANGER4)]) == 1
        phone.setblocking(False)
        with suppress(BlockingIOError):
            while phone.recv(100):
                """What was on its way before the cut."""
        phone.settimeout(0.5)
        with pytest.raises(TimeoutError):
            phone.recv(100)
        chatter.stop.set()


def test_a_cut_needs_a_firewall_and_sensible_wishes(lab, controller):
    client, server = ip_address("10.42.0.11"), ip_address(SERVER4)
    with lab.inside("gateway"):
        with pytest.raises(NetworkError, match="no firewall in force"):
            controller.cut([client], [server])
        controller.apply(lab.plan())
        with pytest.raises(NetworkError, match="lasts from one second"):
            controller.cut([client], [server], seconds=0)
        with pytest.raises(NetworkError, match="At most"):
            controller.cut([client] * 100, [server] * 100)
        assert controller.cut([client], [ip_address(SERVER6)]) == 0
        assert controller.cut([client], [ip_address(LAPTOP4)]) == 0
