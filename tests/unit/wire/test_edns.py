from __future__ import annotations

import dns.edns
import dns.message
import pytest

from gateway.model.query import Edns, Transport
from gateway.wire.edns import opt_record, size_limit
from tests.unit.wire.samples import query


@pytest.mark.parametrize(
    ("said", "limit"), [(1, 512), (511, 512), (512, 512), (1200, 1200), (1232, 1232), (65535, 1232)]
)
def test_the_clients_size_counts_within_our_bounds(said: int, limit: int) -> None:
    asked = query("example.com", edns=said)
    assert asked.edns == Edns(said)
    assert size_limit(asked) == limit


def test_a_client_without_edns_gets_512_bytes_over_udp_and_everything_over_tcp() -> None:
    assert size_limit(query("example.com")) == 512
    assert size_limit(query("example.com", transport=Transport.TCP)) == 65535


@pytest.mark.parametrize("dnssec_ok", [False, True])
def test_the_opt_record_says_what_it_should(dnssec_ok: bool) -> None:
    header = b"\0\1\x80\0\0\0\0\0\0\0\0\1"
    message = dns.message.from_wire(header + opt_record(dnssec_ok=dnssec_ok, rcode=16, ede=15))
    assert message.payload == 1232
    assert message.rcode() == 16
    assert bool(message.ednsflags & 0x8000) == dnssec_ok
    assert [(type(option), option.code) for option in message.options] == [(dns.edns.EDEOption, 15)]
