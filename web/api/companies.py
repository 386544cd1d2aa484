"""Who was contacted: companies, and the names they are known by."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from gateway.model.tag import Category
from web.api.fields import Fields
from web.api.shapes import to_json
from web.backend import backend
from web.problems import problem

blueprint = Blueprint("api_companies", __name__, url_prefix="/api/v1")

MOST = 1000


@blueprint.get("/companies")
def companies() -> Response:
    asked = Fields.of_query("since", "until", "device", "limit")
    since, until = asked.span(backend().now())
    rows = backend().reader.companies(
        since, until, device=asked.text("device"), limit=asked.whole("limit", 1, MOST) or 50
    )
    return jsonify({"since": to_json(since), "until": to_json(until), "companies": to_json(rows)})


@blueprint.get("/companies/<path:name>")
def company(name: str) -> Response:
    """What is known of a company, and which of its names were looked up."""
    asked = Fields.of_query("since", "until", "device")
    if not name.isprintable() or len(name) > 255:
        return problem(404, "dashboard.no-company-name", "name")
    since, until = asked.span(backend().now())
    facts: dict[str, Any] | None = backend().control.call("company", name=name)
    rows = backend().reader.names(since, until, device=asked.text("device"), company=name)
    if facts is None and not rows:
        return problem(404, "dashboard.no-company-name-known", "name")
    return jsonify(
        {
            "name": name,
            "facts": facts,
            "since": to_json(since),
            "until": to_json(until),
            "lookups": sum(row.lookups for row in rows),
            "blocked": sum(row.blocked for row in rows),
            "names": to_json(rows),
        }
    )


@blueprint.get("/names")
def names() -> Response:
    asked = Fields.of_query("since", "until", "device", "company", "category", "limit")
    since, until = asked.span(backend().now())
    rows = backend().reader.names(
        since,
        until,
        device=asked.text("device"),
        company=asked.text("company"),
        category=asked.choice("category", Category),
        limit=asked.whole("limit", 1, MOST) or 200,
    )
    return jsonify({"since": to_json(since), "until": to_json(until), "names": to_json(rows)})
