"""What the bench asks, and what its own authority says."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from tests.bench.authority import answer
from tests.bench.watch import wrong_with
from tests.bench.workload import HOT, QUERIES, Workload, address_of, allowed_names, block_list, misses, workloads
from tests.support.client import addresses, question


@pytest.fixture(scope="module")
def made() -> dict[str, Workload]:
    return {workload.name: workload for workload in workloads(20_000)}


def test_a_block_list_has_as_many_different_names_as_asked_for() -> None:
    names = list(block_list(5_000))
    assert len(set(names)) == 5_000
    assert names == list(block_list(5_000))
    assert all(name.isascii() and name == name.lower() and len(name) < 64 for name in names)
    assert not set(names) & set(allowed_names(5_000))


def test_workloads_are_what_they_are_called(made: dict[str, Workload]) -> None:
    listed = set(block_list(20_000))
    assert set(made) == {"hot", "blocked", "mixed"}
    assert all(len(workload.asked) == QUERIES for workload in made.values())
    assert len(set(made["hot"].asked)) == HOT
    assert not set(made["hot"].asked) & listed
    assert set(made["blocked"].asked) <= listed
    share = sum(name in listed for name in made["mixed"].asked) / QUERIES
    assert share == pytest.approx(0.25)
    assert {name for name in made["mixed"].asked if name in listed} <= made["mixed"].blocked


def test_the_mixed_workload_follows_zipf(made: dict[str, Workload]) -> None:
    counts = [count for name, count in Counter(made["mixed"].asked).most_common() if name not in made["mixed"].blocked]
    assert 3_000 < len(counts) <= 3_750
    assert counts[0] / counts[9] == pytest.approx(10, rel=0.25)


def test_a_small_block_list_makes_workloads_too() -> None:
    assert {len(workload.asked) for workload in workloads(10)} == {QUERIES}


def test_query_files_are_as_dnsperf_reads_them(tmp_path: Path) -> None:
    path = Workload("hot", ("a.example", "b.example"), frozenset()).write(tmp_path)
    assert path.read_text() == "a.example A\nb.example A\n"


def test_the_authority_answers_at_once_and_rightly() -> None:
    asked = question("www1.shop-8.example", spelling="WWW1.Shop-8.example", edns=1232)
    wire = answer(asked.to_wire())
    assert wire is not None
    answered = dns.message.from_wire(wire)
    assert answered.id == asked.id
    assert answered.question[0].name.to_text() == "WWW1.Shop-8.example."
    assert addresses(answered) == [address_of("www1.shop-8.example")]
    assert answered.answer[0].ttl == 3600


def test_the_authority_has_only_addresses_and_ignores_nonsense() -> None:
    wire = answer(question("www1.shop-8.example", "AAAA").to_wire())
    assert wire is not None
    assert dns.message.from_wire(wire).answer == []
    for nonsense in (b"", b"\0" * 11, b"\0" * 12, b"\0" * 12 + b"\x05abc"):
        assert answer(nonsense) is None


def test_wrong_answers_are_noticed() -> None:
    name = "www1.shop-8.example"
    wire = answer(question(name).to_wire())
    assert wire is not None
    good = dns.message.from_wire(wire)
    assert wrong_with(name, False, good) is None
    assert wrong_with(name, True, good) == f"{name}: ['{address_of(name)}'] instead of ['0.0.0.0']"
    assert wrong_with("www1.shop-9.example", False, good) is not None
    good.set_rcode(dns.rcode.SERVFAIL)
    assert wrong_with(name, False, good) == f"{name}: SERVFAIL"


def test_addresses_of_the_authority_differ() -> None:
    assert len({address_of(name) for name in itertools.islice(allowed_names(300), 300)}) > 100
    assert address_of("A.example") == address_of("a.EXAMPLE")


def test_misses_are_never_the_same_names() -> None:
    first, other = misses("a", 50), misses("b", 50)
    assert len({*first.asked, *other.asked}) == 100
    assert not first.blocked
