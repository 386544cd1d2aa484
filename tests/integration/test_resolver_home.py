"""Names of the home over real sockets: what is answered here, what the router is asked, and that nobody else is."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dns.message
import dns.reversename
import pytest

from gateway.model.device_names import DeviceNames
from gateway.resolver.options import ResolverOptions
from gateway.resolver.upstream import parse_upstream
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.serving import Serving
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

SALON = ipaddress.ip_address("192.168.7.20")
DEVICES = DeviceNames("lan", {"salon.lan": (SALON,)}, {SALON: "salon.lan"})
PUBLIC = {"*.example.com": "60 A 192.0.2.1", "com": "60 NS a.gtld-servers.net.", "*": "60 A 192.0.2.66"}
HOME = {
    "nas.fritz.box": "60 A 192.168.178.5",
    "printer.lan": "60 A 192.168.178.6",
    "6.178.168.192.in-addr.arpa": "60 PTR printer.lan.",
    "fritz.box": "60 A 192.168.178.1",
}


def options(zones: Mapping[str, Sequence[Any]] | None = None) -> ResolverOptions:
    return ResolverOptions(is_top_level=lambda label: label in ("com", "net"), forward_zones=zones or {})


@pytest.fixture
def public() -> Iterator[Upstream]:
    with Upstream(PUBLIC) as upstream:
        yield upstream


@pytest.fixture
def router() -> Iterator[Upstream]:
    with Upstream(HOME) as upstream:
        yield upstream


@pytest.fixture
def forwarding(public: Upstream, router: Upstream) -> Iterator[Serving]:
    there = [parse_upstream(router.url)]
    zones = dict.fromkeys(("fritz.box", "lan", "178.168.192.in-addr.arpa"), there)
    with Serving(public.url, options=options(zones)) as serving:
        serving.call(serving.resolver.name_devices, DEVICES)
        yield serving


NAMES_OF_THE_HOME = [
    "router", "x.lan", "nas.home.arpa", "a.b.internal", "printer", "pc.corp", "5.7.168.192.in-addr.arpa", r"my\.box",
]  # fmt: skip


@pytest.mark.parametrize("tcp", [False, True])
def test_no_public_upstream_is_ever_asked_for_a_name_of_the_home(public: Upstream, tcp: bool) -> None:
    with Serving(public.url, options=options()) as serving:
        serving.call(serving.resolver.name_devices, DEVICES)
        for name in NAMES_OF_THE_HOME:
            for rtype in ("A", "AAAA", "HTTPS", "PTR", "SOA", "ANY"):
                for _ in range(3):
                    answer = ask(name, rtype, serving.server, tcp=tcp)
                    assert (answer.rcode(), answer.answer) == (3, [])
        assert addresses(ask("salon.lan", server=serving.server, tcp=tcp)) == ["192.168.7.20"]
        assert addresses(ask("salon", server=serving.server, tcp=tcp)) == ["192.168.7.20"]
        assert addresses(ask("www.example.com", server=serving.server, tcp=tcp)) == ["192.0.2.1"]
        assert ask("com", server=serving.server, tcp=tcp).rcode() == 0
        assert set(public.names()) == {"www.example.com"}


def pointer(answer: dns.message.Message) -> list[str]:
    return [str(item) for rrset in answer.answer for item in rrset]


def test_the_reverse_of_a_device_is_its_name_and_follows_it(public: Upstream) -> None:
    reverse = dns.reversename.from_address(str(SALON)).to_text(omit_final_dot=True)
    with Serving(public.url, options=options()) as serving:
        assert ask(reverse, "PTR", serving.server).rcode() == 3
        serving.call(serving.resolver.name_devices, DEVICES)
        for _ in range(3):
            assert pointer(ask(reverse, "PTR", serving.server)) == ["salon.lan."]
            assert addresses(ask("salon", server=serving.server)) == ["192.168.7.20"]
        serving.call(serving.resolver.name_devices, DeviceNames("lan", {"tv.lan": (SALON,)}, {SALON: "tv.lan"}))
        assert pointer(ask(reverse, "PTR", serving.server)) == ["tv.lan."]
        assert addresses(ask("tv", server=serving.server)) == ["192.168.7.20"]
        assert [ask(name, server=serving.server).rcode() for name in ("salon", "salon.lan")] == [3, 3]
    assert public.names() == []


def test_a_new_name_takes_no_prepared_answer_from_others(public: Upstream) -> None:
    with Serving(public.url, options=options()) as serving:
        serving.call(serving.resolver.name_devices, DeviceNames("lan"))
        for _ in range(3):
            ask("www.example.com", server=serving.server)
            ask("salon.lan", server=serving.server)
        assert serving.counters()["memo_entries"] == 2
        serving.call(serving.resolver.name_devices, DEVICES)
        assert serving.counters()["memo_entries"] == 1
        assert addresses(ask("salon.lan", server=serving.server)) == ["192.168.7.20"]


def test_a_zone_and_a_network_are_asked_of_the_router_and_private_addresses_are_fine_there(
    forwarding: Serving, public: Upstream, router: Upstream
) -> None:
    for _ in range(3):
        assert addresses(ask("nas.fritz.box", server=forwarding.server)) == ["192.168.178.5"]
        assert addresses(ask("fritz.box", server=forwarding.server)) == ["192.168.178.1"]
        assert addresses(ask("printer.lan", server=forwarding.server)) == ["192.168.178.6"]
        assert pointer(ask("6.178.168.192.in-addr.arpa", "PTR", forwarding.server)) == ["printer.lan."]
        assert ask("nobody.lan", server=forwarding.server).rcode() == 3
        assert addresses(ask("salon.lan", server=forwarding.server)) == ["192.168.7.20"]
        assert ask("7.7.168.192.in-addr.arpa", "PTR", forwarding.server).rcode() == 3
        assert addresses(ask("www.example.com", server=forwarding.server)) == ["192.0.2.1"]
    assert set(public.names()) == {"www.example.com"}
    assert set(router.names()) == {
        "nas.fritz.box", "fritz.box", "printer.lan", "6.178.168.192.in-addr.arpa", "nobody.lan",
    }  # fmt: skip
    assert forwarding.counters()["upstream_asked"] == 6
    states = forwarding.call(forwarding.resolver.upstreams)
    assert [state.url for state in states] == [public.url, router.url]


def test_a_dead_router_is_a_failure_of_its_names_alone(forwarding: Serving, public: Upstream, router: Upstream) -> None:
    router.stop()
    assert ask("nas.fritz.box", server=forwarding.server, edns=1232, timeout=5.0).rcode() == 2
    assert addresses(ask("www.example.com", server=forwarding.server)) == ["192.0.2.1"]
    assert "nas.fritz.box" not in public.names()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_a_whole_box_calls_devices_as_people_do_and_asks_the_router_about_its_zone(
    tmp_path: Path, public: Upstream, router: Upstream, workers: int
) -> None:
    forward = ["--forward", f"fritz.box={router.url}", "--forward", f"192.168.178.0/24={router.url}"]
    flags = ["--upstream", public.url, "--workers", str(workers), *forward]
    with RunningBox(tmp_path / "data", flags) as box:
        assert addresses(ask("nas.fritz.box", server=box.dns)) == ["192.168.178.5"]
        assert pointer(ask("6.178.168.192.in-addr.arpa", "PTR", box.dns)) == ["printer.lan."]
        ask("www.example.com", server=box.dns, source="127.0.7.7")
        device = wait_until(lambda: next((d for d in listed(box) if "127.0.7.7" in d["addresses"]), None))
        status, _ = box.request("PATCH", f"/api/v1/devices/{device['id']}", {"name": "Salon TV"})
        assert status == 200
        # Every process that answers has to know it; each question comes from a port of its own.
        wait_until(lambda: all(pointer(ask("7.7.0.127.in-addr.arpa", "PTR", box.dns)) for _ in range(20)))
        for _ in range(20):
            assert pointer(ask("7.7.0.127.in-addr.arpa", "PTR", box.dns)) == ["salon-tv.lan."]
            assert addresses(ask("salon-tv", server=box.dns)) == ["127.0.7.7"]
            assert ask("nobody.lan", server=box.dns).rcode() == 3
        said = box.control.call("explain", name="nas.fritz.box")
        assert said["special"] is None
        assert "no public DNS" in box.control.call("explain", name="nobody.lan")["special"]
    assert set(public.names()) == {"www.example.com"}
    assert {"nas.fritz.box", "6.178.168.192.in-addr.arpa"} == set(router.names())


def listed(box: RunningBox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = box.get("/api/v1/devices")[1]["devices"]
    return found
