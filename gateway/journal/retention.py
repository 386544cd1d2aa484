"""How long things are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """`lookups` are single lookups; `minutes` and `hours` say how fine the charts of the past are; `rollups` is for
    all that is known by the day.

    `size` is how many bytes the journal may fill; over it the oldest goes first.
    """

    lookups: timedelta = timedelta(days=30)
    minutes: timedelta = timedelta(days=3)
    hours: timedelta = timedelta(days=62)
    rollups: timedelta = timedelta(days=400)
    size: int = 1 << 30
