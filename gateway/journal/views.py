"""What a reader of the journal asks for and gets: plain frozen values, times aware UTC, shares never rounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.model.lookup import Lookup


@dataclass(frozen=True, slots=True)
class LookupFilter:
    """Which lookups; None means any.

    `device` is a device id, `client` a textual address, `company` a company's name, `category` a category's value,
    `verdict` "allow" or "block". `name` is a part of the name, or with `*` in it the whole name with gaps
    ("*.samsung.com"). `since` is included, `until` is not; both are aware.
    """

    device: str | None = None
    client: str | None = None
    name: str | None = None
    company: str | None = None
    category: str | None = None
    verdict: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. `next` is the `before` of the following page, None at the end.

    A page may be shorter than asked for, even empty, and still have a next one: so much was searched for now.
    """

    lookups: tuple[Lookup, ...]
    next: str | None

    def led_to(self, name: str) -> tuple[str, ...]:
        """Where this name led to when it was answered last; () when no lookup here tells."""
        return next((each.targets for each in self.lookups if each.name == name and each.targets), ())


@dataclass(frozen=True, slots=True)
class Totals:
    """`trackers` are the lookups in categories that track, `companies` and `names` are how many different ones."""

    lookups: int = 0
    blocked: int = 0
    companies: int = 0
    names: int = 0
    trackers: int = 0
    blocked_trackers: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """Lookups of one category in [start, start + step); bars without lookups are left out."""

    start: datetime
    category: str
    lookups: int
    blocked: int


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """A company whose names were looked up; `category` is its most frequent one.

    `names` and `devices` are how many; `first_seen` and `last_seen` are the first and last lookup that is known of,
    whatever the range that was asked for.
    """

    company: str
    category: str
    lookups: int
    blocked: int
    names: int
    devices: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class NameRow:
    """A name that was looked up; `devices` is by how many, the rest as in `CompanyRow`."""

    name: str
    company: str | None
    category: str
    lookups: int
    blocked: int
    devices: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """Bytes up (from the device) and down that devices and one name exchanged; `name` None is everybody whom no answer
    explains. `company` and `category` as in `NameRow`.
    """

    name: str | None
    company: str | None
    category: str
    up: int
    down: int
    connections: int


@dataclass(frozen=True, slots=True)
class DetourRow:
    """How a device tried to go round the resolver: the fields are those of `gateway.model.flow.Attempt`, enums as their
    values. `server` "" stands for many that are not listed one by one.
    """

    device: str
    detour: str
    server: str
    protocol: str
    port: int
    outcome: str
    count: int
    bytes: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device id, its label and what it looked up; `companies` is how many, `trackers` counts lookups."""

    device: str
    device_name: str
    lookups: int
    blocked: int
    companies: int
    trackers: int
    last_lookup: datetime
