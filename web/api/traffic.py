"""What devices exchanged with whom, and how they tried to go round the resolver. Empty where we own no network."""

from __future__ import annotations

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from web.api.companies import MOST
from web.api.fields import Fields
from web.api.shapes import to_json
from web.backend import backend

blueprint = Blueprint("api_traffic", __name__, url_prefix="/api/v1")


@blueprint.get("/exchanges")
def exchanges() -> Response:
    """Most bytes first, to the hour."""
    asked = Fields.of_query("since", "until", "device", "limit")
    since, until = asked.span(backend().now())
    limit = asked.whole("limit", 1, MOST) or 200
    rows = backend().reader.exchanges(since, until, device=asked.text("device"), limit=limit)
    return jsonify({"since": to_json(since), "until": to_json(until), "exchanges": to_json(rows)})


@blueprint.get("/detours")
def detours() -> Response:
    """The latest first, to the day."""
    asked = Fields.of_query("since", "until", "device", "limit")
    since, until = asked.span(backend().now())
    limit = asked.whole("limit", 1, MOST) or 200
    rows = backend().reader.detours(since, until, device=asked.text("device"), limit=limit)
    return jsonify({"since": to_json(since), "until": to_json(until), "detours": to_json(rows)})
