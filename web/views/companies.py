"""Who was contacted, and one company's own page."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import abort, request

from gateway.journal.reader import NameRow
from web import present
from web.backend import backend
from web.chart import draw_chart, slots_since
from web.views.frame import ask, call, devices, now, page, pages, period, rule_index
from web.views.services import all_services

_ASKED_DEVICES = 40


@pages.get("/companies")
def companies() -> str:
    """Every company of the period, the busiest first; `?show=trackers` leaves only those that mostly track."""
    chosen, until = period(), now()
    rows = ask(lambda: backend().reader.companies(until - chosen.span, until, limit=300), ())
    only = request.args.get("show") == "trackers"
    shown = [row for row in rows if row.category in present.TRACKING] if only else list(rows)
    return page("companies.html", "companies", companies=shown, only_trackers=only, rule_index=rule_index())


@pages.get("/companies/<path:company>")
def company(company: str) -> str:
    """Who they are, which of their names were contacted, and by which device."""
    reader, chosen, until = backend().reader, period(), now()
    since = until - chosen.span
    about: dict[str, Any] | None = ask(lambda: call("company", name=company), None)
    names = ask(lambda: reader.names(since, until, company=company, limit=300), ())
    drawn_since = slots_since(until, chosen.span, chosen.step)
    chart = draw_chart(
        ask(lambda: reader.chart(drawn_since, until, chosen.step, company=company), ()), drawn_since, until, chosen.step
    )
    found = rule_index()
    if about is None and not names and not found.of("company", company) and not _ever(company):
        abort(404)
    return page(
        "company.html",
        "companies",
        company=company,
        about=about or {},
        names=names,
        services=[each for each in all_services() if each["company"] == company],
        askers=_askers(company),
        chart=chart,
        rule_index=found,
    )


def _ever(company: str) -> bool:
    """True when the journal knows the company at all, or cannot say."""
    rows: tuple[NameRow, ...] | None = ask(
        lambda: backend().reader.names(now() - 400 * period().span, now(), company=company, limit=1), None
    )
    return rows is None or bool(rows)


def _askers(company: str) -> list[dict[str, Any]]:
    """The devices that contacted the company in the period, the busiest first."""
    reader, until = backend().reader, now()
    since = until - period().span
    found = []
    for device in devices()[:_ASKED_DEVICES]:
        rows = ask(partial(reader.names, since, until, device=device["id"], company=company, limit=300), ())
        if rows:
            found.append(
                {
                    "device": device,
                    "lookups": sum(row.lookups for row in rows),
                    "blocked": sum(row.blocked for row in rows),
                }
            )
    return sorted(found, key=lambda each: each["lookups"], reverse=True)
