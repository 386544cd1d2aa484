from __future__ import annotations

import re
from ipaddress import ip_address

import pytest

from gateway.classifier.known_resolvers import known_resolvers, parse_resolvers
from gateway.errors import SettingsError
from gateway.network.limits import MOST_ADDRESSES


def test_the_best_known_ones_are_known_in_both_families():
    known = known_resolvers()
    best = ("8.8.8.8", "1.1.1.1", "9.9.9.9", "2001:4860:4860::8888", "2606:4700:4700::1111", "2620:fe::fe")
    assert {ip_address(text) for text in best} <= set(known.addresses)
    assert {"dns.google", "cloudflare-dns.com", "dns.quad9.net", "dns.nextdns.io"} <= known.names
    assert known.operators["8.8.4.4"] == known.operators["dns.google"] == "Google Public DNS"
    assert sum(address.version == 6 for address in known.addresses) > 80
    assert len(known.addresses) < MOST_ADDRESSES // 4


def test_every_address_is_public_and_every_name_is_a_name():
    known = known_resolvers()
    assert [address for address in known.addresses if not address.is_global] == []
    name = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
    assert [text for text in known.names if not name.fullmatch(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "resolver = [",
        '[[resolver]]\noperator="x"\naddresses=["not one"]\nnames=[]',
        '[[resolver]]\noperator="x"\naddresses=["224.0.0.1"]\nnames=[]',
        '[[resolver]]\noperator="x"\naddresses=[]',
    ],
)
def test_a_damaged_file_says_so(text):
    with pytest.raises(SettingsError, match=r"resolvers\.toml"):
        parse_resolvers(text)
