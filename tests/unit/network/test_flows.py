from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from gateway.network import flows
from gateway.network.conntrack import Connection, Tuple5
from gateway.network.flows import FlowLedger

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
NETWORKS = (ip_network("10.42.0.0/24"), ip_network("fd42::/64"))
ASKED = Tuple5("10.42.0.11", "203.0.113.10", 6, 40000, 443)
FLOW = Connection(ASKED, Tuple5("203.0.113.10", "192.168.77.2", 6, 443, 40000), 100, 2000, 7, 0, 0, False, b"")


def ledger() -> FlowLedger:
    return FlowLedger(NETWORKS, START)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_going_flow_is_reported_by_its_growth_and_its_end_once():
    book = ledger()
    (first,) = book.measure([], [FLOW], after(1))
    assert (first.up, first.down, first.connections, first.port) == (100, 2000, 1, 443)
    assert book.measure([], [FLOW], after(2)) == []
    (second,) = book.measure([], [replace(FLOW, up=150, down=5000)], after(3))
    assert (second.up, second.down, second.connections) == (50, 3000, 0)
    end = replace(FLOW, up=160, down=5100, ended=True)
    (third,) = book.measure([end, end], [], after(4))
    assert (third.up, third.down, third.connections) == (10, 100, 0)


def test_a_flow_that_ends_between_two_looks_is_reported_whole():
    (count,) = ledger().measure([replace(FLOW, ended=True)], [], after(1))
    assert (count.up, count.down, count.connections) == (100, 2000, 1)


def test_a_flow_in_both_readings_is_reported_once():
    (count,) = ledger().measure([replace(FLOW, ended=True)], [FLOW], after(1))
    assert (count.up, count.down, count.connections) == (100, 2000, 1)


def test_connections_to_one_port_are_summed():
    other = replace(FLOW, id=8, original=replace(ASKED, source_port=40001))
    (count,) = ledger().measure([], [FLOW, other], after(1))
    assert (count.up, count.down, count.connections) == (200, 4000, 2)


def test_connections_that_began_at_different_moments_are_distinguished_with_their_beginning():
    begun = int(after(0.253).timestamp() * 1e9)
    same, later = begun + 2_000_000, begun + 400_000_000
    flows = [
        replace(FLOW, id=number, started=started, original=replace(ASKED, source_port=40000 + number))
        for number, started in enumerate((begun, same, later))
    ]
    book = ledger()
    first, second = sorted(book.measure([], flows, after(1)), key=lambda count: count.began)
    assert (first.connections, second.connections) == (2, 1)
    assert abs(first.began - after(0.253)) < timedelta(milliseconds=1)
    # What goes on is reported with the same beginning: it is still the same connection.
    (grown,) = book.measure([], [*flows[:2], replace(flows[2], down=9000)], after(60))
    assert (grown.connections, grown.down, grown.began) == (0, 7000, second.began)
    assert ledger().measure([], [replace(FLOW, started=(1 << 64) - 1)], after(1))[0].began.year == 2554
    assert ledger().measure([], [FLOW], after(1))[0].began is None


def test_what_went_on_before_us_is_not_reported_again():
    book = ledger()
    book.begin([FLOW])
    assert book.measure([], [FLOW], after(1)) == []
    (count,) = book.measure([], [replace(FLOW, down=2500)], after(2))
    assert (count.up, count.down, count.connections) == (0, 500, 0)


def test_the_same_ports_again_are_another_flow():
    book = ledger()
    book.measure([replace(FLOW, ended=True, started=1)], [], after(1))
    (count,) = book.measure([], [replace(FLOW, started=2)], after(2))
    assert count.connections == 1


@pytest.mark.parametrize(
    ("source", "target", "answerer"),
    [
        ("192.168.77.2", "203.0.113.10", "203.0.113.10"),  # our own
        ("10.42.0.11", "8.8.8.8", "10.42.0.1"),  # DNS that was turned to us
        ("10.42.0.11", "10.42.0.1", "10.42.0.1"),  # DNS to us
        ("10.42.0.11", "224.0.0.251", "10.42.0.11"),  # to all neighbours
        ("fd42::11", "2620:fe::fe", "fe80::1"),  # turned to our address on the link
        ("fe80::11", "fe80::1", "fe80::1"),
    ],
)
def test_what_does_not_leave_the_home_is_left_out(source, target, answerer):
    flow = replace(FLOW, original=Tuple5(source, target, 17, 5000, 53), reply=Tuple5(answerer, source, 17, 53, 5000))
    assert ledger().measure([replace(flow, ended=True)], [flow], after(1)) == []


def test_what_the_device_asked_for_counts_not_what_it_was_turned_into():
    flow = replace(FLOW, original=replace(ASKED, target="8.8.8.8"))
    (count,) = ledger().measure([], [flow], after(1))
    assert count.server == "8.8.8.8"


def test_echoes_have_no_port():
    flow = replace(FLOW, original=replace(ASKED, protocol=1, source_port=0, target_port=0x0800))
    (count,) = ledger().measure([], [flow], after(1))
    assert (count.protocol, count.port) == ("icmp", 0)


def test_the_kernel_s_times_are_kept_inside_the_span():
    def moment(when: datetime) -> int:
        return int(when.timestamp() * 1e9)

    flow = replace(FLOW, started=moment(after(2)), stopped=moment(after(3)), ended=True)
    (count,) = ledger().measure([flow], [], after(5))
    assert (count.first, count.last) == (after(2), after(3))
    for started in (1, 2**64 - 1):
        (count,) = ledger().measure([replace(flow, started=started, stopped=started)], [], after(5))
        assert START <= count.first <= count.last <= after(5)


def test_more_flows_than_we_remember_are_reported_when_they_end(monkeypatch):
    monkeypatch.setattr(flows, "MOST_REMEMBERED", 1)
    book = ledger()
    other = replace(FLOW, id=8, original=replace(ASKED, target="203.0.113.11"))
    assert len(book.measure([], [FLOW, other], after(1))) == 1
    (late,) = book.measure([replace(other, ended=True)], [FLOW], after(2))
    assert (late.server, late.down) == ("203.0.113.11", 2000)


def test_flows_that_nobody_shows_any_more_are_forgotten():
    book = ledger()
    book.measure([], [FLOW], after(1))
    for second in range(2, 70):
        book.measure([], [], after(second))
    assert len(book._going) == 0
