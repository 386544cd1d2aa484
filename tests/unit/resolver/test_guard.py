from __future__ import annotations

import asyncio

import pytest

from gateway.errors import WireError
from gateway.model.special_addresses import HOME
from gateway.resolver.guard import Guard
from tests.unit.resolver.stage import Below, answer
from tests.unit.wire.samples import query


@pytest.mark.parametrize(
    "client", ["127.0.0.1", "10.1.2.3", "172.16.0.9", "192.168.7.20", "169.254.1.1", "::1", "fe80::1", "fd00::1"]
)
def test_whoever_is_at_home_may_ask(client: str) -> None:
    assert Guard(HOME).allows(client)


@pytest.mark.parametrize("client", ["192.0.2.1", "8.8.8.8", "172.32.0.1", "2001:db8::1", "100.64.0.1"])
def test_a_stranger_is_met_with_silence(client: str) -> None:
    guard, below = Guard(HOME), Below(answer(query("example.com")))
    with pytest.raises(WireError) as silence:
        asyncio.run(guard.resolve(query("example.com", client=client), below))
    assert silence.value.rcode is None
    assert (below.asked, guard.dropped) == ([], 1)
