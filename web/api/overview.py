"""The last hours at a glance: the numbers of the overview page."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from web.api.fields import Fields
from web.api.shapes import to_json
from web.backend import backend

blueprint = Blueprint("api_overview", __name__, url_prefix="/api/v1")

MOST_HOURS = 400 * 24


@blueprint.get("/overview")
def overview() -> Response:
    asked = Fields.of_query("hours", "device")
    hours = asked.whole("hours", 1, MOST_HOURS) or 24
    device = asked.text("device")
    reader, until = backend().reader, backend().now()
    since, step = until - timedelta(hours=hours), step_of(hours)
    devices = [row for row in reader.devices(since, until) if device in (None, row.device)]
    return jsonify(
        {
            "since": to_json(since),
            "until": to_json(until),
            "step": step,
            "totals": to_json(reader.totals(since, until, device=device)),
            "chart": to_json(reader.chart(since, until, step, device=device)),
            "companies": to_json(reader.companies(since, until, device=device)),
            "devices": to_json(devices),
        }
    )


def step_of(hours: int) -> int:
    """Seconds that one bar of the chart stands for, so that there are 48 to 200 of them."""
    for most, step in ((2, 60), (6, 300), (24, 900), (4 * 24, 3600), (14 * 24, 4 * 3600)):
        if hours <= most:
            return step
    return 24 * 3600
