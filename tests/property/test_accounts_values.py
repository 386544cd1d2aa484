"""Whatever the kernel, or somebody in its place, says: nothing is raised, nothing counted twice, nothing unbounded."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.exposure.places import packed_if_abroad
from gateway.exposure.resolved import ResolvedNames
from gateway.model.flow import Attempt, Detour, FlowCount, Outcome
from gateway.model.mac import Mac
from tests.unit.application.test_accounts import NOW, stage
from web import ledger

_SERVERS = st.one_of(
    st.ip_addresses().map(str),
    st.sampled_from(["", "x", "8.8.8.8", "fe80::1%eth0", "::ffff:8.8.8.8"]),
    st.text(max_size=40),
)
_NAMES = st.sampled_from(["a.example", "b.example", "c.example"])
_ANSWERS = st.tuples(st.sampled_from("abc"), _NAMES, st.integers(0, 5), st.integers(0, 9))
_SIZES = st.integers(0, 2**62)
_TIMES = st.integers(0, 4_000_000).map(lambda seconds: NOW - timedelta(seconds=seconds))
_FLOWS = st.builds(
    lambda server, port, up, down, connections, when: FlowCount(
        "10.83.0.7", server, "tcp", port, up, down, connections, when, when
    ),
    _SERVERS, st.integers(0, 65_535), _SIZES, _SIZES, st.integers(0, 1000), _TIMES,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(_FLOWS, max_size=40))
def test_every_byte_abroad_is_counted_once(flows: list[FlowCount]) -> None:
    async def story() -> None:
        accounts, book, _ = stage()
        accounts.take_flows(flows)
        abroad = [flow for flow in flows if packed_if_abroad(flow.server) is not None and flow.port not in (53, 853)]
        assert sum(each.up for each in book.exchanged) == sum(flow.up for flow in abroad)
        assert sum(each.connections for each in book.exchanged) == sum(flow.connections for flow in abroad)

    asyncio.run(story())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(Detour), _SERVERS, st.sampled_from(Outcome), st.integers(1, 10**9)), max_size=30)
)
def test_every_attempt_is_reported_and_can_be_said(tried: list[tuple[Detour, str, Outcome, int]]) -> None:
    async def story() -> None:
        accounts, book, _ = stage()
        accounts.take_attempts(
            [
                Attempt(Mac("02:00:00:00:00:07"), way, server, "udp", 53, what, count, NOW, NOW)
                for way, server, what, count in tried
            ]
        )
        assert sum(attempt.count for _, attempt in book.tried) == sum(count for *_, count in tried)
        rows = [
            ledger.DetourRow("d", a.detour.value, a.server, a.protocol, a.port, a.outcome.value, a.count, 0, NOW, NOW)
            for _, a in book.tried
        ]
        assert ledger.sentence(rows, {}).endswith(".") or not any(row.detour != Detour.TIME.value for row in rows)

    asyncio.run(story())


@settings(max_examples=100, deadline=None)
@given(st.lists(_ANSWERS, max_size=60))
def test_what_explains_an_address_was_really_answered(answers: list[tuple[str, str, int, int]]) -> None:
    resolved = ResolvedNames(devices=2, addresses=3, names=2)
    given_answers: Counter[tuple[str, bytes, str]] = Counter()
    for device, name, host, when in sorted(answers, key=lambda each: each[3]):
        address = ip_address(f"203.0.113.{host}").packed
        resolved.note(device, name, (address,), float(when))
        given_answers[device, address, name] += 1
    for device in resolved.devices():
        for address in resolved.addresses(device):
            name = resolved.explain(device, address, datetime.now(UTC).timestamp())
            assert name is not None
            assert given_answers[device, address, name]
    assert len(resolved.devices()) <= 2
    assert all(len(resolved.addresses(device)) <= 3 for device in resolved.devices())
