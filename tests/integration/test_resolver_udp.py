"""What a television sees of the resolver over UDP."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype
import pytest

from gateway.model.response import Source
from gateway.model.verdict import Reason
from gateway.resolver.options import ResolverOptions
from tests.support.client import addresses, ask, ask_raw, burst, question
from tests.support.serving import Serving, rules
from tests.support.upstream import Upstream
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.integration

ZONE = {
    "www.example.com": ["300 A 192.0.2.1", "300 AAAA 2001:db8::1"],
    "short.example.com": "2 A 192.0.2.2",
    "cloaked.example.com": "300 CNAME metrics.tracker.example.",
    "metrics.tracker.example": "300 A 192.0.2.9",
    "big.example.com": [f'60 TXT "{"x" * 200}{n}"' for n in range(20)],
    "evil.example.com": "60 A 192.168.1.1",
    "site.example.com": "60 HTTPS 1 . alpn=h2 ipv4hint=10.0.0.1",
}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as upstream:
        yield upstream


@pytest.fixture(params=[True, False], ids=["batched", "singly"])
def serving(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Serving]:
    options = ResolverOptions(rebinding_protection=False, batched=request.param)
    with Serving(upstream.url, policy=rules(block=["ads.example", "tracker.example"]), options=options) as serving:
        yield serving


def test_a_name_is_asked_of_the_upstream_once_and_then_answered_from_memory(
    serving: Serving, upstream: Upstream
) -> None:
    for _ in range(5):
        answer = ask("www.example.com", server=serving.server)
        assert addresses(answer) == ["192.0.2.1"]
        assert answer.flags == dns.flags.QR | dns.flags.RD | dns.flags.RA
    assert upstream.count("www.example.com") == 1
    assert [row[2].source for row in serving.logged(5)] == [Source.UPSTREAM] + [Source.CACHE] * 4
    assert serving.counters()["fast"] == 3, "the first asks the upstream, the second the cache, the others the memo"


def test_each_gets_the_name_as_it_spelled_it(serving: Serving) -> None:
    for spelling in ["www.example.com", "WWW.EXAMPLE.COM", "wWw.eXample.cOm", "Www.Example.Com"] * 3:
        answer = ask("www.example.com", server=serving.server, spelling=spelling)
        assert answer.question[0].name.to_text(omit_final_dot=True) == spelling
        assert answer.answer[0].name.to_text(omit_final_dot=True) == spelling
    assert serving.counters()["fast"] == 10
    assert serving.counters()["memo_entries"] == 1


def test_edns_comes_back_exactly_when_it_was_sent(serving: Serving) -> None:
    for _ in range(4):
        plain = ask("www.example.com", server=serving.server)
        assert plain.edns == -1
        extended = ask("www.example.com", server=serving.server, edns=1400)
        assert (extended.edns, extended.payload, extended.ednsflags) == (0, 1232, 0)
        secure = ask("www.example.com", server=serving.server, dnssec_ok=True)
        assert secure.ednsflags == 0x8000
        unchecked = ask("www.example.com", server=serving.server, checking_disabled=True)
        assert unchecked.flags & dns.flags.CD
        iterative = ask("www.example.com", server=serving.server, recursion=False)
        assert not iterative.flags & dns.flags.RD
        assert iterative.flags & dns.flags.RA


def test_a_blocked_name_is_answered_here(serving: Serving, upstream: Upstream) -> None:
    for _ in range(3):
        answer = ask("video.ads.example", server=serving.server, edns=1232)
        assert [rrset.to_text() for rrset in answer.answer] == ["video.ads.example. 10 IN A 0.0.0.0"]
        assert [option.code for option in answer.options if isinstance(option, dns.edns.EDEOption)] == [15]
        assert addresses(ask("video.ads.example", "AAAA", serving.server)) == ["::"]
        service = ask("video.ads.example", "HTTPS", serving.server)
        assert (service.rcode(), service.answer) == (0, [])
        assert service.authority[0].rdtype == dns.rdatatype.SOA
    assert upstream.names() == []
    assert {row[2].verdict.reason for row in serving.logged(9)} == {Reason.BLOCK_LIST}
    assert serving.counters()["blocked"] == 9


def test_a_tracker_behind_an_innocent_name_is_blocked_also_from_the_cache(serving: Serving, upstream: Upstream) -> None:
    for _ in range(3):
        assert addresses(ask("cloaked.example.com", server=serving.server)) == ["0.0.0.0"]
    assert upstream.count("cloaked.example.com") == 1
    newest = serving.logged(3)[-1][2]
    assert (newest.verdict.via, newest.verdict.matched) == ("metrics.tracker.example", "tracker.example")
    assert newest.targets == ("metrics.tracker.example",)


def test_a_click_works_with_the_very_next_packet(serving: Serving, upstream: Upstream) -> None:
    for _ in range(3):
        assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]
    serving.swap(rules(block=["example.com"], generation=2))
    assert addresses(ask("www.example.com", server=serving.server)) == ["0.0.0.0"]
    assert addresses(ask("www.example.com", server=serving.server)) == ["0.0.0.0"]
    serving.swap(rules(generation=3))
    assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]
    assert upstream.count("www.example.com") == 1, "blocking and allowing need no new look-up"


def test_an_answer_under_way_does_not_outlive_the_click(upstream: Upstream) -> None:
    """What was decided under the old rules may still arrive, but is not remembered under the new ones."""
    upstream.fail("www.example.com", held=True)
    with Serving(upstream.url) as serving:
        answers = []
        asker = threading.Thread(target=lambda: answers.append(ask("www.example.com", server=serving.server)))
        asker.start()
        wait_until(lambda: len(upstream.asked) >= 1, shows=upstream.names)
        serving.swap(rules(block=["www.example.com"], generation=2))
        upstream.release()
        asker.join()
        assert len(answers) == 1
        for _ in range(3):
            assert addresses(ask("www.example.com", server=serving.server)) == ["0.0.0.0"]


def test_devices_differ_and_share_the_cache(upstream: Upstream) -> None:
    policy = rules(devices={"127.0.0.2": rules(block=["www.example.com"])})
    with Serving(upstream.url, policy=policy) as serving:
        for _ in range(4):
            assert addresses(ask("www.example.com", server=serving.server, source="127.0.0.1")) == ["192.0.2.1"]
            assert addresses(ask("www.example.com", server=serving.server, source="127.0.0.2")) == ["0.0.0.0"]
            assert addresses(ask("www.example.com", server=serving.server, source="127.0.0.3")) == ["192.0.2.1"]
        assert upstream.count("www.example.com") == 1
        assert {row[1] for row in serving.log} == {"127.0.0.1", "127.0.0.2", "127.0.0.3"}


def test_a_client_that_changed_hands_gets_its_new_rules(upstream: Upstream) -> None:
    device = ["tv"]
    policy = rules(devices={"phone": rules(block=["www.example.com"])})
    with Serving(upstream.url, policy=policy, device_of=lambda client: device[0]) as serving:
        for _ in range(3):
            assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]
        device[0] = "phone"
        serving.call(serving.resolver.forget_clients)
        assert addresses(ask("www.example.com", server=serving.server)) == ["0.0.0.0"]


def test_ttls_count_down_on_every_path_and_the_name_is_asked_again_when_they_end(
    serving: Serving, upstream: Upstream
) -> None:
    seen: list[int] = []

    def asked_again() -> bool:
        seen.append(ask("short.example.com", server=serving.server).answer[0].ttl)
        return upstream.count("short.example.com") >= 2

    wait_until(asked_again)
    before = seen[: seen.index(2, seen.index(1))] if 1 in seen else seen
    assert before == sorted(before, reverse=True), "it counts down"
    assert seen[-1] == 2, "and begins anew"
    assert {1, 2} <= set(seen) <= {0, 1, 2}


def test_names_that_do_not_exist_and_types_without_data_are_kept_with_their_soa(
    serving: Serving, upstream: Upstream
) -> None:
    for _ in range(4):
        missing = ask("no.example.com", server=serving.server)
        assert missing.rcode() == 3
        assert missing.authority[0].rdtype == dns.rdatatype.SOA
        empty = ask("www.example.com", "MX", serving.server)
        assert (empty.rcode(), empty.answer) == (0, [])
        assert empty.authority[0].rdtype == dns.rdatatype.SOA
    assert upstream.count("no.example.com") == 1
    assert upstream.count("www.example.com", "MX") == 1


def test_what_does_not_fit_is_cut_and_comes_whole_over_tcp(serving: Serving) -> None:
    for _ in range(3):
        for edns, limit in ((None, 512), (800, 800), (4096, 1232)):
            message = question("big.example.com", "TXT", edns=edns)
            wire = ask_raw(message.to_wire(), serving.server)
            assert len(wire) <= limit
            assert dns.message.from_wire(wire).flags & dns.flags.TC
    whole = ask("big.example.com", "TXT", serving.server, tcp=True)
    assert len(whole.answer[0]) == 20


def test_unusual_types_pass_through(serving: Serving, upstream: Upstream) -> None:
    for rtype in ("TYPE65280", "CAA", "NAPTR"):
        assert ask("www.example.com", rtype, serving.server).rcode() == 0
    assert sorted({one.type for one in upstream.asked}) == ["CAA", "NAPTR", "TYPE65280"]


def test_what_is_no_good_query_gets_what_it_deserves(serving: Serving) -> None:
    def rcode(wire: bytes) -> int:
        reply = ask_raw(wire, serving.server)
        assert reply[:2] == wire[:2]
        assert len(reply) <= max(len(wire), 12)
        return reply[3] & 0x0F

    good = question("www.example.com", message_id=5).to_wire()
    assert rcode(good[:20]) == 1
    assert rcode(good[:4] + b"\0\2" + good[6:]) == 1
    assert rcode(good[:2] + b"\x29" + good[3:]) == 4
    assert ask("example.com", "AXFR", serving.server).rcode() == 4
    chaos = dns.message.make_query("version.bind", "TXT", "CH", use_edns=False)
    assert dns.message.from_wire(ask_raw(chaos.to_wire(), serving.server)).rcode() == 4
    future = dns.message.make_query("www.example.com", "A", use_edns=1)
    assert dns.message.from_wire(ask_raw(future.to_wire(), serving.server)).rcode() == 16
    # A question of another kind (opcode STATUS) is answered NOTIMP and is no malformed one: a heartbeat asks so.
    assert serving.counters()["malformed"] == 2


def test_responses_and_scraps_are_met_with_silence(serving: Serving) -> None:
    good = question("www.example.com").to_wire()
    for wire in (good[:2] + b"\x81" + good[3:], b"", b"\0" * 11):
        with pytest.raises(TimeoutError):
            ask_raw(wire, serving.server, timeout=0.1)
    assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]


def test_a_stranger_hears_nothing(upstream: Upstream) -> None:
    options = ResolverOptions(allowed_networks=(ipaddress.ip_network("127.0.0.1/32"),))
    with Serving(upstream.url, options=options) as serving:
        assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]
        for tcp in (False, True):
            with pytest.raises((TimeoutError, ConnectionError)):
                ask("www.example.com", server=serving.server, source="127.0.0.2", timeout=0.2, tcp=tcp)
        assert serving.counters()["outsiders"] == 1
        serving.logged(1)


def test_a_private_address_in_a_public_answer_is_withheld(upstream: Upstream) -> None:
    with Serving(upstream.url, options=ResolverOptions()) as serving:
        for name, rtype in (("evil.example.com", "A"), ("site.example.com", "HTTPS")):
            for _ in range(3):
                answer = ask(name, rtype, serving.server)
                assert (answer.rcode(), answer.answer) == (0, [])
        assert {row[2].verdict.reason for row in serving.logged(6)} == {Reason.REBINDING}
        assert [row[2].verdict.matched for row in serving.logged(6)][::3] == ["192.168.1.1", "10.0.0.1"]
    with Serving(upstream.url, options=ResolverOptions(rebinding_exceptions=("example.com",))) as serving:
        assert addresses(ask("evil.example.com", server=serving.server)) == ["192.168.1.1"]
    with Serving(upstream.url, options=ResolverOptions(), policy=rules(allow=["evil.example.com"])) as serving:
        assert addresses(ask("evil.example.com", server=serving.server)) == ["192.168.1.1"]


def test_a_burst_of_new_and_known_and_blocked_names_is_answered_whole(serving: Serving, upstream: Upstream) -> None:
    upstream.set_zone({"*.example.com": "60 A 192.0.2.7"})
    messages = []
    for n in range(1000):
        name = f"n{n % 90}.ads.example" if n % 3 == 0 else f"n{n % 150}.example.com"
        messages.append(question(name, edns=1232 if n % 2 else None, message_id=n))
    answers = burst(messages, serving.server)
    for asked, answer in zip(messages, answers, strict=True):
        assert answer is not None
        assert answer.question == asked.question
        assert (answer.edns == 0) == (asked.edns == 0)
        blocked = b"ads" in asked.question[0].name.labels
        assert addresses(answer) == ["0.0.0.0" if blocked else "192.0.2.7"]
    serving.logged(1000)


def test_equal_questions_share_one_flight(serving: Serving, upstream: Upstream) -> None:
    upstream.fail_all(held=True)
    questions = [question("www.example.com", message_id=n) for n in range(60)]
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(burst, questions, serving.server)
        wait_until(lambda: upstream.asked and serving.counters()["queries_udp"] == 60)
        upstream.release()
        answers = asking.result(PATIENCE)
    assert all(answer is not None and addresses(answer) == ["192.0.2.1"] for answer in answers)
    assert len({one.client for one in upstream.asked}) == 1, "one, perhaps a second time when it may have been lost"


def test_the_log_drops_rows_when_nobody_empties_it_and_answers_go_on(upstream: Upstream) -> None:
    with Serving(upstream.url, log_limit=10) as serving:
        for _ in range(30):
            assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]
        serving.logged(10)
        assert serving.counters()["log_dropped"] == 20
        serving.log.clear()
        ask("www.example.com", server=serving.server)
        serving.logged(1)


def test_ipv6_clients_are_served(upstream: Upstream) -> None:
    with Serving(upstream.url, host="::1") as serving:
        for _ in range(4):
            assert addresses(ask("www.example.com", server=serving.server)) == ["192.0.2.1"]
        assert serving.counters()["fast"] == 2
        assert {row[1] for row in serving.logged(4)} == {"::1"}


def test_latency_and_time_are_those_of_the_query(serving: Serving, upstream: Upstream) -> None:
    upstream.fail("www.example.com", delay=0.2)
    before = time.time()
    ask("www.example.com", server=serving.server)
    ask("www.example.com", server=serving.server)
    ask("www.example.com", server=serving.server)
    # A prepared answer leaves before its row is written.
    slow, _, fast = serving.logged(3)
    assert fast[3] < 0.2 <= slow[3]
    assert before - 0.05 <= slow[0] <= fast[0] <= time.time()
