"""The scripted upstream does what a test tells it to."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from tests.support.client import Connection, addresses, ask, ask_raw, burst, question
from tests.support.upstream import Upstream
from tests.support.waiting import PATIENCE
from tests.support.zone import Reply

pytestmark = pytest.mark.integration

ZONE = {
    "tv.example": ["60 A 192.0.2.1", "60 AAAA 2001:db8::1", "60 MX 10 mail.tv.example."],
    "alias.example": "30 CNAME tv.example.",
    "_xmpp._tcp.tv.example": "60 SRV 1 2 5222 tv.example.",
    "text.example": '60 TXT "a sentence" "and more"',
    "web.example": "60 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.9",
    "*.cdn.example": "20 A 198.51.100.7",
    "zone.example": "900 SOA ns.zone.example. host.zone.example. 1 2 3 4 77",
    "big.example": [f"60 A 192.0.2.{n}" for n in range(1, 200)],
}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as server:
        yield server


def test_addresses_come_with_their_ttl(upstream: Upstream) -> None:
    answer = ask("tv.example", "AAAA", upstream.address)
    assert addresses(answer) == ["2001:db8::1"]
    assert answer.answer[0].ttl == 60


@pytest.mark.parametrize("rtype", ["MX", "SRV", "TXT", "HTTPS"])
def test_other_types_come_too(upstream: Upstream, rtype: str) -> None:
    name = {"MX": "tv.example", "SRV": "_xmpp._tcp.tv.example", "TXT": "text.example", "HTTPS": "web.example"}[rtype]
    answer = ask(name, rtype, upstream.address)
    assert [dns.rdatatype.to_text(rrset.rdtype) for rrset in answer.answer] == [rtype]


def test_an_alias_is_followed(upstream: Upstream) -> None:
    answer = ask("alias.example", "A", upstream.address)
    assert [dns.rdatatype.to_text(rrset.rdtype) for rrset in answer.answer] == ["CNAME", "A"]


def test_wildcards_answer_for_what_is_below_them(upstream: Upstream) -> None:
    assert addresses(ask("e1.cdn.example", "A", upstream.address)) == ["198.51.100.7"]


def test_a_missing_type_is_nodata_and_a_missing_name_nxdomain(upstream: Upstream) -> None:
    nodata = ask("alias.example", "TXT", upstream.address)
    assert nodata.rcode() == dns.rcode.NOERROR
    assert nodata.authority[0].rdtype == dns.rdatatype.SOA
    nothing = ask("nobody.zone.example", "A", upstream.address)
    assert nothing.rcode() == dns.rcode.NXDOMAIN
    assert nothing.authority[0].name.to_text() == "zone.example."
    assert nothing.authority[0][0].minimum == 77


def test_a_name_between_others_exists_without_records(upstream: Upstream) -> None:
    assert ask("_tcp.tv.example", "A", upstream.address).rcode() == dns.rcode.NOERROR


def test_a_function_can_be_the_zone() -> None:
    with Upstream(lambda name, rtype: Reply((f"{name} 5 A 192.0.2.77",)) if rtype == "A" else None) as server:
        assert addresses(ask("anything.test", "A", server.address)) == ["192.0.2.77"]
        assert ask("anything.test", "AAAA", server.address).rcode() == dns.rcode.NXDOMAIN


def test_the_spelling_of_the_question_is_kept_and_remembered(upstream: Upstream) -> None:
    ask("tv.example", "A", upstream.address, spelling="tV.eXaMpLe", edns=1400)
    assert upstream.asked[0].name == "tV.eXaMpLe"
    assert upstream.asked[0].edns_size == 1400
    assert upstream.names() == ["tv.example"]
    assert upstream.count("TV.example", "A", "udp") == 1
    assert upstream.count("tv.example", "A", "tcp") == 0


def test_tcp_carries_many_queries_on_one_connection(upstream: Upstream) -> None:
    with Connection(upstream.address) as connection:
        for number in (1, 2, 3):
            connection.send(question("tv.example", message_id=number).to_wire())
        assert [dns.message.from_wire(connection.receive()).id for _ in range(3)] == [1, 2, 3]


def test_an_answer_too_big_for_udp_is_truncated(upstream: Upstream) -> None:
    small = ask("big.example", "A", upstream.address)
    assert small.flags & dns.flags.TC
    assert not small.answer
    whole = ask("big.example", "A", upstream.address, tcp=True)
    assert len(addresses(whole)) == 199


def test_a_burst_is_answered_in_the_order_of_its_questions(upstream: Upstream) -> None:
    answers = burst([question(f"n{n}.cdn.example", message_id=n) for n in range(300)], upstream.address)
    assert [answer.id for answer in answers if answer] == list(range(300))


def test_a_dropped_query_gets_no_answer_as_often_as_asked(upstream: Upstream) -> None:
    upstream.fail("tv.example", drop=True, times=1)
    with pytest.raises(TimeoutError):
        ask("tv.example", "A", upstream.address, timeout=0.2)
    assert addresses(ask("tv.example", "A", upstream.address)) == ["192.0.2.1"]


def test_a_delayed_answer_does_not_hold_up_others(upstream: Upstream) -> None:
    upstream.fail("tv.example", delay=0.5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(upstream.address)
        began = time.monotonic()
        for number, name in enumerate(("tv.example", "alias.example")):
            sock.send(question(name, message_id=number).to_wire())
        assert [dns.message.from_wire(sock.recv(4096)).id for _ in range(2)] == [1, 0]
        assert time.monotonic() - began >= 0.5


def test_a_held_answer_waits_until_it_is_released(upstream: Upstream) -> None:
    upstream.fail("tv.example", held=True)
    with pytest.raises(TimeoutError):
        ask("tv.example", "A", upstream.address, timeout=0.2)
    upstream.release()
    assert addresses(ask("tv.example", "A", upstream.address)) == ["192.0.2.1"]
    upstream.fail_all(held=True)
    upstream.fail("tv.example", held=True)
    with pytest.raises(TimeoutError):
        ask("tv.example", "A", upstream.address, timeout=0.2)
    upstream.heal()
    assert addresses(ask("tv.example", "A", upstream.address)) == ["192.0.2.1"]


def test_faults_of_one_transport_leave_the_other_alone(upstream: Upstream) -> None:
    upstream.fail_all(truncate=True, transport="udp")
    assert ask("tv.example", "A", upstream.address).flags & dns.flags.TC
    assert addresses(ask("tv.example", "A", upstream.address, tcp=True)) == ["192.0.2.1"]


def test_servfail_and_healing(upstream: Upstream) -> None:
    upstream.fail_all(rcode="SERVFAIL")
    assert ask("tv.example", "A", upstream.address).rcode() == dns.rcode.SERVFAIL
    upstream.heal()
    assert ask("tv.example", "A", upstream.address).rcode() == dns.rcode.NOERROR


def test_forged_heads_do_not_fit_the_question(upstream: Upstream) -> None:
    for fault, complaint in [
        ({"wrong_id": True}, "another id"),
        ({"wrong_question": True}, "another question"),
        ({"wrong_type": True}, "another question"),
        ({"lower_case": True}, "another question"),
        ({"query_back": True}, "not a response"),
    ]:
        upstream.fail_all(**fault)
        with pytest.raises(AssertionError, match=complaint):
            ask("tv.example", "A", upstream.address, spelling="Tv.Example")


def test_an_answer_from_another_port_never_reaches_a_connected_socket(upstream: Upstream) -> None:
    upstream.fail_all(wrong_port=True)
    with pytest.raises(TimeoutError):
        ask("tv.example", "A", upstream.address, timeout=0.2)


def test_garbage_and_cut_answers_are_no_messages(upstream: Upstream) -> None:
    upstream.fail_all(garbage=True)
    assert len(ask_raw(question("tv.example").to_wire(), upstream.address)) == 60
    upstream.fail_all(cut=20)
    with pytest.raises(dns.exception.DNSException):
        ask("tv.example", "A", upstream.address)


def test_extra_records_ride_along(upstream: Upstream) -> None:
    upstream.fail_all(extra=("bank.example. 600 A 203.0.113.66",))
    assert "203.0.113.66" in addresses(ask("tv.example", "A", upstream.address))


def test_a_server_without_edns_says_formerr(upstream: Upstream) -> None:
    upstream.fail_all(refuse_edns=True)
    assert ask("tv.example", "A", upstream.address, edns=1232).rcode() == dns.rcode.FORMERR
    assert addresses(ask("tv.example", "A", upstream.address)) == ["192.0.2.1"]


def test_tcp_may_hang_up_or_drip(upstream: Upstream) -> None:
    upstream.fail("tv.example", close_tcp=True)
    with pytest.raises(ConnectionError):
        ask("tv.example", "A", upstream.address, tcp=True)
    upstream.fail("tv.example", drip=0.005)
    began = time.monotonic()
    assert addresses(ask("tv.example", "A", upstream.address, tcp=True)) == ["192.0.2.1"]
    assert time.monotonic() - began > 0.1


def test_malformed_queries_are_kept_apart(upstream: Upstream) -> None:
    with pytest.raises(TimeoutError):
        ask_raw(b"\x00\x01garbage", upstream.address, timeout=0.2)
    assert upstream.malformed == [b"\x00\x01garbage"]
    assert upstream.asked == []


def test_a_stopped_server_refuses_and_comes_back_on_its_port(upstream: Upstream) -> None:
    upstream.stop()
    with pytest.raises(ConnectionRefusedError):
        ask("tv.example", "A", upstream.address)
    with pytest.raises(ConnectionRefusedError):
        ask("tv.example", "A", upstream.address, tcp=True)
    upstream.start()
    assert addresses(ask("tv.example", "A", upstream.address)) == ["192.0.2.1"]


def test_clients_may_have_addresses_of_their_own(upstream: Upstream) -> None:
    ask("tv.example", "A", upstream.address, source="127.0.0.21")
    ask("tv.example", "A", upstream.address, source="127.0.0.22", tcp=True)
    assert [one.client[0] for one in upstream.asked] == ["127.0.0.21", "127.0.0.22"]
