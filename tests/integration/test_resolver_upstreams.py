"""What the resolver makes of upstreams that are slow, dead, broken or lying."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Iterator
from functools import partial

import dns.edns
import dns.flags
import dns.message
import pytest

from gateway.errors import SettingsError
from gateway.model.response import Source
from gateway.resolver import cache
from gateway.resolver.options import ResolverOptions
from gateway.resolver.recorder import LogQueue
from gateway.resolver.service import Resolver
from gateway.resolver.upstream import parse_upstream
from tests.support.client import addresses, ask, burst, question
from tests.support.serving import Serving, rules
from tests.support.upstream import Upstream
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.integration

ZONE = {
    ".": "3600 NS a.root-servers.net.",
    "www.example.com": "300 A 192.0.2.1",
    "brief.example.com": "1 A 192.0.2.2",
    "hot.example.com": "10 A 192.0.2.3",
    "big.example.com": [f'60 TXT "{"x" * 200}{n}"' for n in range(20)],
    "*.many.example.com": "60 A 192.0.2.4",
}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as upstream:
        yield upstream


@pytest.fixture
def second() -> Iterator[Upstream]:
    with Upstream(ZONE) as upstream:
        yield upstream


def errors_of(answer: dns.message.Message) -> list[int]:
    return [int(option.code) for option in answer.options if isinstance(option, dns.edns.EDEOption)]


def test_questions_leave_with_random_ids_ports_and_spellings(upstream: Upstream) -> None:
    with Serving(upstream.url) as serving:
        burst([question(f"abcdefgh{n}.many.example.com", message_id=n) for n in range(200)], serving.server)
    assert len({one.id for one in upstream.asked}) > 190
    assert len({one.client[1] for one in upstream.asked}) >= 16
    assert len({one.name[:8] for one in upstream.asked}) > 100
    assert {one.edns_size for one in upstream.asked} == {1232}


def test_nothing_of_a_clients_options_leaves_the_home(upstream: Upstream) -> None:
    with Serving(upstream.url) as serving:
        message = question("www.example.com")
        message.use_edns(0, options=[dns.edns.ECSOption("198.51.100.7", 32), dns.edns.GenericOption(10, b"cookie!!")])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.sendto(message.to_wire(), serving.server)
            assert dns.message.from_wire(sock.recv(4096)).options == ()
    assert dns.message.from_wire(upstream.asked[0].wire).options == ()


@pytest.mark.parametrize(
    "fault", [{"drop": True}, {"delay": 600.0}, {"rcode": "REFUSED"}, {"rcode": "SERVFAIL"}, {"cut": 30}]
)
def test_when_one_upstream_is_of_no_use_the_next_answers(upstream: Upstream, second: Upstream, fault: dict) -> None:
    upstream.fail_all(**fault)
    with Serving(upstream.url, second.url) as serving:
        assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]
        assert upstream.asked
        assert second.asked


def test_a_dead_upstream_is_left_alone_and_found_again(upstream: Upstream, second: Upstream) -> None:
    upstream.stop()
    with Serving(upstream.url, second.url) as serving:
        for n in range(5):
            assert addresses(ask(f"n{n}.many.example.com", server=serving.server)) == ["192.0.2.4"]
        assert [change.healthy for change in serving.health] == [False]
        assert upstream.url in serving.health[0].says
        states = serving.call(serving.resolver.upstreams)
        assert [state.healthy for state in states] == [False, True]
        assert "cannot be reached" in (states[0].last_error or "")
        assert (states[1].latency_ms or 0) > 0
        upstream.start()
        wait_until(lambda: len(serving.health) == 2)
        assert serving.health[1].healthy
        second.forget()
        assert addresses(ask("again.many.example.com", server=serving.server)) == ["192.0.2.4"]
        assert second.names() == []


@pytest.mark.parametrize("fault", [{"drop": True}, {"delay": 600.0}])
def test_without_any_upstream_the_client_learns_why_and_nobody_asks_again_at_once(
    upstream: Upstream, fault: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "FAILURE_TTL", 600.0)
    upstream.fail_all(**fault)
    with Serving(upstream.url) as serving:
        answer = ask("www.example.com", server=serving.server, edns=1232)
        assert (answer.rcode(), errors_of(answer)) == (2, [22])
        upstream.heal()
        again = ask("www.example.com", server=serving.server, edns=1232)
        assert (again.rcode(), errors_of(again)) == (2, [22]), "a failure is remembered for a while"


def test_a_failure_is_soon_forgotten(upstream: Upstream) -> None:
    upstream.fail_all(drop=True)
    with Serving(upstream.url) as serving:
        assert ask("www.example.com", server=serving.server).rcode() == 2
        upstream.heal()
        wait_until(lambda: addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"])


def test_a_refused_connection_is_a_network_error(upstream: Upstream) -> None:
    upstream.stop()
    with Serving(upstream.url) as serving:
        answer = ask("www.example.com", server=serving.server, edns=1232)
        assert (answer.rcode(), errors_of(answer)) == (2, [23])
        assert serving.logged(1)[-1][2].source is Source.ERROR


def test_an_expired_answer_is_better_than_none(upstream: Upstream) -> None:
    with Serving(upstream.url) as serving:
        assert addresses(ask("brief.example.com", server=serving.server)) == ["192.0.2.2"]
        upstream.stop()
        time.sleep(1.2)
        for _ in range(3):
            answer = ask("brief.example.com", server=serving.server, edns=1232)
            assert addresses(answer) == ["192.0.2.2"]
            assert (answer.answer[0].ttl, errors_of(answer)) == (30, [3])
        assert serving.logged(4)[-1][2].source is Source.STALE


def test_a_stale_answer_comes_before_the_client_gives_up(upstream: Upstream) -> None:
    with Serving(upstream.url) as serving:
        ask("brief.example.com", server=serving.server)
        upstream.fail_all(drop=True)
        time.sleep(1.2)
        assert addresses(ask("brief.example.com", server=serving.server)) == ["192.0.2.2"]
        assert serving.counters()["stale"] == 1
        wait_until(lambda: not serving.call(lambda: serving.resolver._links.cache._refreshes))
        asked = upstream.count("brief.example.com")
        assert addresses(ask("brief.example.com", server=serving.server)) == ["192.0.2.2"]
        assert upstream.count("brief.example.com") == asked > 1, "then nobody asks again for a while"


def test_a_name_in_use_is_fetched_before_it_expires(upstream: Upstream) -> None:
    with Serving(upstream.url) as serving:
        asking = partial(ask, "hot.example.com", server=serving.server)
        # In use all the while, by a client that asks ten times a second.
        wait_until(lambda: asking() and upstream.count("hot.example.com") == 2, "it is fetched again")
        assert asking().answer[0].ttl > 0
        assert serving.counters()["prefetches"] == 1
        assert serving.counters()["misses"] == 1, "no client waited for the second look-up"


def test_a_truncated_answer_is_fetched_whole_over_tcp(upstream: Upstream) -> None:
    with Serving(upstream.url) as serving:
        whole = ask("big.example.com", "TXT", serving.server, tcp=True)
        assert len(whole.answer[0]) == 20
    assert [one.transport for one in upstream.asked] == ["udp", "tcp"]


def test_a_tcp_upstream_keeps_its_connection(upstream: Upstream) -> None:
    with Serving(upstream.url.replace("udp", "tcp")) as serving:
        answers = burst([question(f"n{n}.many.example.com", message_id=n) for n in range(50)], serving.server)
        assert all(answer is not None and addresses(answer) == ["192.0.2.4"] for answer in answers)
        assert {one.transport for one in upstream.asked} == {"tcp"}
        assert len({one.client for one in upstream.asked}) == 1
        upstream.fail_all(close_tcp=True, times=1)
        assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"], "a new connection must do"


@pytest.mark.parametrize("fault", ["wrong_id", "wrong_question", "wrong_type", "wrong_port", "garbage", "query_back"])
def test_a_forged_answer_is_not_believed(upstream: Upstream, fault: str) -> None:
    upstream.fail_all(transport="udp", **{fault: True})
    with Serving(upstream.url) as serving:
        assert ask("www.example.com", server=serving.server).rcode() == 2


def test_the_true_answer_is_taken_among_forged_ones(upstream: Upstream, second: Upstream) -> None:
    """A forger who guesses ids cannot make the real answer be overlooked."""
    upstream.fail_all(wrong_id=True, transport="udp", times=1)
    with Serving(upstream.url) as serving:
        assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]


def test_an_upstream_that_spells_names_its_own_way_is_asked_over_tcp_and_then_plainly(upstream: Upstream) -> None:
    upstream.fail_all(lower_case=True)
    with Serving(upstream.url) as serving:
        for n in range(8):
            assert addresses(ask(f"abcdefgh{n}.many.example.com", server=serving.server)) == ["192.0.2.4"]
    assert [one.transport for one in upstream.asked].count("tcp") == 3
    assert upstream.asked[-1].name == "abcdefgh7.many.example.com"


def test_an_upstream_without_edns_is_asked_without_and_remembered(upstream: Upstream) -> None:
    upstream.fail_all(refuse_edns=True)
    with Serving(upstream.url) as serving:
        for n in range(4):
            assert addresses(ask(f"n{n}.many.example.com", server=serving.server)) == ["192.0.2.4"]
    assert [one.edns_size for one in upstream.asked] == [1232] + [None] * 4


def test_an_answer_that_comes_twice_harms_nobody(upstream: Upstream) -> None:
    upstream.fail_all(twice=True)
    with Serving(upstream.url) as serving:
        for n in range(20):
            assert addresses(ask(f"n{n}.many.example.com", server=serving.server)) == ["192.0.2.4"]


def test_validated_data_is_reported_to_those_who_asked(upstream: Upstream) -> None:
    with Serving(upstream.url) as serving:
        assert not ask("www.example.com", server=serving.server, dnssec_ok=True).flags & dns.flags.AD
    assert dns.message.from_wire(upstream.asked[0].wire).ednsflags & 0x8000


def test_a_flood_of_new_names_is_bounded_and_the_service_goes_on(upstream: Upstream) -> None:
    upstream.fail_all(drop=True)
    with Serving(upstream.url, options=ResolverOptions(rebinding_protection=False, max_in_flight=100)) as serving:
        wires = [question(f"n{n}.many.example.com").to_wire() for n in range(400)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for wire in wires:
                sock.sendto(wire, serving.server)
        wait_until(lambda: serving.counters()["queries_udp"] == 400)
        # Received is not yet looked at: who needs more than the memo waits for those who do not.
        wait_until(lambda: serving.counters()["overload"] == 320)
        assert serving.counters()["in_flight"] == 80, "a fifth is left for the other clients"
        wait_until(lambda: serving.counters()["in_flight"] == 0)
        upstream.heal()
        assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]


def test_stopping_in_the_middle_of_everything_leaves_nothing_behind(upstream: Upstream) -> None:
    upstream.fail_all(held=True)
    with (
        Serving(upstream.url, upstream.url.replace("udp", "tcp")) as serving,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        socket.create_connection(serving.server) as tcp,
    ):
        wire = question("www.example.com").to_wire()
        tcp.sendall(len(wire).to_bytes(2) + wire)
        for n in range(20):
            sock.sendto(question(f"n{n}.many.example.com").to_wire(), serving.server)
        wait_until(lambda: serving.counters()["in_flight"] == 21)
        wait_until(lambda: len(upstream.asked) >= 21)
    # `Serving` fails the test when a task is left.


def test_the_resolver_does_not_ask_itself() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        resolver = Resolver(
            log=LogQueue(rows=deque()),
            upstreams=[parse_upstream(f"udp://127.0.0.1:{udp.getsockname()[1]}")],
            policy=rules(),
            device_of=lambda client: None,
        )
        with pytest.raises(SettingsError, match="itself"):
            asyncio.run(resolver.start([udp], []))


def test_an_ipv6_upstream_is_asked() -> None:
    with Upstream(ZONE, host="::1") as upstream:
        assert parse_upstream(upstream.url).url == upstream.url
        with Serving(upstream.url) as serving:
            assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]
            assert len(ask("big.example.com", "TXT", serving.server, tcp=True).answer[0]) == 20
