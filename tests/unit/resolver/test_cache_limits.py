"""The cache at its limits: the exact moments, what it counts, what it forgets first, and how it ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.errors import UpstreamTimeout
from gateway.model.dns import Ede, Rcode
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.resolver.answer import Answer
from gateway.resolver.cache import Cache
from tests.support.clock import run_simulated, simulated_now
from tests.unit.resolver.stage import Below, answer, down
from tests.unit.resolver.test_cache import make, ttls, www
from tests.unit.wire.samples import query

WWW = "www.example.com"


def lives(seconds: int) -> Below:
    return Below(lambda asked: answer(asked, f"{asked.name}. {seconds} A 192.0.2.1"))


async def afternoon(below: Below) -> tuple[Cache, Query]:
    """A cache that has known the name for no time at all, on a box that has run for an hour."""
    await asyncio.sleep(3_600)
    cache, asked = make(), query(WWW)
    await cache.resolve(asked, below)
    return cache, asked


def run_without_complaints(story: Coroutine[Any, Any, None]) -> None:
    """Runs the story; the event loop must have found nothing to complain about, such as an error that nobody saw."""
    complaints: list[dict[str, Any]] = []

    async def listened() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        await story
        for _ in range(3):
            await asyncio.sleep(0)
        gc.collect()

    run_simulated(listened())
    assert complaints == []


def test_it_counts_what_it_does() -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(www), query(WWW)

        def counted() -> tuple[int, ...]:
            return (cache.misses, cache.hits, cache.prefetches, cache.stale)

        assert (*counted(), cache.size, len(cache)) == (0, 0, 0, 0, 0, 0)
        await cache.resolve(asked, below)
        assert counted() == (1, 0, 0, 0)
        for _ in range(2):
            await cache.resolve(asked, below)
        assert counted() == (1, 2, 0, 0)
        await asyncio.sleep(280)
        await cache.resolve(asked, below)
        await asyncio.sleep(400)
        assert counted() == (1, 3, 1, 0)
        below.say = down()
        for _ in range(2):
            await cache.resolve(asked, below)
        assert counted() == (3, 3, 1, 2)

    run_simulated(story())


def test_an_answer_grows_old_from_when_it_came() -> None:
    async def story() -> None:
        below = Below(www)
        cache, asked = await afternoon(below)
        await asyncio.sleep(200)
        kept = await cache.resolve(asked, below)
        assert isinstance(kept, Answer)
        assert (kept.ttl, ttls(kept, asked), kept.recheck) == (100, [100], 70)
        assert len(below.asked) == 1, "two thirds of its life are no reason to fetch it again"

    run_simulated(story())


@pytest.mark.parametrize(
    ("life", "age", "fetched"),
    [(300, 269, False), (300, 270, True), (10, 8.5, False), (10, 9, True), (9, 8.5, False)],
)
def test_the_last_tenth_of_a_life_of_ten_seconds_or_more_is_time_to_fetch(life: int, age: float, fetched: bool) -> None:
    async def story() -> None:
        below = lives(life)
        cache, asked = await afternoon(below)
        await asyncio.sleep(age)
        kept = await cache.resolve(asked, below)
        assert kept.source is Source.CACHE
        await asyncio.sleep(0)
        assert len(below.asked) == 1 + fetched

    run_simulated(story())


@pytest.mark.parametrize(("life", "age", "recheck"), [(86_400, 0, 120), (300, 200, 70), (300, 270, 30), (9, 0, 9)])
def test_copies_of_an_answer_come_back_in_time(life: int, age: int, recheck: int) -> None:
    """Before it is time to fetch it again, and every two minutes, so that the cache knows what is in use."""

    async def story() -> None:
        below = lives(life)
        cache, asked = await afternoon(below)
        await asyncio.sleep(age)
        kept = await cache.resolve(asked, below)
        assert isinstance(kept, Answer)
        assert kept.recheck == recheck

    run_simulated(story())


def test_a_prefetch_that_fails_is_not_tried_again_and_troubles_nobody() -> None:
    async def story() -> None:
        below = Below(www)
        cache, asked = await afternoon(below)
        await asyncio.sleep(275)
        below.say = down()
        for _ in range(4):
            assert (await cache.resolve(asked, below)).source is Source.CACHE
            await asyncio.sleep(5)
        assert len(below.asked) == 2

    run_without_complaints(story())


def test_nothing_is_fetched_early_while_no_upstream_answers() -> None:
    async def story() -> None:
        cache, below, asked = make(reachable=lambda: False), Below(www), query(WWW)
        await cache.resolve(asked, below)
        await asyncio.sleep(290)
        assert (await cache.resolve(asked, below)).source is Source.CACHE
        await asyncio.sleep(0)
        assert (len(below.asked), cache.prefetches) == (1, 0)

    run_simulated(story())


@pytest.mark.parametrize("trouble", [down(), Response(b"", Rcode.SERVFAIL, Source.UPSTREAM)])
def test_after_a_stale_answer_nobody_asks_for_half_a_minute(trouble: Response | Exception) -> None:
    """Neither when the upstream is gone nor when it answers with a failure of its own."""

    async def story() -> None:
        below = Below(www)
        cache, asked = await afternoon(below)
        await asyncio.sleep(400)
        below.say = trouble
        for pause in (29.5, 0.5):
            assert (await cache.resolve(asked, below)).source is Source.STALE
            assert len(below.asked) == 2
            await asyncio.sleep(pause)
        below.say = www
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


@pytest.mark.parametrize(("age", "source"), [(1299, Source.STALE), (1300, Source.ERROR)])
def test_an_answer_is_stale_for_so_long_and_then_gone(age: int, source: Source) -> None:
    async def story() -> None:
        cache, below, asked = make(max_stale=1000), Below(www), query(WWW)
        await cache.resolve(asked, below)
        await asyncio.sleep(age)
        below.say = down()
        assert (await cache.resolve(asked, below)).source is source

    run_simulated(story())


@pytest.mark.parametrize(
    ("trouble", "ede"),
    [
        (UpstreamTimeout("no answer"), Ede.NO_REACHABLE_AUTHORITY),
        (Response(b"", Rcode.SERVFAIL, Source.UPSTREAM), Ede.NO_REACHABLE_AUTHORITY),
        (Response(b"", Rcode.SERVFAIL, Source.UPSTREAM, ede=Ede.DNSSEC_BOGUS), Ede.DNSSEC_BOGUS),
    ],
)
def test_a_failure_is_remembered_for_exactly_two_seconds_with_its_reason(
    trouble: Response | Exception, ede: int
) -> None:
    async def story() -> None:
        below = Below(trouble)
        cache, asked = await afternoon(below)
        lives = []
        for _ in range(4):
            failed = await cache.resolve(asked, below)
            assert (failed.rcode, failed.source, failed.ede) == (Rcode.SERVFAIL, Source.ERROR, ede)
            lives.append(failed.ttl)
            await asyncio.sleep(0.5)
        assert lives == [2, 1, 1, 1], "never 0, which nobody would keep"
        assert len(below.asked) == 1
        below.say = www
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


def test_a_failure_is_forgotten_when_an_answer_comes() -> None:
    """Also from elsewhere: a short life is over then before the two seconds of the failure are."""

    async def story() -> None:
        below = Below(down())
        cache, asked = await afternoon(below)
        cache.keep(asked.key, answer(asked, f"{WWW}. 1 A 192.0.2.1"))
        assert (await cache.resolve(asked, below)).source is Source.CACHE
        await asyncio.sleep(1.5)
        below.say = www
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


def test_the_oldest_failure_is_forgotten_first() -> None:
    async def story() -> None:
        cache = make(entries=2)
        first, second, third = (query(f"{name}.example.com") for name in ("a", "b", "c"))
        for asked in (first, second):
            await cache.resolve(asked, Below(down()))
        await asyncio.sleep(3)
        for asked in (first, third):
            await cache.resolve(asked, Below(down()))
        assert [cache.is_new(asked.key) for asked in (first, second, third)] == [False, True, False]

    run_simulated(story())


def test_a_question_is_new_until_something_is_known_of_it() -> None:
    async def story() -> None:
        cache = make()
        answered, failed, asked = query(WWW), query("down.example.com"), query("new.example.com")
        await cache.resolve(answered, Below(www))
        await cache.resolve(failed, Below(down()))
        assert [cache.is_new(each.key) for each in (answered, failed, asked)] == [False, False, True]

    run_simulated(story())


def test_only_what_an_upstream_said_is_kept_and_a_second_is_long_enough() -> None:
    async def story() -> None:
        cache, asked = make(), query(WWW)
        ours = Response(www(asked).wire, Rcode.NOERROR, Source.LOCAL, ttl=300)
        await cache.resolve(asked, Below(ours))
        assert len(cache) == 0
        await cache.resolve(asked, lives(1))
        assert len(cache) == 1

    run_simulated(story())


def test_it_holds_as_many_bytes_as_it_may_and_knows_what_went() -> None:
    async def story() -> None:
        a, b = query("a.example.com"), query("b.example.com")
        alone = make()
        await alone.resolve(a, lives(300))
        for size, kept in ((alone.size, 1), (alone.size - 1, 0)):
            cache = make(size=size)
            await cache.resolve(a, lives(300))
            assert (len(cache), cache.size) == (kept, kept * alone.size)
        cache = make(size=2 * alone.size, entries=1)
        for asked in (a, b):
            await cache.resolve(asked, lives(300))
        assert (len(cache), cache.size) == (1, alone.size)

    run_simulated(story())


def test_an_answer_that_was_renewed_is_the_last_to_go() -> None:
    async def story() -> None:
        cache = make(entries=2)
        a, b, c = (query(f"{letter}.example.com") for letter in "abc")
        for asked in (a, b):
            await cache.resolve(asked, lives(300))
        cache.keep(a.key, answer(a, "a.example.com. 300 A 192.0.2.2"))
        await cache.resolve(c, lives(300))
        assert [cache.is_new(asked.key) for asked in (a, b, c)] == [False, True, False]

    run_simulated(story())


def test_what_is_under_way_ends_with_the_cache_and_whoever_waits_gets_what_there_is() -> None:
    async def story() -> None:
        below = Below(www)
        cache, asked = await afternoon(below)
        await asyncio.sleep(400)
        below.delay = 1
        waiting = asyncio.get_running_loop().create_task(cache.resolve(asked, below))
        await asyncio.sleep(0.25)
        assert len(below.asked) == 2
        before = simulated_now()
        await cache.close()
        assert simulated_now() == before
        assert (await waiting).source is Source.STALE
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert simulated_now() == before

    run_without_complaints(story())


def test_a_closed_cache_has_nothing_left_to_do() -> None:
    async def story() -> None:
        below = Below(www)
        cache, asked = await afternoon(below)
        await asyncio.sleep(280)
        below.delay = 1
        await cache.resolve(asked, below)
        await asyncio.sleep(0.25)
        await cache.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_without_complaints(story())
