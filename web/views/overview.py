"""The first page: is it on, what happened, who was contacted, and one click to stop each of them."""

from __future__ import annotations

from flask import render_template

from gateway.journal.reader import LookupFilter, Page, Totals
from web.backend import backend
from web.chart import draw_chart, slots_since
from web.views.chooser import chooser
from web.views.frame import ask, frame, now, page, pages, period, rule_index
from web.views.live import collapse

_SHOWN_COMPANIES = 10
_SHOWN_DEVICES = 8
_SHOWN_LATEST = 7


@pages.get("/")
def overview() -> str:
    """Tiles, chart, companies and devices of one period."""
    reader, chosen, until = backend().reader, period(), now()
    found = rule_index()
    since = until - chosen.span
    drawn_since = slots_since(until, chosen.span, chosen.step)
    return page(
        "overview.html",
        "overview",
        since=since,
        totals=ask(lambda: reader.totals(since, until), Totals()),
        chart=draw_chart(
            ask(lambda: reader.chart(drawn_since, until, chosen.step), ()), drawn_since, until, chosen.step
        ),
        companies=ask(lambda: reader.companies(since, until, limit=_SHOWN_COMPANIES), ()),
        talkers=sorted(ask(lambda: reader.devices(since, until), ()), key=lambda row: row.trackers, reverse=True)[
            :_SHOWN_DEVICES
        ],
        latest=collapse(ask(lambda: reader.lookups(LookupFilter(), limit=40), Page((), None)).lookups)[:_SHOWN_LATEST],
        rule_index=found,
        chooser=chooser(found),
    )


@pages.get("/strip")
def strip() -> str:
    """Only the status strip, for pages that stay open."""
    return render_template("frame.html", **frame())
