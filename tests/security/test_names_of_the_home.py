"""What devices of the home are called, and what they are asked for by, leaves it by no way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.box import RunningBox
from tests.support.client import ask
from tests.support.upstream import Upstream

pytestmark = pytest.mark.integration

TYPES = ["A", "AAAA", "PTR", "SRV", "HTTPS", "TXT", "NS", "SOA", "DS", "DNSKEY", "ANY", "TYPE65280"]
PRIVATE = [
    "router", "wpad", "isatap", "nas.lan", "a.b.c.home.arpa", "tv.home", "pc.corp", "x.internal",
    "fileserver.localdomain",
    "_ldap._tcp.dc._msdcs.ad.local", "5.1.168.192.in-addr.arpa", "7.0.0.10.in-addr.arpa",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", r"dotted\.label", "TELLTALE-X",
]  # fmt: skip


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream({"*": "60 A 192.0.2.66", "www.example.com": "60 A 192.0.2.1"}) as upstream:
        yield upstream


@pytest.mark.parametrize(
    "rtype", ["A", "AAAA", "PTR", "SRV", "HTTPS", "TXT", "NS", "SOA", "DS", "DNSKEY", "ANY", "TYPE65280"]
)
@pytest.mark.parametrize("tcp", [False, True])
def test_no_public_resolver_hears_a_name_of_the_home(
    box: RunningBox, upstream: Upstream, rtype: str, tcp: bool
) -> None:
    for name in PRIVATE:
        answer = ask(name, rtype, box.dns, tcp=tcp)
        assert (answer.rcode(), answer.answer) == (3, []), name
    assert ask("www.example.com", server=box.dns, tcp=tcp).rcode() == 0
    assert set(upstream.names()) <= {"www.example.com", ""}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[RunningBox]:
    with RunningBox(tmp_path_factory.mktemp("home") / "data", ["--upstream", upstream.url]) as box:
        yield box
