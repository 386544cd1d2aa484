"""Bytes to names, ways round us to devices, and a click that ends what goes on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest

from gateway.application import cuts as cuts_module
from gateway.application.accounts import Accounts, _addresses_of
from gateway.application.cuts import Cuts, NoCuts
from gateway.devices.inventory import Inventory
from gateway.devices.sources import Sources
from gateway.errors import Unavailable
from gateway.exposure.resolved import ResolvedNames
from gateway.model.device import Device
from gateway.model.flow import Attempt, Detour, Exchange, FlowCount, Outcome
from gateway.model.lookup import Facts
from gateway.model.response import Source
from gateway.model.verdict import ALLOWED, Action, Reason, Verdict

NOW = datetime.now(UTC).replace(microsecond=0)
TV, MAC = "10.83.0.7", "02:00:00:00:00:07"
ADS, FILM, CDN = "203.0.113.1", "203.0.113.2", "203.0.113.3"
BLOCKED = Verdict(Action.BLOCK, Reason.RULE)


class Book:
    """Remembers what would be stored."""

    def __init__(self) -> None:
        self.exchanged: list[Exchange] = []
        self.tried: list[tuple[str, Attempt]] = []
        self.known: list[Device] = []

    def add(self, exchanged: Sequence[Exchange], tried: Sequence[tuple[str, Attempt]], known: Sequence[Device]) -> Any:
        self.exchanged += exchanged
        self.tried += tried
        self.known += known
        done: Future[None] = Future()
        done.set_result(None)
        return done


class Knife:
    def __init__(self) -> None:
        self.cuts: list[tuple[set[str], set[str]]] = []
        self.mends: list[set[str]] = []
        self.away = False

    async def cut(self, clients: Iterable[Any], servers: Iterable[Any], seconds: float) -> int:
        if self.away:
            raise Unavailable("The network process is away.")
        self.cuts.append(({str(each) for each in clients}, {str(each) for each in servers}))
        return 1

    async def mend(self, clients: Iterable[Any], servers: Iterable[Any]) -> None:
        self.mends.append({str(each) for each in servers})


class Policy:
    """Blocks these names."""

    generation = 1

    def __init__(self, *blocked: str) -> None:
        self._blocked = blocked

    def profile(self, device: str | None) -> None:
        return None

    def foresee(self, name: str, device: str | None, qtype: int = 1, *, is_target: bool = False) -> Verdict:
        return BLOCKED if name in self._blocked else ALLOWED

    def decide(self, name: str, device: str | None, qtype: int = 1) -> Verdict:
        raise AssertionError("no device asks, and this is no event loop")

    decide_target = decide


def packed(*addresses: str) -> tuple[bytes, ...]:
    return tuple(ip_address(address).packed for address in addresses)


def answer(name: str, *addresses: str, verdict: Verdict = ALLOWED) -> Facts:
    return Facts(name, 1, 0, Source.UPSTREAM, verdict, addresses=packed(*addresses))


def flow(server: str, up: int = 10, down: int = 100, port: int = 443, protocol: str = "tcp") -> FlowCount:
    return FlowCount(TV, server, protocol, port, up, down, 1, NOW, NOW + timedelta(seconds=2))


def stage(cut: Knife | None = None, **more: Any) -> tuple[Accounts, Book, Inventory]:
    book = Book()
    inventory = Inventory(sources=Sources(neighbours=lambda: {TV: MAC}))
    inventory.identify(TV)
    inventory.refresh()
    resolved, cuts = ResolvedNames(), NoCuts()
    if cut is not None:
        cuts = Cuts(resolved, partial(_addresses_of, inventory), cut.cut, cut.mend)  # type: ignore[assignment]
    return Accounts(inventory, book, resolved, cuts, **more), book, inventory  # type: ignore[arg-type]


def test_bytes_go_to_the_name_that_explains_the_address() -> None:
    async def story() -> None:
        accounts, book, _ = stage()
        accounts.note(TV, answer("ads.example", ADS), NOW.timestamp() - 5)
        accounts.take_flows([flow(ADS), flow(ADS, 1, 2)])
        (row,) = book.exchanged
        assert (row.device, row.name, row.up, row.down, row.connections) == (
            f"mac:{MAC}",
            "ads.example",
            11,
            102,
            2,
        )
        assert row.when == (NOW + timedelta(seconds=2)).replace(minute=0, second=0)
        assert not book.tried
        assert accounts.counters["bytes_down"] == 102

    asyncio.run(story())


def test_a_connection_stays_with_the_name_that_it_began_for() -> None:
    async def story() -> None:
        accounts, book, _ = stage()
        began = NOW.timestamp()
        accounts.note(TV, answer("film.example", CDN), began - 0.1)
        accounts.note(TV, answer("ads.example", CDN), began + 0.1)
        film = replace(flow(CDN), began=NOW)
        ads = replace(flow(CDN), began=NOW + timedelta(seconds=0.11))
        accounts.take_flows([film, ads])
        for number in range(200):
            accounts.note(TV, answer("ads.example", CDN), began + number)
            accounts.note(TV, answer("shop.example", CDN), began + number + 0.5)
        accounts.take_flows([replace(film, connections=0)])
        assert [each.name for each in book.exchanged] == ["film.example", "ads.example", "film.example"]

    asyncio.run(story())


def test_what_no_answer_explains_stands_in_the_ledger_with_its_bytes() -> None:
    async def story() -> None:
        accounts, book, _ = stage()
        accounts.take_flows([flow(FILM, port=8443)])
        ((device, attempt),) = book.tried
        assert device == f"mac:{MAC}"
        assert (attempt.detour, attempt.server, attempt.port) == (Detour.UNEXPLAINED, FILM, 8443)
        assert (attempt.outcome, attempt.bytes) == (Outcome.NOTED, 110)
        assert book.exchanged[0].name is None

    asyncio.run(story())


def test_dns_and_what_stays_at_home_are_no_exchange_with_anybody() -> None:
    async def story() -> None:
        accounts, book, _ = stage()
        home = [flow("10.83.0.1"), flow("224.0.0.251", port=5353), flow("fe80::1"), flow("8.8.8.8", port=53)]
        accounts.take_flows(home)
        assert (book.exchanged, book.tried) == ([], [])

    asyncio.run(story())


def test_very_many_strangers_are_listed_together() -> None:
    async def story() -> None:
        accounts, book, _ = stage()
        accounts.take_flows([flow(f"203.0.{n // 250}.{n % 250}") for n in range(1000)])
        servers = {attempt.server for _, attempt in book.tried}
        assert len(servers) == 201
        assert "" in servers
        assert sum(attempt.count for _, attempt in book.tried) == 1000

    asyncio.run(story())


def test_attempts_belong_to_the_device_with_that_network_card() -> None:
    async def story() -> None:
        accounts, book, _ = stage()
        tried = Attempt(MAC, Detour.DNS, "8.8.8.8", "udp", 53, Outcome.ANSWERED, 3, NOW, NOW)
        accounts.take_attempts([tried])
        assert book.tried == [(f"mac:{MAC}", tried)]
        assert accounts.counters["attempts"] == 3

    asyncio.run(story())


def test_a_lookup_of_a_known_resolver_announces_a_way_round() -> None:
    async def story() -> None:
        accounts, book, _ = stage(doh_names=frozenset({"dns.google"}))
        accounts.note(TV, answer("dns.google", "8.8.8.8"), NOW.timestamp())
        accounts.note(TV, answer("dns.google", verdict=BLOCKED), NOW.timestamp())
        accounts.note(TV, answer("www.google.example", ADS), NOW.timestamp())
        await asyncio.sleep(0)
        assert [(each.detour, each.server, each.outcome) for _, each in book.tried] == [
            (Detour.DOH_NAME, "dns.google", Outcome.NOTED),
            (Detour.DOH_NAME, "dns.google", Outcome.REFUSED),
        ]

    asyncio.run(story())


def test_a_click_ends_exactly_what_only_the_blocked_name_explains() -> None:
    async def story() -> None:
        knife = Knife()
        accounts, _, _ = stage(knife)
        when = datetime.now(UTC).timestamp()
        accounts.note(TV, answer("ads.example", ADS, CDN), when)
        accounts.note(TV, answer("film.example", FILM, CDN), when)
        accounts.policy_changed(Policy("ads.example"))
        await accounts.settle()
        assert knife.cuts == [({TV}, {ADS})]
        accounts.policy_changed(Policy("ads.example"))
        await accounts.settle()
        assert len(knife.cuts) == 1, "what is cut already is not cut again"
        accounts.policy_changed(Policy())
        await accounts.settle()
        assert knife.mends == [{ADS}]

    asyncio.run(story())


def test_who_comes_back_to_a_blocked_address_is_cut_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        knife = Knife()
        accounts, _, _ = stage(knife)
        when = datetime.now(UTC).timestamp()
        accounts.policy_changed(Policy("ads.example"))
        await accounts.settle()
        accounts.note(TV, answer("ads.example", ADS, CDN), when)
        accounts.note(TV, answer("film.example", FILM, CDN), when)
        # Looked up in the very moment of the click, so that the click has missed it; the shared address is spared.
        accounts.take_flows([flow(ADS), flow(CDN), flow(FILM)])
        await accounts.settle()
        assert knife.cuts == [({TV}, {ADS})]
        accounts.take_flows([flow(ADS)])
        accounts.policy_changed(Policy("ads.example"))
        await accounts.settle()
        assert len(knife.cuts) == 1, "it is cut still"
        monkeypatch.setattr("gateway.application.cuts._SECONDS", 0.0)
        assert accounts._cuts is not None
        for address in accounts._cuts._active[f"mac:{MAC}"]:
            accounts._cuts._active[f"mac:{MAC}"][address] = 0.0
        accounts.take_flows([flow(ADS)])
        await accounts.settle()
        assert knife.cuts == [({TV}, {ADS})] * 2
        accounts.policy_changed(Policy())
        accounts.take_flows([flow(ADS)])
        await accounts.settle()
        assert len(knife.cuts) == 2

    asyncio.run(story())


def test_an_address_that_proves_to_be_shared_is_mended_at_once() -> None:
    async def story() -> None:
        knife = Knife()
        accounts, _, _ = stage(knife)
        accounts.note(TV, answer("ads.example", ADS), datetime.now(UTC).timestamp())
        accounts.policy_changed(Policy("ads.example"))
        await accounts.settle()
        accounts.note(TV, answer("film.example", ADS), datetime.now(UTC).timestamp())
        await asyncio.sleep(0)
        await accounts.settle()
        assert knife.mends == [{ADS}]

    asyncio.run(story())


def test_a_cut_is_renewed_when_the_kernel_has_ended_it_whatever_the_clock_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        passed, knife = [1_000.0], Knife()
        monkeypatch.setattr(cuts_module.time, "monotonic", lambda: passed[0])
        accounts, _, _ = stage(knife)
        accounts.note(TV, answer("ads.example", ADS), NOW.timestamp())
        for seconds in (0.0, 590.0, 20.0):
            passed[0] += seconds
            monkeypatch.setattr(cuts_module.time, "time", lambda: NOW.timestamp() - 365 * 86_400)
            accounts.policy_changed(Policy("ads.example"))
            await accounts.settle()
        assert knife.cuts == [({TV}, {ADS})] * 2

    asyncio.run(story())


def test_without_the_network_process_a_click_is_a_click_all_the_same() -> None:
    async def story() -> None:
        knife = Knife()
        knife.away = True
        accounts, _, _ = stage(knife)
        accounts.note(TV, answer("ads.example", ADS), datetime.now(UTC).timestamp())
        accounts.policy_changed(Policy("ads.example"))
        await accounts.settle()
        knife.away = False
        accounts.policy_changed(Policy("ads.example"))
        await accounts.settle()
        assert knife.cuts == [({TV}, {ADS})], "tried again with the next change"

    asyncio.run(story())


def test_five_hundred_flows_add_up_exactly() -> None:
    async def story() -> None:
        accounts, book, _ = stage()
        for n in range(50):
            accounts.note(TV, answer(f"n{n}.example", f"198.51.100.{n}"), NOW.timestamp() - 1)
        flows = [flow(f"198.51.100.{n % 50}", up=n, down=n * n) for n in range(500)]
        for start in range(0, 500, 70):
            accounts.take_flows(flows[start : start + 70])
        assert sum(each.up for each in book.exchanged) == sum(range(500))
        assert sum(each.down for each in book.exchanged) == sum(n * n for n in range(500))
        assert sum(each.connections for each in book.exchanged) == 500
        by_name = {f"n{n}.example": 0 for n in range(50)}
        for each in book.exchanged:
            by_name[str(each.name)] += each.up
        assert by_name == {f"n{n}.example": sum(range(n, 500, 50)) for n in range(50)}

    asyncio.run(story())


def test_both_families_of_one_device_count_together() -> None:
    async def story() -> None:
        accounts, book, inventory = stage()
        assert isinstance(ip_address("2001:db8::7"), IPv6Address)
        assert isinstance(ip_address(TV), IPv4Address)
        accounts.note(TV, answer("film.example", "2600::1"), NOW.timestamp() - 1)
        accounts.take_flows([flow("2600::1")])
        assert book.exchanged[0].name == "film.example"
        assert inventory.get(book.exchanged[0].device) is not None

    asyncio.run(story())


class Slow(Knife):
    async def cut(self, clients: Iterable[Any], servers: Iterable[Any], seconds: float) -> int:
        await asyncio.sleep(0.02)
        return await super().cut(clients, servers, seconds)


def test_taking_a_click_back_while_it_is_carried_out_leaves_nothing_cut() -> None:
    async def story() -> None:
        knife = Slow()
        accounts, _, _ = stage(knife)
        accounts.note(TV, answer("ads.example", ADS), datetime.now(UTC).timestamp())
        accounts.policy_changed(Policy("ads.example"))
        await asyncio.sleep(0.01)
        accounts.policy_changed(Policy())
        await accounts.settle()
        assert knife.mends == ([{ADS}] if knife.cuts else [])

    asyncio.run(story())


@pytest.mark.parametrize("known_before", [True, False])
def test_an_answer_given_just_before_the_click_and_heard_just_after_it_is_cut_all_the_same(known_before: bool) -> None:
    async def story() -> None:
        knife = Knife()
        accounts, _, _ = stage(knife)
        when = datetime.now(UTC).timestamp()
        if known_before:
            accounts.note(TV, answer("ads.example", ADS), when - 60)
        accounts.policy_changed(Policy("ads.example"))
        await accounts.settle()
        accounts.note(TV, answer("ads.example", ADS), when - 0.2)
        await asyncio.sleep(0)
        await accounts.settle()
        assert (knife.cuts, knife.mends) == ([({TV}, {ADS})], [])

    asyncio.run(story())


def test_no_flood_of_ways_round_fills_the_journal() -> None:
    async def story() -> None:
        accounts, book, _ = stage(doh_names=frozenset({"dns.google"}))
        for number in range(3000):
            accounts.note(TV, answer(f"x{number}.dns.google", ADS), NOW.timestamp())
        await asyncio.sleep(0)
        assert {attempt.server for _, attempt in book.tried} == {"dns.google"}
        assert accounts.counters["attempts"] == 3000
        for block in range(60):
            accounts.take_attempts(
                [
                    Attempt(MAC, Detour.DNS, f"198.{block}.0.{n}", "udp", 53, Outcome.ANSWERED, 1, NOW, NOW)
                    for n in range(50)
                ]
            )
        assert len({attempt.server for _, attempt in book.tried}) == 202

    asyncio.run(story())


def test_what_another_thread_hears_while_the_loop_flushes_is_never_lost() -> None:
    async def story() -> None:
        accounts, book, _ = stage(doh_names=frozenset({"dns.google"}))

        def hear() -> None:
            for _ in range(3000):
                accounts.note(TV, answer("dns.google", ADS), NOW.timestamp())

        sys.setswitchinterval(1e-6)
        try:
            await asyncio.gather(*(asyncio.to_thread(hear) for _ in range(2)))
        finally:
            sys.setswitchinterval(0.005)
        await asyncio.sleep(0)
        assert sum(attempt.count for _, attempt in book.tried) == 6000

    asyncio.run(story())
