from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import dns.message
import pytest

from gateway.errors import UpstreamTimeout, WireError
from gateway.model.dns import Ede, Rcode
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.resolver.answer import Answer
from gateway.resolver.cache import Cache
from gateway.wire.patch import fit
from tests.support.clock import run_simulated, simulated_now
from tests.unit.resolver.stage import Below, answer, down, together
from tests.unit.wire.samples import query

SOA = "example.com. {} SOA ns.example.com. host.example.com. 1 2 3 4 {}"


def make(*, reachable: Any = lambda: True, **more: int) -> Cache:
    sizes = {"entries": 100, "size": 1_000_000, "max_stale": 86_400}
    return Cache(**{**sizes, **more}, clock=simulated_now, reachable=reachable)


def ttls(response: Response, asked: Query) -> list[int]:
    message = dns.message.from_wire(fit(response.wire, asked))
    return [rrset.ttl for rrset in message.answer + message.authority]


def www(asked: Query) -> Answer:
    return answer(asked, "www.example.com. 300 A 192.0.2.1")


def test_an_answer_is_kept_for_as_long_as_it_says_and_counts_down() -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(www), query("www.example.com")
        first = await cache.resolve(asked, below)
        assert (first.source, ttls(first, asked)) == (Source.UPSTREAM, [300])
        await asyncio.sleep(100)
        kept = await cache.resolve(asked, below)
        assert (kept.source, kept.ttl, ttls(kept, asked)) == (Source.CACHE, 200, [200])
        await asyncio.sleep(200)
        again = await cache.resolve(asked, below)
        assert (again.source, ttls(again, asked)) == (Source.UPSTREAM, [300])
        assert len(below.asked) == 2

    run_simulated(story())


def test_every_spelling_shares_an_entry_and_every_kind_of_question_has_its_own() -> None:
    async def story() -> None:
        cache = make()
        below = Below(lambda asked: answer(asked, SOA.format(60, 60)))
        kinds = [
            query("www.example.com"),
            query("www.example.com", "AAAA"),
            query("www.example.com", dnssec_ok=True),
            query("www.example.com", checking_disabled=True),
        ]
        for asked in kinds:
            await cache.resolve(asked, below)
        assert len(cache) == 4
        spelled = query("WWW.example.COM", edns=1232)
        assert (await cache.resolve(spelled, below)).source is Source.CACHE
        assert len(below.asked) == 4

    run_simulated(story())


@pytest.mark.parametrize(
    ("rcode", "soa", "kept"),
    [("NXDOMAIN", (900, 60), 60), ("NOERROR", (40, 60), 40), ("NXDOMAIN", (900_000, 900_000), 3600)],
)
def test_a_negative_answer_is_kept_as_its_soa_record_says_within_bounds(
    rcode: str, soa: tuple[int, int], kept: int
) -> None:
    async def story() -> None:
        cache = make()
        asked = query("no.example.com")
        below = Below(answer(asked, authority=(SOA.format(*soa),), rcode=rcode))
        await cache.resolve(asked, below)
        await asyncio.sleep(kept * 0.8)
        assert (await cache.resolve(asked, below)).source is Source.CACHE
        await asyncio.sleep(kept * 0.2)
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


def test_a_negative_answer_without_an_soa_record_is_kept_for_a_moment_only() -> None:
    async def story() -> None:
        cache, asked = make(), query("no.example.com")
        below = Below(answer(asked, rcode="NXDOMAIN"))
        await cache.resolve(asked, below)
        await asyncio.sleep(1.5)
        assert (await cache.resolve(asked, below)).source is Source.CACHE
        await asyncio.sleep(0.6)
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


def test_an_answer_without_a_life_is_not_kept() -> None:
    async def story() -> None:
        cache, asked = make(), query("www.example.com")
        below = Below(answer(asked, "www.example.com. 0 A 192.0.2.1"))
        for _ in range(3):
            assert (await cache.resolve(asked, below)).source is Source.UPSTREAM
        assert len(cache) == 0

    run_simulated(story())


def test_a_very_long_life_is_cut_short() -> None:
    async def story() -> None:
        cache, asked = make(), query("www.example.com")
        below = Below(answer(asked, "www.example.com. 600000 A 192.0.2.1"))
        await cache.resolve(asked, below)
        await asyncio.sleep(86_400)
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


def test_what_was_not_used_for_longest_goes_first() -> None:
    async def story() -> None:
        cache = make(entries=3)
        below = Below(lambda asked: answer(asked, f"{asked.name}. 300 A 192.0.2.1"))
        a, b, c, d = (query(f"{letter}.example.com") for letter in "abcd")
        for asked in (a, b, c, a, d):
            await cache.resolve(asked, below)
        assert len(cache) == 3
        assert (await cache.resolve(a, below)).source is Source.CACHE
        assert (await cache.resolve(b, below)).source is Source.UPSTREAM

    run_simulated(story())


def test_the_cache_is_bounded_in_bytes() -> None:
    async def story() -> None:
        cache = make(size=10_000, entries=10_000)
        for n in range(100):
            asked = query(f"n{n}.example.com", "TXT")
            await cache.resolve(asked, Below(answer(asked, f'n{n}.example.com. 300 TXT "{"x" * 200}"')))
            assert cache.size <= 10_000
        assert 5 < len(cache) < 20
        huge = query("huge.example.com", "TXT")
        strings = " ".join(f'"{"y" * 250}"' for _ in range(100))
        await cache.resolve(huge, Below(answer(huge, f"huge.example.com. 300 TXT {strings}")))
        assert 5 < len(cache) < 20, "what can never fit takes nothing else's place"

    run_simulated(story())


def test_an_entry_that_is_renewed_is_counted_once() -> None:
    async def story() -> None:
        cache, asked = make(), query("www.example.com")
        for _ in range(5):
            await cache.resolve(asked, Below(www))
            await asyncio.sleep(301)
        assert len(cache) == 1
        assert cache.size < 800

    run_simulated(story())


def test_an_expired_answer_is_given_when_upstreams_fail_and_nobody_asks_again_for_a_while() -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(www), query("www.example.com")
        await cache.resolve(asked, below)
        await asyncio.sleep(400)
        below.say = down()
        for _ in range(3):
            stale = await cache.resolve(asked, below)
            assert (stale.source, stale.ede, stale.ttl, ttls(stale, asked)) == (
                Source.STALE,
                Ede.STALE_ANSWER,
                30,
                [30],
            )
        assert len(below.asked) == 2
        await asyncio.sleep(31)
        below.say = www
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


def test_a_stale_answer_that_a_name_does_not_exist_says_so() -> None:
    async def story() -> None:
        cache, asked = make(), query("no.example.com")
        below = Below(answer(asked, authority=(SOA.format(60, 60),), rcode="NXDOMAIN"))
        await cache.resolve(asked, below)
        await asyncio.sleep(61)
        below.say = down()
        stale = await cache.resolve(asked, below)
        assert (stale.rcode, stale.ede) == (Rcode.NXDOMAIN, Ede.STALE_NXDOMAIN)

    run_simulated(story())


def test_a_slow_upstream_is_waited_for_as_long_as_clients_wait_and_its_answer_is_kept() -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(www), query("www.example.com")
        await cache.resolve(asked, below)
        await asyncio.sleep(400)
        below.delay = 2.2
        start = simulated_now()
        assert (await cache.resolve(asked, below)).source is Source.STALE
        assert simulated_now() - start == pytest.approx(1.8)
        await asyncio.sleep(1)
        assert (await cache.resolve(asked, below)).source is Source.CACHE
        assert len(below.asked) == 2

    run_simulated(story())


def test_when_no_upstream_is_known_to_live_a_stale_answer_comes_at_once() -> None:
    async def story() -> None:
        cache, below, asked = make(reachable=lambda: False), Below(www), query("www.example.com")
        await cache.resolve(asked, below)
        await asyncio.sleep(400)
        below.delay, start = 2.5, simulated_now()
        assert (await cache.resolve(asked, below)).source is Source.STALE
        assert simulated_now() - start < 0.3
        await cache.close()

    run_simulated(story())


def test_an_answer_that_is_too_old_is_no_answer() -> None:
    async def story() -> None:
        cache, below, asked = make(max_stale=1000), Below(www), query("www.example.com")
        await cache.resolve(asked, below)
        await asyncio.sleep(1301)
        below.say = down()
        failed = await cache.resolve(asked, below)
        assert (failed.rcode, failed.ede) == (Rcode.SERVFAIL, Ede.NETWORK_ERROR)

    run_simulated(story())


@pytest.mark.parametrize(
    ("records", "authority", "rcode"),
    [
        ((), (), "SERVFAIL"),
        (("www.example.com. 3600 CNAME edge.example.net.",), (), "NOERROR"),
        ((), ("example.com. 3600 NS ns.example.com.",), "NOERROR"),
    ],
)
def test_a_failure_or_half_an_answer_is_worse_than_a_stale_one(
    records: tuple[str, ...], authority: tuple[str, ...], rcode: str
) -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(www), query("www.example.com")
        await cache.resolve(asked, below)
        await asyncio.sleep(400)
        below.say = answer(asked, *records, authority=authority, rcode=rcode)
        for _ in range(3):
            assert (await cache.resolve(asked, below)).source is Source.STALE
            await asyncio.sleep(31)
        below.say = www
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


@pytest.mark.parametrize(("error", "ede"), [(down(), 23), (UpstreamTimeout("no answer"), 22)])
def test_a_failure_is_remembered_for_two_seconds(error: Exception, ede: int) -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(error), query("www.example.com")
        for _ in range(3):
            failed = await cache.resolve(asked, below)
            assert (failed.rcode, failed.ede, failed.source) == (Rcode.SERVFAIL, ede, Source.ERROR)
        assert len(below.asked) == 1
        await asyncio.sleep(2.1)
        below.say = www
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


def test_what_failures_remember_is_bounded() -> None:
    async def story() -> None:
        cache = make(entries=10)
        for n in range(100):
            await cache.resolve(query(f"n{n}.example.com"), Below(down()))
        assert len(cache._failures) == 10

    run_simulated(story())


def test_a_name_asked_for_at_the_end_of_its_life_is_fetched_before_it_expires() -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(www), query("www.example.com")
        await cache.resolve(asked, below)
        await asyncio.sleep(275)
        below.delay = 0.5
        for _ in range(5):
            assert (await cache.resolve(asked, below)).source is Source.CACHE
        await asyncio.sleep(30)
        kept = await cache.resolve(asked, below)
        assert kept.source is Source.CACHE
        assert kept.ttl > 250
        assert len(below.asked) == 2

    run_simulated(story())


def test_a_copy_of_an_answer_is_asked_after_again_when_it_is_time_to_fetch() -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(www), query("www.example.com")
        await cache.resolve(asked, below)
        await asyncio.sleep(200)
        response = await cache.resolve(asked, below)
        assert isinstance(response, Answer)
        assert (response.ttl, response.recheck) == (100, 70)
        await asyncio.sleep(80)
        response = await cache.resolve(asked, below)
        assert isinstance(response, Answer)
        assert (response.ttl, response.recheck) == (20, 20)
        await cache.close()

    run_simulated(story())


def test_stale_answers_for_many_clients_cost_one_question() -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(www), query("www.example.com")
        await cache.resolve(asked, below)
        await asyncio.sleep(400)
        below.delay = 1
        responses = await together(*(cache.resolve(asked, below) for _ in range(20)))
        assert {response.source for response in responses} == {Source.UPSTREAM}
        assert len(below.asked) == 2

    run_simulated(story())


def test_a_client_that_asks_too_much_gets_a_stale_answer_and_the_next_one_a_fresh_one() -> None:
    async def story() -> None:
        cache, below, asked = make(), Below(www), query("www.example.com")
        await cache.resolve(asked, below)
        await asyncio.sleep(301)
        below.say = WireError("too fast")
        assert (await cache.resolve(asked, below)).source is Source.STALE
        below.say = www
        assert (await cache.resolve(asked, below)).source is Source.UPSTREAM

    run_simulated(story())


def test_of_an_answer_nothing_is_forgotten_that_others_ask_for() -> None:
    """Where it leads, to whom, and what the upstream said of it: also an hour later, and when it is stale."""

    async def story() -> None:
        asked = query("www.example.com")
        said = answer(asked, "www.example.com. 3600 CNAME a.example.", "a.example. 3600 A 0.0.0.0")
        assert said.peek is not None
        below = Below(dataclasses.replace(said, ede=Ede.FILTERED, peek=dataclasses.replace(said.peek, ede=Ede.BLOCKED)))
        cache = make()
        await cache.resolve(asked, below)
        for later, source in ((3_000, Source.CACHE), (3_000, Source.STALE)):
            await asyncio.sleep(later)
            kept = await cache.resolve(asked, below)
            assert isinstance(kept, Answer)
            assert kept.peek is not None
            assert (kept.source, kept.targets, kept.peek.addresses) == (source, ("a.example",), (b"\0\0\0\0",))
            assert kept.peek.ede == Ede.FILTERED, "who filters may say so with this address"
            assert kept.ede == (Ede.FILTERED if source is Source.CACHE else Ede.STALE_ANSWER)
            below.say = UpstreamTimeout("gone")

    run_simulated(story())
