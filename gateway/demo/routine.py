"""When a television wants which name: from a script to a train of wishes in time order. Pure; all chance is `rng`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from gateway.demo.script import App, Chatter, Script, When

_BOOT_SECONDS = 20.0
_DAY = 24.0


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a television's life, in seconds from its beginning; `app` is what somebody watches meanwhile."""

    when: When
    start: float
    end: float
    app: App | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """At `at` seconds a name is wanted with these types, all at once."""

    at: float
    name: str
    qtypes: tuple[int, ...]


def lively_routine(script: Script, rng: Random) -> Iterator[Phase]:
    """A life that is worth watching, without end: boot, home screen, three apps for a few minutes each, a short
    standby, and again."""
    at = 0.0
    while True:
        yield Phase(When.BOOT, at, at + _BOOT_SECONDS)
        at += _BOOT_SECONDS
        for _ in range(3):
            home = rng.uniform(15, 45)
            yield Phase(When.HOME, at, at + home)
            at += home
            app, watched = _choose(script, rng), rng.uniform(120, 400)
            yield Phase(When.ON, at, at + watched, app)
            at += watched
        rest = rng.uniform(40, 120)
        yield Phase(When.STANDBY, at, at + rest)
        at += rest


def daily_routine(script: Script, rng: Random, *, hour: float, seconds: float) -> Iterator[Phase]:
    """`seconds` of a real life that begins at this hour of the day (0 to 24): standby but for the hours of `day`."""
    at = 0.0
    midnight = -hour * 3600
    while midnight < seconds:
        for start, hours in sorted(script.day):
            begins = midnight + (start + rng.uniform(-0.4, 0.4)) * 3600
            ends = begins + hours * rng.uniform(0.7, 1.3) * 3600
            begins, ends = max(begins, at), min(ends, seconds)
            if ends - begins < 120:
                continue
            if begins > at:
                yield Phase(When.STANDBY, at, begins)
            yield from _evening(script, rng, begins, ends)
            at = ends
        midnight += _DAY * 3600
    if at < seconds:
        yield Phase(When.STANDBY, at, seconds)


def moments(phases: Iterable[Phase], script: Script, rng: Random) -> Iterator[Moment]:
    """Everything that is wanted during these phases, in time order.

    A regular chatter keeps its beat from phase to phase for as long as its state lasts.
    """
    due: dict[Chatter, float] = {}
    late: list[Moment] = []
    for phase in phases:
        current = late
        for chatter in script.chatter:
            if not _speaks(chatter.when, phase.when):
                due.pop(chatter, None)
            elif chatter.every is None:
                current += _volley(chatter, phase.start, rng)
            else:
                first = due.get(chatter, phase.start + rng.uniform(0, chatter.every))
                due[chatter] = _beat(chatter, first, phase.end, rng, current)
        for chatter in phase.app.chatter if phase.app else ():
            if chatter.every is None:
                current += _volley(chatter, phase.start, rng)
            else:
                first = phase.start + chatter.every * rng.uniform(0.2, 1.0)
                _beat(chatter, first, phase.end, rng, current)
        current.sort(key=lambda moment: moment.at)
        late = [moment for moment in current if moment.at >= phase.end]
        yield from current[: len(current) - len(late)]
    yield from late


def _evening(script: Script, rng: Random, begins: float, ends: float) -> Iterator[Phase]:
    at = min(begins + _BOOT_SECONDS, ends)
    yield Phase(When.BOOT, begins, at)
    while at < ends:
        home = min(at + rng.uniform(30, 240), ends)
        yield Phase(When.HOME, at, home)
        at = home
        if at < ends:
            app = _choose(script, rng)
            watched = min(at + rng.uniform(*app.minutes) * 60, ends)
            yield Phase(When.ON, at, watched, app)
            at = watched


def _choose(script: Script, rng: Random) -> App:
    return rng.choices(script.apps, [app.weight for app in script.apps])[0]


def _speaks(wanted: When, state: When) -> bool:
    if wanted is When.ALWAYS:
        return True
    if wanted is When.ON:
        return state is not When.STANDBY
    return wanted is state


def _beat(chatter: Chatter, first: float, end: float, rng: Random, into: list[Moment]) -> float:
    assert chatter.every is not None
    at = first
    while at < end:
        into += _volley(chatter, at, rng)
        at += chatter.every * (1 + rng.uniform(-chatter.jitter, chatter.jitter))
    return at


def _volley(chatter: Chatter, at: float, rng: Random) -> list[Moment]:
    """The names of one round; squaring the chance puts most near the beginning, as captures of boots have it."""
    wishes = rng.sample(chatter.wishes, chatter.pick) if chatter.pick else chatter.wishes
    return [Moment(at + chatter.spread * rng.random() ** 2, wish.name(rng), wish.qtypes) for wish in wishes]
