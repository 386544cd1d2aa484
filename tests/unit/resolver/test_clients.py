from __future__ import annotations

import pytest

from gateway.model.special_addresses import HOME
from gateway.resolver.clients import Clients, plain
from gateway.resolver.fastpath import Memos
from gateway.resolver.guard import Guard
from tests.support.serving import rules


def make(seen: list[str] | None = None) -> Clients:
    def device_of(client: str) -> str:
        if seen is not None:
            seen.append(client)
        return "device-" + client

    policy = rules(devices={"device-192.168.7.21": rules(block=["x"])})
    return Clients(Guard(HOME), device_of, Memos(100), policy)


def test_a_client_is_looked_up_once() -> None:
    seen: list[str] = []
    clients = make(seen)
    for _ in range(3):
        assert clients.of("192.168.7.20").device == "device-192.168.7.20"
    assert seen == ["192.168.7.20"]


def test_devices_that_are_treated_alike_share_a_memo() -> None:
    clients = make()
    assert clients.of("192.168.7.20").memo is clients.of("192.168.7.22").memo
    assert clients.of("192.168.7.20").memo is not clients.of("192.168.7.21").memo


def test_the_fast_path_knows_only_those_who_may_ask() -> None:
    seen: list[str] = []
    clients = make(seen)
    assert clients.meet(1, "192.168.7.20").allowed
    assert not clients.meet(2, "192.0.2.1").allowed
    assert list(clients.by_key) == [1]
    assert seen == ["192.168.7.20"], "a stranger is no device"


def test_a_device_has_one_share_however_many_addresses_it_has() -> None:
    clients = Clients(Guard(HOME), {"10.0.0.1": "tv", "10.0.0.2": "tv"}.get, Memos(100), rules())
    assert clients.holder_of("10.0.0.1") == clients.of("10.0.0.2").holder == "tv"
    assert clients.holder_of("10.0.0.3") == "10.0.0.3", "nobody knows whose this is"


def test_everything_is_looked_up_again_after_a_change() -> None:
    clients = make()
    clients.meet(1, "192.168.7.20")
    clients.forget(rules())
    assert clients.by_key == {}
    assert clients.of("192.168.7.20").memo is clients.of("192.168.7.21").memo


def test_forged_addresses_cost_no_memory() -> None:
    clients = make()
    for n in range(10_000):
        clients.meet(n, f"10.0.{n // 250}.{n % 250}")
    assert len(clients.by_key) <= 4_096
    assert len(clients._by_text) <= 4_096


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("192.168.7.20", "192.168.7.20"),
        ("::ffff:192.168.7.20", "192.168.7.20"),
        ("fe80::1%eth0", "fe80::1"),
        ("fd00::1", "fd00::1"),
    ],
)
def test_one_client_has_one_name(given: str, known: str) -> None:
    assert plain(given) == known
    assert make().of(given).text == known
