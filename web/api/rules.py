"""What people decided: rules and pauses."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, url_for
from msgspec import to_builtins
from werkzeug.wrappers import Response

from gateway.errors import Refused
from gateway.schema.requests import NewPause, NewRule
from web.api.fields import Fields, body
from web.backend import backend
from web.keys import Token
from web.problems import problem

blueprint = Blueprint("api_rules", __name__, url_prefix="/api/v1")


@blueprint.get("/rules")
def rules() -> Response:
    Fields.of_query()
    return jsonify(backend().control.call("rules.list"))


@blueprint.post("/rules")
def add_rule() -> tuple[Response, int, dict[str, str]]:
    asked = body(NewRule)
    # What is no name is refused here, where the field is known.
    asked.scope  # noqa: B018
    rule: dict[str, Any] = backend().control.call("rules.add", **to_builtins(asked), made_by=made_by())
    return jsonify(rule), 201, {"Location": url_for("api_rules.rules") + f"/{rule['id']}"}


@blueprint.delete("/rules/<int:rule_id>")
def remove_rule(rule_id: int) -> Response:
    Fields.of_query()
    try:
        return jsonify(backend().control.call("rules.remove", id=rule_id))
    except Refused:
        return problem(404, "dashboard.no-rule-id", "id")


@blueprint.get("/presets")
def presets() -> Response:
    Fields.of_query()
    control = backend().control
    effects = control.call("presets.effects")["home"]
    offered = control.call("presets")["presets"]
    return jsonify({"presets": [{**each, "home": effects.get(each["preset"])} for each in offered]})


@blueprint.get("/services")
def services() -> Response:
    Fields.of_query()
    return jsonify(backend().control.call("services"))


@blueprint.post("/pause")
def pause() -> Response:
    """Lets everything through for a while; 0 seconds end the pause."""
    rule = backend().control.call("pause", **to_builtins(body(NewPause)), made_by=made_by())
    return jsonify({"rule": rule})


def made_by() -> str:
    """Who decides: a person at the dashboard, or the program that holds this token."""
    return f"token {g.identity.label}" if isinstance(g.identity, Token) else "dashboard"
