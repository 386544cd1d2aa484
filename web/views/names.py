"""One name: whose it is and how we know, what happens to it and why, and who asks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.errors import Refused
from gateway.journal.reader import LookupFilter, Page
from gateway.model.lookup import Lookup
from gateway.model.name import Name
from web.api.lookups import seen_of
from web.backend import backend
from web.chart import draw_chart, slots_since
from web.views.frame import ask, call, now, page, pages, rule_index

_DAY = timedelta(hours=24)
_READ = 1000


@dataclass(frozen=True, slots=True)
class _One:
    """A lookup as a chart counts it."""

    start: datetime
    category: str
    lookups: int
    blocked: int


@pages.get("/names/")
@pages.get("/names/<path:name>")
def name(name: str = "") -> str:
    """The page of one canonical name; other spellings of it are understood."""
    try:
        wanted = Name.parse(name).text
    except ValueError as error:
        raise Refused.saying(str(error), "name") from None
    until = now()
    since = slots_since(until, _DAY, 3600)
    found = _recent(wanted, since)
    recent = [each for each in found.lookups if each.name == wanted]
    explained: dict[str, Any] | None = None
    if wanted:
        seen = seen_of(found, wanted)
        explained = ask(lambda: call("explain", name=wanted, device=None, **seen), None)
    bars = [_One(each.time, each.category, 1, int(each.verdict == "block")) for each in recent]
    return page(
        "name.html",
        "companies",
        name=wanted,
        explained=explained,
        row=ask(lambda: backend().reader.name(wanted), None),
        recent=recent[:20],
        askers=_askers(recent),
        full=len(recent) >= _READ,
        chart=draw_chart(bars, since, until, 3600),
        rule_index=rule_index(),
    )


def _recent(name: str, since: datetime) -> Page:
    if not name or "*" in name:
        return Page((), None)
    wanted = LookupFilter(name=name, since=since)
    return ask(lambda: backend().reader.lookups(wanted, limit=_READ), Page((), None))


def _askers(lookups: Iterable[Lookup]) -> list[dict[str, Any]]:
    """Who asked, the busiest first."""
    asked: Counter[str] = Counter()
    blocked: Counter[str] = Counter()
    last: dict[str, Lookup] = {}
    for each in lookups:
        asked[each.device] += 1
        blocked[each.device] += each.verdict == "block"
        last.setdefault(each.device, each)
    return [
        {
            "device": device,
            "label": last[device].device_name,
            "lookups": count,
            "blocked": blocked[device],
            "last": last[device].time,
        }
        for device, count in asked.most_common()
    ]
