"""What was looked up, and why a name is treated as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from gateway.errors import JournalError, Refused
from gateway.journal.reader import LookupFilter, Page
from gateway.model.tag import Category
from gateway.model.verdict import Action
from gateway.schema.requests import MOST_TARGETS
from web.api.fields import Fields
from web.api.shapes import to_json
from web.backend import backend

blueprint = Blueprint("api_lookups", __name__, url_prefix="/api/v1")

FILTERS = ("device", "client", "name", "company", "category", "verdict")
MOST = 1000
_RECENT = 200


@blueprint.get("/lookups")
def lookups() -> Response:
    asked = Fields.of_query(*FILTERS, "since", "until", "limit", "before")
    since, until = asked.time("since"), asked.time("until")
    if since and until and since >= until:
        raise Refused("dashboard.since-lies-before", "since")
    wanted = filter_of(asked, since=since, until=until)
    page = _page(wanted, asked.whole("limit", 1, MOST) or 100, asked.text("before", 128))
    return jsonify({"lookups": to_json(page.lookups), "next": page.next})


def _page(wanted: LookupFilter, limit: int, before: str | None) -> Page:
    """The journal refuses a `before` that it never gave; that is the asker's mistake when all else can be read."""
    reader = backend().reader
    try:
        return reader.lookups(wanted, limit=limit, before=before)
    except JournalError:
        if before is not None:
            reader.lookups(wanted, limit=1)
            raise Refused("dashboard.before-next-earlier", "before") from None
        raise


@blueprint.get("/explain")
def explain() -> Response:
    asked = Fields.of_query("name", "device")
    return jsonify(explanation(asked.domain_name(), asked.text("device")))


def explanation(name: str, device: str | None) -> dict[str, Any]:
    """What the resolver says of a canonical name, given where the name led to lately as far as the journal knows."""
    try:
        page = backend().reader.lookups(LookupFilter(name=name), limit=_RECENT)
    except JournalError:
        page = Page((), None)
    said: dict[str, Any] = backend().control.call("explain", name=name, device=device, **seen_of(page, name))
    return said


def seen_of(page: Page, name: str) -> dict[str, Any]:
    """What the journal has seen of a name, as the verb `explain` takes it: nothing when it saw nothing."""
    seen: dict[str, Any] = {}
    if led_to := page.led_to(name):
        seen["targets"] = list(led_to[:MOST_TARGETS])
    if mine := [each for each in page.lookups if each.name == name]:
        seen["times"] = [round(each.time.timestamp(), 1) for each in mine]
        seen["devices"] = len({each.device for each in mine})
    return seen


def filter_of(asked: Fields, *, since: datetime | None = None, until: datetime | None = None) -> LookupFilter:
    """The lookups that a query string speaks of."""
    return LookupFilter(
        device=asked.text("device"),
        client=asked.text("client", 64),
        name=asked.text("name"),
        company=asked.text("company"),
        category=asked.choice("category", Category),
        verdict=asked.choice("verdict", Action),
        since=since,
        until=until,
    )
