"""Plans and counts travel whole, or are refused with the place that is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest

from gateway.errors import Refused
from gateway.model.flow import Attempt, Detour, FlowCount, Outcome
from gateway.model.lease import Lease
from gateway.model.network import Mode, NetworkPlan
from gateway.schema.values import from_json, to_json

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAC = "cc:6d:a0:11:22:33"


def test_counts_and_leases_come_back_as_they_went() -> None:
    attempt = Attempt(MAC, Detour.DOT, "9.9.9.9", "tcp", 853, Outcome.REFUSED, 3, NOON, NOON)
    flow = FlowCount("10.83.7.9", "192.0.2.1", "tcp", 443, 1, 2, 1, NOON, NOON, NOON)
    lease = Lease(MAC, IPv4Address("10.83.7.9"), "tv", "x", (1, 3), NOON)
    assert from_json(Attempt, json.loads(json.dumps(to_json(attempt))), "attempt") == attempt
    assert from_json(FlowCount, json.loads(json.dumps(to_json(flow))), "flow") == flow
    assert from_json(Lease, json.loads(json.dumps(to_json(lease))), "lease") == lease


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mode": "x"}, "plan.mode"),
        ({"uplink": 1}, "plan.uplink"),
        ({"barrier": []}, "plan.barrier"),
        ({"tv": {}}, "plan.tv.interface"),
        ({"more": 1}, "plan"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], field: str) -> None:
    value = to_json(NetworkPlan(Mode.DNS_ONLY, "eth0"))
    assert from_json(NetworkPlan, value, "plan").mode is Mode.DNS_ONLY
    with pytest.raises(Refused) as refusal:
        from_json(NetworkPlan, {**value, **change}, "plan")
    assert refusal.value.field == field


def test_a_truth_is_no_number_and_a_list_has_an_end() -> None:
    value = to_json(NetworkPlan(Mode.DNS_ONLY, "eth0"))
    for part in ({"dns_port": True}, {"paused": [MAC] * 5000}, {"fallback": ["9.9.9.9", 8]}, {"filtering": 1}):
        with pytest.raises(Refused):
            from_json(NetworkPlan, {**value, "barrier": {**value["barrier"], **part}}, "plan")
    assert ip_address("9.9.9.9") not in from_json(NetworkPlan, value, "plan").barrier.fallback
