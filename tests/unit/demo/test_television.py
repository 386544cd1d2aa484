"""Transcripts: what a television asks when it is answered so or so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest

from gateway.demo.packet import TelevisionAnswer
from gateway.demo.routine import Moment
from gateway.demo.script import Script, Storm
from gateway.demo.television import Television
from gateway.errors import UpstreamTimeout
from gateway.model.dns import Rcode
from tests.support.clock import run_simulated, simulated_now

FINE = TelevisionAnswer(0, ("192.0.2.1",), 30)
BLOCKED = TelevisionAnswer(0, ("0.0.0.0",), 10)
STORMY = Storm(frozenset({"log.example"}), rate=5.0, seconds=4.0, rest=60.0, source="test")


class Resolver:
    """Answers by the name; None stays silent for 5 s. `heard` is the transcript."""

    def __init__(self, answers: dict[str, TelevisionAnswer | None], latency: float = 0.0) -> None:
        self.answers = answers
        self.heard: list[tuple[float, str, int]] = []
        self.latency = latency
        self.by_tcp = 0

    async def ask(self, name: str, qtype: int, *, tcp: bool = False) -> TelevisionAnswer:
        self.heard.append((round(simulated_now(), 3), name, qtype))
        self.by_tcp += tcp
        answer = self.answers[name]
        if answer is None:
            await asyncio.sleep(5)
            raise UpstreamTimeout("silence")
        await asyncio.sleep(self.latency)
        return answer


def transcript(
    resolver: Resolver,
    *wanted: tuple[float, str],
    qtypes: tuple[int, ...] = (1,),
    storms: tuple[Storm, ...] = (),
    tcp_share: float = 0.0,
    before: Callable[[], None] = lambda: None,
) -> Television:
    script = Script("TV", "Maker", "127.0.0.9", (), (), storms, tcp_share=tcp_share)

    async def story() -> Television:
        television = Television(script, resolver.ask, rng=Random(1), clock=simulated_now)
        await television.live(Moment(at, name, qtypes) for at, name in wanted)
        return television

    before()
    return run_simulated(story())


def test_names_are_asked_in_pairs_at_their_time() -> None:
    resolver = Resolver({"a.example": FINE, "b.example": FINE})
    transcript(resolver, (1.0, "a.example"), (2.5, "b.example"), qtypes=(1, 28))
    assert resolver.heard == [
        (1.0, "a.example", 1),
        (1.0, "a.example", 28),
        (2.5, "b.example", 1),
        (2.5, "b.example", 28),
    ]


def test_an_answer_is_kept_for_its_ttl() -> None:
    resolver = Resolver({"a.example": FINE})
    television = transcript(resolver, *((float(at), "a.example") for at in range(0, 70, 10)))
    assert [at for at, _, _ in resolver.heard] == [0.0, 30.0, 60.0]
    assert television.counts == {"asked": 3, "kept": 4, "refused": 0}


def test_a_question_on_its_way_is_not_asked_again() -> None:
    resolver = Resolver({"a.example": FINE}, latency=2.0)
    transcript(resolver, (0.0, "a.example"), (1.0, "a.example"))
    assert resolver.heard == [(0.0, "a.example", 1)]


def test_silence_and_servfail_are_tried_once_more() -> None:
    resolver = Resolver({"dead.example": None, "ill.example": TelevisionAnswer(Rcode.SERVFAIL)})
    television = transcript(resolver, (0.0, "dead.example"), (0.0, "ill.example"))
    assert resolver.heard == [
        (0.0, "dead.example", 1),
        (0.0, "ill.example", 1),
        (5.0, "ill.example", 1),
        (10.0, "dead.example", 1),
    ]
    assert television.counts["unanswered"] == 2


def test_a_blocked_name_that_does_not_matter_is_let_be() -> None:
    resolver = Resolver({"ads.example": BLOCKED})
    television = transcript(resolver, (0.0, "ads.example"), (5.0, "ads.example"), (11.0, "ads.example"))
    assert [at for at, _, _ in resolver.heard] == [0.0, 11.0]
    assert television.counts["refused"] == 2


def test_a_blocked_name_that_matters_starts_a_storm_and_then_rest() -> None:
    resolver = Resolver({"log.example": BLOCKED})
    television = transcript(
        resolver, (0.0, "log.example"), (30.0, "log.example"), (100.0, "log.example"), storms=(STORMY,)
    )
    first = [at for at, _, _ in resolver.heard if at < 29]
    assert len(first) == 1 + 20
    assert first[-1] == pytest.approx(4.0)
    assert min(b - a for a, b in pairwise(first)) >= 1 / 20
    assert [at for at, _, _ in resolver.heard if 29 < at < 99] == [30.0]
    assert television.counts["storms"] == 2


def test_a_storm_ends_when_the_name_is_allowed() -> None:
    resolver = Resolver({"log.example": BLOCKED})

    async def allow_soon(name: str, qtype: int, *, tcp: bool = False) -> TelevisionAnswer:
        if simulated_now() > 1:
            resolver.answers["log.example"] = FINE
        return await Resolver.ask(resolver, name, qtype, tcp=tcp)

    resolver.ask = allow_soon  # type: ignore[method-assign]
    transcript(resolver, (0.0, "log.example"), storms=(STORMY,))
    assert resolver.heard[-1][0] == pytest.approx(1.2)


def test_no_more_than_two_dozen_questions_are_open_at_once() -> None:
    resolver = Resolver({f"n{n}.example": None for n in range(60)})
    transcript(resolver, *((0.0, f"n{n}.example") for n in range(60)))
    assert sum(at == 0.0 for at, _, _ in resolver.heard) == 24


def test_what_was_missed_while_the_resolver_was_away_is_not_made_up_for() -> None:
    names = {f"n{n}.example": None for n in range(30)}
    resolver = Resolver({**names, "old.example": FINE, "new.example": FINE})
    transcript(resolver, *((0.0, name) for name in names), (1.0, "old.example"), (40.0, "new.example"))
    heard = [name for _, name, _ in resolver.heard]
    assert "new.example" in heard
    assert "old.example" not in heard


def test_the_memory_of_a_television_is_small() -> None:
    names = {f"n{n}.example": TelevisionAnswer(0, ("192.0.2.1",), 3600) for n in range(1200)}
    television = transcript(Resolver(names), *((n / 10, f"n{n}.example") for n in range(1200)))
    assert len(television._kept) <= 500


def test_some_questions_go_over_tcp() -> None:
    resolver = Resolver({f"n{n}.example": FINE for n in range(100)})
    transcript(resolver, *((float(n), f"n{n}.example") for n in range(100)), tcp_share=0.3)
    assert 15 < resolver.by_tcp < 45
