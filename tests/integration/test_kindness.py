"""Televisions ask the same thousands of times, and the answers say why they are what they are."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import dns.edns
import dns.message
import dns.rdatatype
import pytest

from gateway.errors import WireError
from gateway.linux import mmsg
from gateway.resolver.options import ResolverOptions
from tests.support.client import addresses, ask, burst, question
from tests.support.serving import Serving, rules
from tests.support.upstream import Upstream
from tests.support.waiting import PATIENCE, wait_until
from tests.unit.resolver.stage import ScriptedUpstream, down
from tests.unit.wire.samples import query

pytestmark = pytest.mark.integration

ZONE = {
    "tv.example.com": "300 A 192.0.2.1",
    "brief.example.com": "1 A 192.0.2.2",
    "ads.example.com": "300 A 192.0.2.66",
    "home.example.com": "300 A 192.168.1.1",
    "*.many.example.com": "60 A 192.0.2.4",
}
PLAIN = ResolverOptions(rebinding_protection=False)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as upstream:
        yield upstream


def errors_of(answer: dns.message.Message) -> list[int]:
    return [int(option.code) for option in answer.options if isinstance(option, dns.edns.EDEOption)]


def test_a_retry_storm_for_a_slow_name_is_one_question_and_every_retry_is_answered_and_logged(
    upstream: Upstream,
) -> None:
    upstream.fail_all(held=True)
    with Serving(upstream.url) as serving, ThreadPoolExecutor() as pool:
        storm = [question("tv.example.com", message_id=n) for n in range(60)]
        asking = pool.submit(burst, storm, serving.server)
        wait_until(lambda: upstream.asked and serving.counters()["queries_udp"] == 60)
        upstream.release()
        answers = asking.result(PATIENCE)
        assert all(answer is not None and addresses(answer) == ["192.0.2.1"] for answer in answers)
        assert upstream.count("tv.example.com") <= 2, "one, and one more when a datagram may have been lost"
        counters = serving.counters()
        assert (counters["coalesced"], counters["misses"]) == (59, 1)
        serving.logged(60)  # each is a lookup; the journal makes one row of them


def test_a_storm_while_the_upstream_is_dead_holds_one_place(upstream: Upstream) -> None:
    upstream.fail_all(drop=True)
    with Serving(upstream.url) as serving, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tv:
        for n in range(3_000):
            tv.sendto(question("tv.example.com", message_id=n).to_wire(), serving.server)
            if n % 100 == 0:
                time.sleep(0.005)
        wait_until(lambda: serving.counters()["queries_udp"] == 3_000)
        counters = serving.counters()
        assert counters["in_flight"] <= 1
        assert counters["overload"] == 0


def test_a_storm_for_a_blocked_name_costs_no_question_and_counts_whole(upstream: Upstream) -> None:
    with Serving(upstream.url, policy=rules(block=["ads.example.com"])) as serving:
        answers = burst([question("ads.example.com", message_id=n) for n in range(2_000)], serving.server)
        assert all(answer is not None and addresses(answer) == ["0.0.0.0"] for answer in answers)
        assert upstream.names() == []
        counters = serving.counters()
        assert counters["blocked"] == 2_000
        # What one reading of the socket brings along with the very first of them is decided one by one.
        assert counters["fast"] >= 2_000 - 4 * mmsg.SIZE
        serving.logged(2_000)


def test_a_click_in_the_middle_of_a_storm_counts_for_all_of_it(upstream: Upstream) -> None:
    upstream.fail_all(held=True)
    with Serving(upstream.url) as serving, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tv:
        tv.settimeout(PATIENCE)
        for n in range(5):
            tv.sendto(question("ads.example.com", message_id=n).to_wire(), serving.server)
        wait_until(lambda: upstream.asked and serving.counters()["queries_udp"] == 5)
        serving.swap(rules(block=["ads.example.com"]))
        upstream.release()
        got = [dns.message.from_wire(tv.recv(4096)) for _ in range(5)]
        assert [addresses(answer) for answer in got] == [["0.0.0.0"]] * 5


def test_one_greedy_client_takes_nothing_from_the_others(upstream: Upstream) -> None:
    upstream.fail_all(drop=True)
    options = ResolverOptions(rebinding_protection=False, max_in_flight=100)
    with (
        Serving(upstream.url, options=options) as serving,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as greedy,
    ):
        for n in range(300):
            greedy.sendto(question(f"n{n}.many.example.com").to_wire(), serving.server)
        wait_until(lambda: serving.counters()["queries_udp"] == 300)
        upstream.heal()
        assert addresses(ask("tv.example.com", server=serving.server, source="127.0.0.9")) == ["192.0.2.1"]


@pytest.mark.parametrize("rtype", ["HTTPS", "SVCB", "TXT", "ANY"])
def test_whatever_is_asked_of_a_blocked_name_the_answer_is_as_its_rfc_has_it(upstream: Upstream, rtype: str) -> None:
    with Serving(upstream.url, policy=rules(block=["ads.example.com"])) as serving:
        response = ask("ads.example.com", rtype, serving.server, edns=1232)
        assert (response.rcode(), errors_of(response)) == (0, [15])
        if rtype == "ANY":
            assert [str(rrset[0]) for rrset in response.answer] == ['"RFC8482" ""']
        else:
            assert response.answer == []
            assert response.authority[0].rdtype == dns.rdatatype.SOA
    assert upstream.names() == []


def test_any_is_brief_over_udp_and_asked_for_over_tcp(upstream: Upstream) -> None:
    with Serving(upstream.url) as serving:
        assert [str(rrset[0]) for rrset in ask("tv.example.com", "ANY", serving.server).answer] == ['"RFC8482" ""']
        assert upstream.names() == []
        assert addresses(ask("tv.example.com", "ANY", serving.server, tcp=True)) == ["192.0.2.1"]


def test_blocked_is_15_also_for_an_address_at_home(upstream: Upstream) -> None:
    with Serving(upstream.url, policy=rules(block=["ads.example.com"]), options=ResolverOptions()) as serving:
        for name in ("ads.example.com", "home.example.com"):
            for _ in range(2):
                assert errors_of(ask(name, server=serving.server, edns=1232)) == [15]
            assert ask(name, server=serving.server).options == (), "nothing without EDNS"


def test_stale_is_3_and_19_and_failure_is_22_or_23(upstream: Upstream) -> None:
    upstream.negative_ttl = 1
    upstream.set_zone(ZONE)
    with Serving(upstream.url) as serving:
        ask("brief.example.com", server=serving.server)
        assert ask("no.example.com", server=serving.server).rcode() == 3
        upstream.stop()
        time.sleep(1.2)
        assert errors_of(ask("brief.example.com", server=serving.server, edns=1232)) == [3]
        gone = ask("no.example.com", server=serving.server, edns=1232)
        assert (gone.rcode(), errors_of(gone)) == (3, [19])
        assert errors_of(ask("new.example.com", server=serving.server, edns=1232)) == [23]
        upstream.start()
        upstream.fail_all(drop=True)
        assert errors_of(ask("newer.example.com", server=serving.server, edns=1232)) == [22]


@pytest.mark.parametrize(("upstreams", "ours"), [(15, 17), (17, 17), (16, 16), (4, 4), (6, 6), (22, 22)])
def test_what_an_upstream_filters_is_17_and_its_other_reasons_are_handed_on(upstreams: int, ours: int) -> None:
    def spoil(wire: bytes) -> bytes:
        message = dns.message.from_wire(wire)
        message.use_edns(0, options=[dns.edns.EDEOption(upstreams)])
        return message.to_wire()

    filtering = ScriptedUpstream({"ads.example.com": "60 A 0.0.0.0"})
    filtering.spoil = spoil
    with Serving(filtering, options=PLAIN) as serving:
        for _ in range(3):
            response = ask("ads.example.com", server=serving.server, edns=1232)
            assert (addresses(response), errors_of(response)) == (["0.0.0.0"], [ours])


def test_an_upstream_that_fails_without_a_reason_is_a_network_error() -> None:
    broken = ScriptedUpstream({})
    broken.error = down()
    with Serving(broken, options=PLAIN) as serving:
        response = ask("tv.example.com", server=serving.server, edns=1232)
        assert (response.rcode(), errors_of(response)) == (2, [23])


def test_how_long_answers_took_is_counted_by_where_they_came_from(upstream: Upstream) -> None:
    upstream.fail_all(delay=0.05)
    with Serving(upstream.url, policy=rules(block=["ads.example.com"])) as serving:
        for n in range(3):
            ask(f"n{n}.many.example.com", server=serving.server)
        ask("ads.example.com", server=serving.server)
        latencies = serving.call(serving.resolver.latencies)
    assert latencies["upstream"]["count"] == 3
    assert latencies["upstream"]["sum"] > 0.15  # type: ignore[operator]
    assert latencies["policy"]["count"] == 1
    assert latencies["stale"]["count"] == 0


def test_a_client_that_asks_too_much_gets_what_is_known_all_the_same(upstream: Upstream) -> None:
    """Seen from below: a stale answer for one who is slowed down makes nobody else wait."""
    options = ResolverOptions(rebinding_protection=False, client_rate=1.0, client_burst=1, client_patience=0.0)
    with Serving(upstream.url, options=options) as serving:

        async def story() -> list[str]:
            said = []
            loop = asyncio.get_running_loop()
            for name in ("brief.example.com", "n1.many.example.com"):
                try:
                    said.append((await serving.resolver.resolve(query(name, at=loop.time()))).source.value)
                except WireError:
                    said.append("silence")
            for _ in range(2):
                said.append((await serving.resolver.resolve(query("brief.example.com", at=loop.time()))).source.value)
            return said

        assert serving.run(story()) == ["upstream", "silence", "cache", "cache"]
        assert serving.counters()["throttled"] == 1
