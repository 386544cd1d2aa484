from __future__ import annotations

import ipaddress

import pytest

from gateway.model.name import Name
from gateway.resolver.special import CANARIES, ZONES


def test_every_special_name_is_canonical() -> None:
    for name in (*ZONES, *CANARIES):
        assert Name.parse(name).text == name


@pytest.mark.parametrize(
    "network",
    ["10.0.0.0/8", "172.16.0.0/16", "172.31.0.0/16", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/16",
     "100.127.0.0/16", "192.0.2.0/24", "0.0.0.0/8", "fe80::/12", "fd00::/8", "2001:db8::/32"],
)  # fmt: skip
def test_the_reverse_of_each_home_network_is_a_zone(network: str) -> None:
    net = ipaddress.ip_network(network)
    labels = net.network_address.reverse_pointer.split(".")
    step = 8 if net.version == 4 else 4
    kept = net.prefixlen // step + 2
    assert ".".join(labels[-kept:]) in ZONES


def test_no_public_network_is_among_them() -> None:
    for public in (
        "32.172.in-addr.arpa",
        "15.172.in-addr.arpa",
        "63.100.in-addr.arpa",
        "128.100.in-addr.arpa",
        "in-addr.arpa",
        "ip6.arpa",
    ):
        assert public not in ZONES
