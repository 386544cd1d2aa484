from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.resolver.upstream import parse_upstream


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


@pytest.mark.parametrize("url", ["tls://dns.quad9.net", "https://dns.quad9.net/dns-query"])
def test_what_this_build_cannot_speak_is_said(url: str) -> None:
    with pytest.raises(SettingsError, match="speaks udp:// and tcp://"):
        parse_upstream(url)


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
    ],
)
def test_what_is_no_upstream_is_refused_with_one_sentence(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_upstream(url)
    assert str(refused.value).endswith(".")
