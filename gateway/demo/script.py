"""What a simulated television does, as data: one TOML file a television, checked when it is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from random import Random
from typing import Any

from gateway.errors import SettingsError
from gateway.model.dns import QType
from gateway.model.name import Name

MAX_STORM_RATE = 20.0
MAX_STORM_SECONDS = 10.0
_FASTEST = 5.0
_RANGE = re.compile(r"\{(\d{1,4})-(\d{1,4})\}")
_BOTH = (int(QType.A), int(QType.AAAA))


class When(Enum):
    """In which state of the television something is asked."""

    BOOT = "boot"
    HOME = "home"
    ON = "on"
    STANDBY = "standby"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Wish:
    """A name that is wanted, with its types. `{1-4}` in it stands for one of these numbers, `{0001-0200}` padded."""

    template: str
    qtypes: tuple[int, ...] = _BOTH

    def name(self, rng: Random) -> str:
        return _RANGE.sub(lambda found: _number(found, rng), self.template)


@dataclass(frozen=True, slots=True)
class Chatter:
    """Names that are wanted together: once when the state begins, or `every` so many seconds, give or take `jitter`
    (a share). `pick` of them a time, 0 for all, over `spread` seconds."""

    says: str
    wishes: tuple[Wish, ...]
    source: str
    when: When = When.ON
    every: float | None = None
    jitter: float = 0.05
    pick: int = 0
    spread: float = 1.0


@dataclass(frozen=True, slots=True)
class App:
    """Something people watch, for `minutes` (least, most) at a time; `weight` is how often, against the others."""

    name: str
    chatter: tuple[Chatter, ...]
    weight: float = 1.0
    minutes: tuple[float, float] = (20.0, 60.0)


@dataclass(frozen=True, slots=True)
class Storm:
    """How the television takes it when these names are blocked: `rate` lookups a second, for `seconds`, then `rest`."""

    names: frozenset[str]
    rate: float
    seconds: float
    rest: float
    source: str


@dataclass(frozen=True, slots=True)
class Script:
    """One television. `address` is its own loopback address; `day` are (hour it is switched on, hours it stays on).

    `hard_coded` are resolvers that sets of this maker ask although DHCP names another one; the simulated one does
    not, because there is no gateway in front of a laptop that could redirect such a query.
    """

    label: str
    maker: str
    address: str
    chatter: tuple[Chatter, ...]
    apps: tuple[App, ...]
    storms: tuple[Storm, ...] = ()
    day: tuple[tuple[float, float], ...] = ()
    tcp_share: float = 0.0
    hard_coded: tuple[str, ...] = ()

    def names(self) -> frozenset[str]:
        """Every name that the script can ask, ranges at their lower end."""
        chatter = (*self.chatter, *(one for app in self.apps for one in app.chatter))
        return frozenset(
            _RANGE.sub(lambda found: found[1], wish.template) for one in chatter for wish in one.wishes
        ) | frozenset(name for storm in self.storms for name in storm.names)

    def storm_of(self, name: str) -> Storm | None:
        return next((storm for storm in self.storms if name in storm.names), None)


def load_script(path: Path) -> Script:
    """Raises SettingsError, naming the file and the place, for a script that cannot be used."""
    try:
        return _script(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise SettingsError("demo.television-cannot-read", name=path.name, what=what) from error


def _script(table: Mapping[str, Any]) -> Script:
    sources: Mapping[str, str] = table["sources"]
    return Script(
        label=str(table["label"]),
        maker=str(table["maker"]),
        address=str(table["address"]),
        chatter=tuple(_chatter(one, sources) for one in table["chatter"]),
        apps=tuple(_app(one, sources) for one in table["app"]),
        storms=tuple(_storm(one, sources) for one in table.get("storm", ())),
        day=tuple((_between(start, 0, 24), _between(hours, 0, 12)) for start, hours in table["day"]),
        tcp_share=_between(table.get("tcp_share", 0.0), 0, 1),
        hard_coded=tuple(table.get("hard_coded", ())),
    )


def _app(table: Mapping[str, Any], sources: Mapping[str, str]) -> App:
    least, most = table["minutes"]
    return App(
        name=str(table["name"]),
        chatter=tuple(_chatter(one, sources) for one in table["chatter"]),
        weight=_between(table.get("weight", 1.0), 0.01, 100),
        minutes=(_between(least, 1, 600), _between(most, least, 600)),
    )


def _chatter(table: Mapping[str, Any], sources: Mapping[str, str]) -> Chatter:
    says = str(table["says"])
    wishes = tuple(_wish(text) for text in table["names"])
    if not wishes:
        raise ValueError(f"{says!r} has no names")
    every = table.get("every")
    return Chatter(
        says=says,
        wishes=wishes,
        source=sources[table["source"]],
        when=When(table.get("when", "on")),
        every=None if every is None else _between(every, _FASTEST, 86_400),
        jitter=_between(table.get("jitter", 0.05), 0, 0.9),
        pick=int(_between(table.get("pick", 0), 0, len(wishes))),
        spread=_between(table.get("spread", 1.0), 0, 600),
    )


def _storm(table: Mapping[str, Any], sources: Mapping[str, str]) -> Storm:
    return Storm(
        names=frozenset(Name.parse(name).text for name in table["names"]),
        rate=_between(table["rate"], 0.5, MAX_STORM_RATE),
        seconds=_between(table["seconds"], 0.5, MAX_STORM_SECONDS),
        rest=_between(table["rest"], 30, 86_400),
        source=sources[table["source"]],
    )


def _wish(text: str) -> Wish:
    template, *types = text.split()
    example = _RANGE.sub(lambda found: found[2], template)
    if Name.parse(example).text != example:
        raise ValueError(f"{template!r} is not a canonical name")
    for found in _RANGE.finditer(template):
        if int(found[1]) > int(found[2]):
            raise ValueError(f"the range in {template!r} is empty")
    return Wish(template, tuple(int(QType[one]) for one in types) or _BOTH)


def _number(found: re.Match[str], rng: Random) -> str:
    low, high = found.groups()
    return str(rng.randint(int(low), int(high))).zfill(len(low))


def _between(number: Any, low: float, high: float) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
        raise ValueError(f"{number!r} is not a number from {low:g} to {high:g}")
    return float(number)
