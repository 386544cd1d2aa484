"""The log as it happens. What is rendered here is the first screenful; scripts carry on from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flask import request

from gateway.journal.reader import LookupFilter, Page
from gateway.model.lookup import Lookup
from gateway.model.tag import Category
from web import present
from web.backend import backend
from web.views.frame import ask, page, pages, rule_index

_SHOWN = 100
TRACKING = "trackers"
_FIELDS = ("device", "name", "company", "category", "verdict")


_BLANK = Lookup(
    0, datetime.fromtimestamp(0, UTC), "-", "", "-", "-", "", "allow", "no rule", None, "unknown", "", "", "", 0
)


@dataclass(frozen=True, slots=True)
class Run:
    """The same lookup several times in a row; `lookup` is the newest of them, `types` counts each record type.

    Asking for both kinds of address (A and AAAA) is asking once: `times` is that of the type asked for most.
    """

    lookup: Lookup
    types: Counter[str]

    @property
    def times(self) -> int:
        return max(self.types.values())


def collapse(lookups: tuple[Lookup, ...]) -> list[Run]:
    """Neighbours that differ only in time and type become one run: a television may ask the same all day."""
    runs: list[Run] = []
    for lookup in lookups:
        if runs and _sameness(runs[-1].lookup) == _sameness(lookup):
            runs[-1].types[lookup.type] += lookup.times
        else:
            runs.append(Run(lookup, Counter({lookup.type: lookup.times})))
    return runs


@pages.get("/live")
def live() -> str:
    """The newest lookups that fit the filters of the URL."""
    wanted = {field: value for field in _FIELDS if (value := request.args.get(field, "").strip()[:256])}
    if wanted.get("verdict") not in (None, "block", "allow"):
        del wanted["verdict"]
    before = request.args.get("before")
    found = ask(lambda: _search(wanted, before, request.args.get("until")), Page((), None))
    older: dict[str, Any] = {**wanted, "before": found.next}
    if wanted.get("category") == TRACKING:
        older = {**wanted, "until": found.lookups[-1].time.isoformat()} if found.next else {}
    return page(
        "live.html",
        "live",
        runs=collapse(found.lookups),
        wanted=wanted,
        older=older if found.next else None,
        from_the_top=not before and not request.args.get("until"),
        categories=[
            (TRACKING, "any tracker"),
            *((each.value, present.category_words(each.value)) for each in Category),
        ],
        tracking=[each.value for each in Category if each.tracks],
        rule_index=rule_index(),
        blank=_BLANK,
    )


def _search(wanted: Mapping[str, str], before: str | None, until: str | None) -> Page:
    reader = backend().reader
    category = wanted.get("category")
    rest = LookupFilter(
        device=wanted.get("device"),
        name=wanted.get("name"),
        company=wanted.get("company"),
        verdict=wanted.get("verdict"),
        until=present.moment(until),
    )
    if category != TRACKING:
        return reader.lookups(replace(rest, category=category), limit=_SHOWN, before=before)
    tracking = [each.value for each in Category if each.tracks]
    found = [reader.lookups(replace(rest, category=each), limit=_SHOWN) for each in tracking]
    merged = sorted((lookup for part in found for lookup in part.lookups), key=lambda each: each.id, reverse=True)
    more = len(merged) > _SHOWN or any(part.next for part in found)
    return Page(tuple(merged[:_SHOWN]), "more" if more and merged else None)


def _sameness(lookup: Lookup) -> tuple[str, str, str, str]:
    return lookup.device, lookup.name, lookup.verdict, lookup.reason
