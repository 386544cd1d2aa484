"""A plausible past of the simulated televisions, so that a demo does not begin with empty charts: all simulated."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from gateway.demo.fleet import TELEVISIONS
from gateway.demo.internet import distance
from gateway.demo.routine import daily_routine, moments
from gateway.demo.script import Script
from gateway.demo.world import World
from gateway.model.dns import type_name

_FROM_CACHE = 0.0002
_LONGEST_HOURS = 24 * 60


class PastLookup(NamedTuple):
    """What a resolver without any rule would have logged; `when` is aware UTC, `latency` in seconds.

    `type` is `qtype` by name; `targets` are the CNAMEs that the answer led through; `cached` says that another
    television had asked before.
    """

    when: datetime
    client: str
    name: str
    type: str
    qtype: int
    rcode: int
    targets: tuple[str, ...]
    cached: bool
    latency: float


def history(
    until: datetime,
    hours: float = 24,
    seed: int = 0,
    *,
    televisions: Sequence[Script] = TELEVISIONS,
    world: World | None = None,
) -> Iterator[PastLookup]:
    """The lookups of the last `hours` before `until`, in time order: some 10,000 a day.

    `until` is an aware time in the zone of the people who watch: evenings are theirs. The same arguments give the
    same rows. Raises ValueError for a naive time or for more than 60 days.
    """
    if until.tzinfo is None:
        raise ValueError("The end of a history is a time with a zone.")
    if not 0 < hours <= _LONGEST_HOURS:
        raise ValueError(f"A history is at most {_LONGEST_HOURS} hours long, and more than none.")
    begins = until - timedelta(hours=hours)
    return _rows(begins, hours * 3600, seed, televisions, world or World.load())


def _rows(
    begins: datetime, seconds: float, seed: int, televisions: Sequence[Script], world: World
) -> Iterator[PastLookup]:
    start = begins.astimezone(UTC)
    hour = begins.hour + begins.minute / 60 + begins.second / 3600
    known: dict[tuple[str, int], float] = {}
    trains = (_asked(script, hour, seconds, seed, world) for script in televisions)
    for at, client, name, qtype in heapq.merge(*trains):
        answer = world.answer(name, qtype)
        cached = known.get((name, qtype), -1.0) > at
        if not cached:
            known[name, qtype] = at + answer.ttl
        yield PastLookup(
            when=start + timedelta(seconds=at),
            client=client,
            name=name,
            type=type_name(qtype),
            qtype=qtype,
            rcode=answer.rcode,
            targets=answer.targets,
            cached=cached,
            latency=_FROM_CACHE if cached else distance(name),
        )


def _asked(
    script: Script, hour: float, seconds: float, seed: int, world: World
) -> Iterator[tuple[float, str, str, int]]:
    """What gets past the television's own memory, in time order."""
    rng = Random(f"{seed} past {script.label}")
    kept: dict[tuple[str, int], float] = {}
    for moment in moments(daily_routine(script, rng, hour=hour, seconds=seconds), script, rng):
        if moment.at >= seconds:
            continue
        for qtype in moment.qtypes:
            if kept.get((moment.name, qtype), -1.0) <= moment.at:
                kept[moment.name, qtype] = moment.at + world.answer(moment.name, qtype).ttl
                yield moment.at, script.address, moment.name, qtype
