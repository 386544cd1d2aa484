"""What stands on the network, and one device's own page."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import partial
from typing import Any

from flask import abort

from gateway.errors import ControlError
from gateway.journal.reader import NameRow, Totals
from web import ledger
from web.backend import backend
from web.chart import draw_chart, draw_spark, slots_since
from web.views.chooser import chooser
from web.views.frame import ask, call, device_labels, now, page, pages, period, rule_index
from web.views.frame import devices as known_devices
from web.views.network import network_status
from web.views.services import services_on

_SPARKS = 24
_DAY = timedelta(hours=24)


@pages.get("/devices")
def devices() -> str:
    """Every device as a card."""
    reader, chosen, until = backend().reader, period(), now()
    rows = {row.device: row for row in ask(lambda: reader.devices(until - chosen.span, until), ())}
    since = slots_since(until, _DAY, 3600)
    sparks = {}
    for device in known_devices()[:_SPARKS]:
        bars = draw_chart(ask(partial(reader.chart, since, until, 3600, device=device["id"]), ()), since, until, 3600)
        sparks[device["id"]] = draw_spark([column.lookups for column in bars.columns])
    return page("devices.html", "devices", rows=rows, sparks=sparks)


@pages.get("/devices/<path:device>")
def device(device: str) -> str:
    """Who this device talks to, and when."""
    known = next((each for each in known_devices() if each["id"] == device), None)
    if known is None and device_labels():
        abort(404)
    reader, chosen, until = backend().reader, period(), now()
    since = until - chosen.span
    drawn_since = slots_since(until, chosen.span, chosen.step)
    found = rule_index()
    names: dict[str | None, list[NameRow]] = defaultdict(list)
    for row in ask(lambda: reader.names(since, until, device=device, limit=300), ()):
        names[row.company].append(row)
    detours = ask(lambda: reader.detours(since, until, device=device, limit=100), ())
    whose = _whose({row.server for row in detours if row.server})
    companies = ask(lambda: reader.companies(since, until, device=device, limit=60), ())
    used, others = services_on(device)
    return page(
        "device.html",
        "devices",
        device=known or _stranger(device),
        totals=ask(lambda: reader.totals(since, until, device=device), Totals()),
        chart=draw_chart(
            ask(lambda: reader.chart(drawn_since, until, chosen.step, device=device), ()),
            drawn_since,
            until,
            chosen.step,
        ),
        companies=companies,
        names=names,
        nobody=names.get(None, []),
        services=used,
        other_services=others,
        exchanged=ledger.by_company(ask(lambda: reader.exchanges(since, until, device=device, limit=300), ())),
        detours=detours,
        whose=whose,
        round_us=ledger.sentence(detours, whose),
        owns_network=network_status() is not None,
        ledger=ledger,
        rule_index=found,
        chooser=chooser(found, device),
    )


def _whose(servers: set[str]) -> dict[str, str]:
    """Who runs these resolvers, as far as anybody knows."""
    if not servers:
        return {}
    try:
        said: dict[str, str] = call("resolvers.whose", servers=sorted(servers))
    except ControlError:
        return {}
    return said


def _stranger(device: str) -> dict[str, Any]:
    """What can be shown of a device while the resolver cannot be asked."""
    return {
        "id": device,
        "label": device,
        "name": "",
        "addresses": [],
        "mac": None,
        "first_seen": None,
        "last_seen": None,
    }
