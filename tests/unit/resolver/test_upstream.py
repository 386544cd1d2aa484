from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.errors import SettingsError
from gateway.resolver.upstream import open_upstreams, parse_upstream


@pytest.mark.parametrize(
    ("url", "shown", "address"),
    [
        ("udp://1.1.1.1", "udp://1.1.1.1:53", ("1.1.1.1", 53)),
        ("udp://127.0.0.1:5353", "udp://127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("tcp://9.9.9.9/", "tcp://9.9.9.9:53", ("9.9.9.9", 53)),
        ("udp://[2620:fe::fe]", "udp://[2620:fe::fe]:53", ("2620:fe::fe", 53)),
        ("tcp://[::1]:5300", "tcp://[::1]:5300", ("::1", 5300)),
        ("192.168.1.1", "udp://192.168.1.1:53", ("192.168.1.1", 53)),
    ],
)
def test_an_upstream_is_an_address(url: str, shown: str, address: tuple[str, int]) -> None:
    upstream = parse_upstream(url)
    assert (upstream.url, upstream.address) == (shown, address)


@pytest.mark.parametrize(
    ("url", "shown", "address"),
    [
        ("tls://dns.quad9.net", "tls://dns.quad9.net:853", ("dns.quad9.net", 853)),
        ("tls://9.9.9.9", "tls://9.9.9.9:853", ("9.9.9.9", 853)),
        ("tls://9.9.9.9#dns.quad9.net", "tls://9.9.9.9:853#dns.quad9.net", ("9.9.9.9", 853)),
        ("tls://[2620:fe::fe]:8853#dns.quad9.net", "tls://[2620:fe::fe]:8853#dns.quad9.net", ("2620:fe::fe", 8853)),
        ("https://dns.quad9.net/dns-query", "https://dns.quad9.net/dns-query", ("dns.quad9.net", 443)),
        ("https://dns.quad9.net", "https://dns.quad9.net/dns-query", ("dns.quad9.net", 443)),
        ("https://dns.quad9.net:5053/q{?dns}", "https://dns.quad9.net:5053/q", ("dns.quad9.net", 5053)),
        ("https://9.9.9.9/dns-query#dns.quad9.net", "https://9.9.9.9/dns-query#dns.quad9.net", ("9.9.9.9", 443)),
        ("https://[2620:fe::fe]/dns-query", "https://[2620:fe::fe]/dns-query", ("2620:fe::fe", 443)),
    ],
)
def test_an_encrypted_upstream_has_a_name_or_an_address(url: str, shown: str, address: tuple[str, int]) -> None:
    (upstream,) = open_upstreams([url], bootstrap=["9.9.9.9"], report=lambda change: None)
    assert (upstream.url, upstream.address) == (shown, address)


def test_a_name_without_a_bootstrap_address_is_refused() -> None:
    assert parse_upstream("tls://9.9.9.9#dns.quad9.net").address == ("9.9.9.9", 853)
    with pytest.raises(SettingsError, match="bootstrap"):
        parse_upstream("tls://dns.quad9.net")


@pytest.mark.parametrize("bootstrap", ["dns.quad9.net", "tls://9.9.9.9", "https://9.9.9.9/dns-query", ""])
def test_a_bootstrap_is_a_plain_address(bootstrap: str) -> None:
    with pytest.raises(SettingsError):
        open_upstreams(["tls://dns.quad9.net"], bootstrap=[bootstrap], report=lambda change: None)


def test_http_costs_memory_only_those_who_use_it() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys, gateway.resolver.service; print([m for m in sys.modules if 'h2' in m])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "udp://",
        "udp://dns.google",
        "udp://1.1.1",
        "udp://1.1.1.1:0",
        "udp://1.1.1.1:99999",
        "udp://1.1.1.1/path",
        "udp://me@1.1.1.1",
        "udp://::1",
        "udp://[::1",
        "ftp://1.1.1.1",
        "http://1.1.1.1",
        "tls://",
        "tls://localhost",
        "tls://1.1.1",
        "tls://bad_name.example",
        "tls://9.9.9.9/path",
        "tls://9.9.9.9#not a name",
        "tls://dns.quad9.net#dns.example",
        "tls://dns.quad9.net:0",
        "https://9.9.9.9/dns query",
        "https://9.9.9.9/?dns=",
        "quic://9.9.9.9",
        "h3://9.9.9.9/dns-query",
    ],
)
def test_what_is_no_upstream_is_refused_with_one_sentence(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_upstream(url)
    assert str(refused.value).endswith(".")
