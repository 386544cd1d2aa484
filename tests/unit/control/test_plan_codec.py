"""Plans and counts travel whole, or are refused with the place that is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest

from gateway.control.plan_codec import (
    attempt_from_json,
    attempt_to_json,
    flow_from_json,
    flow_to_json,
    lease_from_json,
    lease_to_json,
    plan_from_json,
    plan_to_json,
)
from gateway.errors import Refused
from gateway.model.flow import Attempt, Detour, FlowCount, Outcome
from gateway.model.lease import Lease
from gateway.model.network import Mode, NetworkPlan

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAC = "cc:6d:a0:11:22:33"


def test_counts_and_leases_come_back_as_they_went() -> None:
    attempt = Attempt(MAC, Detour.DOT, "9.9.9.9", "tcp", 853, Outcome.REFUSED, 3, NOON, NOON)
    flow = FlowCount("10.83.7.9", "192.0.2.1", "tcp", 443, 1, 2, 1, NOON, NOON, NOON)
    lease = Lease(MAC, IPv4Address("10.83.7.9"), "tv", "x", (1, 3), NOON)
    assert attempt_from_json(json.loads(json.dumps(attempt_to_json(attempt)))) == attempt
    assert flow_from_json(json.loads(json.dumps(flow_to_json(flow)))) == flow
    assert lease_from_json(json.loads(json.dumps(lease_to_json(lease)))) == lease


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mode": "x"}, "plan.mode"),
        ({"uplink": 1}, "plan.uplink"),
        ({"barrier": []}, "barrier"),
        ({"tv": {}}, "tv.interface"),
        ({"more": 1}, "plan"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], field: str) -> None:
    value = plan_to_json(NetworkPlan(Mode.DNS_ONLY, "eth0"))
    assert plan_from_json(value).mode is Mode.DNS_ONLY
    with pytest.raises(Refused) as refusal:
        plan_from_json({**value, **change})
    assert refusal.value.field == field


def test_a_truth_is_no_number_and_a_list_has_an_end() -> None:
    value = plan_to_json(NetworkPlan(Mode.DNS_ONLY, "eth0"))
    for part in ({"dns_port": True}, {"paused": [MAC] * 5000}, {"fallback": ["9.9.9.9", 8]}, {"filtering": 1}):
        with pytest.raises(Refused):
            plan_from_json({**value, "barrier": {**value["barrier"], **part}})
    assert ip_address("9.9.9.9") not in plan_from_json(value).barrier.fallback
