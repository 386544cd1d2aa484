from __future__ import annotations

from gateway.journal.gathering import Rush, gather
from gateway.model.lookup import Facts, LogBatch, LogRow
from gateway.model.response import Source
from gateway.model.verdict import ALLOWED

ADS = Facts("ads.example", 1, 0, Source.CACHE, ALLOWED)
SHOP = Facts("shop.example", 1, 0, Source.CACHE, ALLOWED)


def batch(when: float, *asked: tuple[str, Facts], latency: float = 0.001) -> LogBatch:
    return LogBatch(when, [client for client, _ in asked], [facts for _, facts in asked], latency)


def failed(when: float, client: str = "tv", name: str = "gone.example") -> LogRow:
    return when, client, Facts(name, 1, 2, Source.ERROR, ALLOWED), 2.5


def test_rows_of_both_kinds_come_in_the_order_of_time() -> None:
    rows: list[LogRow] = [(12.5, "tv", SHOP, 0.01), (10.5, "tv", SHOP, 0.01)]
    gathered = gather(rows, [batch(11.5, ("tv", ADS))])
    assert [row[0] for row in gathered] == [10.5, 11.5, 12.5]


def test_what_is_asked_a_few_times_stays_as_it_was() -> None:
    asked = [batch(10.0, ("tv", ADS), ("tv", SHOP)), batch(10.1, ("tv", ADS), ("tv", ADS), ("tv", ADS))]
    assert [(row[0], row[2], row[4]) for row in gather([], asked)] == [
        (10.0, ADS, 1),
        (10.0, SHOP, 1),
        (10.1, ADS, 1),
        (10.1, ADS, 1),
        (10.1, ADS, 1),
    ]


def test_a_storm_is_one_row_with_its_number() -> None:
    storm = [batch(10.0 + n / 10, *[("tv", ADS)] * 64, ("tv", SHOP), latency=n) for n in range(3)]
    gathered = gather([], storm)
    assert (10.0, "tv", ADS, 0, 192) in gathered
    assert sum(row[4] for row in gathered) == 3 * 65
    assert len(gathered) == 4


def test_a_storm_of_two_televisions_is_one_row_each() -> None:
    gathered = gather([], [batch(10.0, *[("one", ADS), ("other", ADS)] * 9)])
    assert sorted((row[1], row[4]) for row in gathered) == [("one", 9), ("other", 9)]


def test_no_row_stands_for_two_seconds() -> None:
    gathered = gather([], [batch(59.9, *[("tv", ADS)] * 9), batch(60.0, *[("tv", ADS)] * 8)])
    assert [(row[0], row[4]) for row in gathered] == [(59.9, 9), (60.0, 8)]
    assert [(row[0], row[4]) for row in gather([failed(59.0 + n / 5) for n in range(10)])] == [(59.0, 5), (60.0, 5)]


def test_retries_that_each_fail_are_one_row_although_each_made_facts_of_its_own() -> None:
    gathered = gather([failed(10.3), failed(10.2), *[failed(10.4)] * 4, failed(10.1, name="other.example")])
    assert [(row[0], row[2].name, row[4]) for row in gathered] == [
        (10.1, "other.example", 1),
        (10.2, "gone.example", 6),
    ]


def test_answers_that_differ_are_never_one_row() -> None:
    mixed = [failed(10.0) for _ in range(4)] + [
        (10.0, "tv", Facts("gone.example", 1, 0, Source.UPSTREAM, ALLOWED), 0.1)
    ]
    assert [row[4] for row in gather(mixed)] == [1] * 5


def test_in_a_rush_what_is_alike_within_a_second_is_one_row_however_few() -> None:
    rush = Rush()
    rush.add([batch(10.0, ("tv", ADS), ("tv", SHOP), latency=1), batch(10.1, ("tv", ADS), latency=2)])
    rush.add([batch(10.9, ("tv", ADS), ("other", ADS), latency=3), batch(11.0, ("tv", ADS), latency=4)])
    assert rush.lookups == 6
    assert sorted(rush.over(11), key=lambda row: (row[0], row[2].name)) == [
        (10.0, "tv", ADS, 1, 3),
        (10.0, "tv", SHOP, 1, 1),
        (10.9, "other", ADS, 3, 1),
    ]
    assert rush.lookups == 1
    assert rush.over() == [(11.0, "tv", ADS, 4, 1)]
    assert (rush.lookups, rush.over()) == (0, [])


def test_a_batch_of_a_second_that_was_asked_already_is_not_lost() -> None:
    rush = Rush()
    rush.add([batch(10.0, ("tv", ADS))])
    assert len(rush.over(11)) == 1
    rush.add([batch(10.99, ("tv", ADS))])
    assert rush.over(11) == [(10.99, "tv", ADS, 0.001, 1)]
