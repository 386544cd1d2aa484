from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import NetworkError
from gateway.network.switches import home_networks, put_back, switch, wanted
from tests.unit.network.plans import plan_with

FORWARD, RA = "ipv4/ip_forward", "ipv6/conf/eth0/accept_ra"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "net"
    for name, value in (
        (FORWARD, "0"),
        (RA, "1"),
        ("ipv6/conf/all/forwarding", "0"),
        ("ipv6/conf/br-tv/accept_ra", "1"),
    ):
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value + "\n")
    return made


def test_the_uplink_keeps_hearing_its_router_before_we_become_one(root):
    names = list(wanted(plan_with(), root))
    assert wanted(plan_with(), root)[RA] == "2"
    assert names.index(RA) < names.index("ipv6/conf/all/forwarding")
    (root / RA).write_text("0\n")
    assert RA not in wanted(plan_with(), root), "somebody else hears the router for the kernel"


def test_without_ipv6_it_is_not_forwarded(root):
    assert "ipv6/conf/all/forwarding" not in wanted(plan_with(tv={"address6": None}), root)


def test_what_was_there_comes_back_also_after_a_second_time(root, tmp_path):
    record = tmp_path / "switches.json"
    switch({FORWARD: "1", RA: "2"}, record, root)
    switch({FORWARD: "1", RA: "2"}, record, root)
    assert (root / FORWARD).read_text() == "1"
    switch({FORWARD: "1"}, record, root)
    assert (root / RA).read_text() == "1", "wanted no more"
    put_back(record, root)
    assert (root / FORWARD).read_text() == "0"
    assert not record.exists()
    put_back(record, root)


def test_what_somebody_else_turned_since_is_left_alone(root, tmp_path):
    record = tmp_path / "switches.json"
    switch({FORWARD: "1", RA: "2"}, record, root)
    (root / RA).write_text("0")
    put_back(record, root)
    assert (root / RA).read_text() == "0"


def test_a_switch_that_is_missing_is_named_and_nothing_is_turned(root, tmp_path):
    with pytest.raises(NetworkError, match="no netfilter/nf_conntrack_acct"):
        switch({FORWARD: "1", "netfilter/nf_conntrack_acct": "1"}, tmp_path / "switches.json", root)
    assert (root / FORWARD).read_text() == "0\n"


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"../../etc/passwd": ["a", "1"]}', b'{"ipv4/ip_forward": 7}', b"[" * 70000]
)
def test_a_damaged_record_changes_nothing(root, tmp_path, damage):
    record = tmp_path / "switches.json"
    record.write_bytes(damage)
    put_back(record, root)
    assert (root / FORWARD).read_text() == "0\n"


def test_the_home_s_own_ipv6_networks_are_those_at_the_uplink():
    listing = (
        "20010db8001800000000000000000002 03 40 00 80     eth0\n"
        "fe800000000000000000000000000002 03 40 20 80     eth0\n"
        "fd420000000000000000000000000001 02 40 00 80    br-tv\n"
        "20010db8001900000000000000000002 03 80 00 80     eth0\n"
        "nonsense\n00 00 00 00 00 eth0\n"
    )
    assert [str(network) for network in home_networks("eth0", listing)] == ["2001:db8:18::/64", "fe80::/64"]
