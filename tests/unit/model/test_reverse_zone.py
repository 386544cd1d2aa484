"""Where the names of addresses stand."""

from __future__ import annotations

import ipaddress

import pytest

from gateway.model.reverse_zone import reverse_zones, zones_of


@pytest.mark.parametrize(
    ("network", "zones"),
    [
        ("10.0.0.0/8", ("10.in-addr.arpa",)),
        ("192.168.7.0/24", ("7.168.192.in-addr.arpa",)),
        ("192.168.6.0/23", ("6.168.192.in-addr.arpa", "7.168.192.in-addr.arpa")),
        ("192.168.7.9/32", ("9.7.168.192.in-addr.arpa",)),
        ("0.0.0.0/0", ("in-addr.arpa",)),
        ("fc00::/7", ("c.f.ip6.arpa", "d.f.ip6.arpa")),
        ("2001:db8::/32", ("8.b.d.0.1.0.0.2.ip6.arpa",)),
    ],
)
def test_the_zones_of_a_network(network: str, zones: tuple[str, ...]) -> None:
    assert reverse_zones(ipaddress.ip_network(network)) == zones


@pytest.mark.parametrize(
    "network", ["10.128.0.0/9", "192.168.7.128/25", "172.16.0.0/12", "fe80::/10", "fd12:3000::/21"]
)
def test_every_address_of_the_network_and_no_other_is_below_them(network: str) -> None:
    net = ipaddress.ip_network(network)
    zones = reverse_zones(net)
    assert len(zones) <= 128
    for address in (net[0], net[-1], net[net.num_addresses // 2]):
        assert address.reverse_pointer.endswith(zones)
    for address in (net[0] - 1, net[-1] + 1):
        assert not address.reverse_pointer.endswith(zones)


@pytest.mark.parametrize(
    ("text", "zones"),
    [
        ("Fritz.Box", ("fritz.box",)),
        ("router", ("router",)),
        ("192.168.178.1/24", ("178.168.192.in-addr.arpa",)),
        ("192.168.178.0/23", ("178.168.192.in-addr.arpa", "179.168.192.in-addr.arpa")),
        ("fd00::/8", ("d.f.ip6.arpa",)),
    ],
)
def test_a_zone_or_a_network_as_people_write_it(text: str, zones: tuple[str, ...]) -> None:
    assert zones_of(text) == zones


@pytest.mark.parametrize("text", ["", ".", "a..b", "1.2.3/4/5", "10.0.0.0/33", "a b"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        zones_of(text)
