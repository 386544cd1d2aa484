"""What people decided: rules and pauses."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, url_for
from werkzeug.wrappers import Response

from gateway.errors import Refused
from gateway.model.rule import PRESET_OFF, PRESETS
from gateway.model.tag import Category
from gateway.model.verdict import Action
from web.api.fields import MAX_SECONDS, Fields, canonical_name
from web.backend import backend
from web.keys import Token
from web.problems import problem

blueprint = Blueprint("api_rules", __name__, url_prefix="/api/v1")

_SCOPES = ("name", "company", "category", "everything", "preset")


@blueprint.get("/rules")
def rules() -> Response:
    Fields.of_query()
    return jsonify(backend().control.call("rules.list"))


@blueprint.post("/rules")
def add_rule() -> tuple[Response, int, dict[str, str]]:
    asked = Fields.of_body("action", *_SCOPES, "subtree", "device", "seconds", "comment")
    action = asked.choice("action", Action)
    if action is None:
        raise Refused("action is missing; it is block or allow.", "action")
    rule: dict[str, Any] = backend().control.call(
        "rules.add",
        action=action,
        **_scope(asked),
        device=asked.text("device"),
        seconds=asked.whole("seconds", 1, MAX_SECONDS),
        comment=asked.words("comment", 255),
        made_by=made_by(),
    )
    return jsonify(rule), 201, {"Location": url_for("api_rules.rules") + f"/{rule['id']}"}


@blueprint.delete("/rules/<int:rule_id>")
def remove_rule(rule_id: int) -> Response:
    Fields.of_query()
    try:
        return jsonify(backend().control.call("rules.remove", id=rule_id))
    except Refused:
        return problem(404, "There is no rule with this id.", "id")


@blueprint.get("/presets")
def presets() -> Response:
    Fields.of_query()
    return jsonify(backend().control.call("presets"))


@blueprint.post("/pause")
def pause() -> Response:
    """Lets everything through for a while; 0 seconds end the pause."""
    asked = Fields.of_body("device", "seconds")
    seconds = asked.whole("seconds", 0, MAX_SECONDS)
    if seconds is None:
        raise Refused("seconds is missing; it says how long to pause, and 0 ends the pause.", "seconds")
    rule = backend().control.call("pause", device=asked.text("device"), seconds=seconds, made_by=made_by())
    return jsonify({"rule": rule})


def made_by() -> str:
    """Who decides: a person at the dashboard, or the program that holds this token."""
    return f"token {g.identity.label}" if isinstance(g.identity, Token) else "dashboard"


def _scope(asked: Fields) -> dict[str, Any]:
    named = [key for key in _SCOPES if asked.has(key)]
    if len(named) != 1:
        raise Refused(
            "Say exactly one of name, company, category, everything and preset.", named[1] if named else "name"
        )
    subtree = asked.flag("subtree")
    if named == ["name"]:
        said = asked.required("name", 1024)
        wild = said.startswith("*.")
        return {"name": canonical_name(said[2:] if wild else said), "subtree": subtree or wild}
    if subtree:
        raise Refused("subtree speaks of names only.", "subtree")
    if named == ["everything"]:
        return _everything(asked)
    if named == ["company"]:
        return {"company": asked.required("company")}
    if named == ["preset"]:
        return {"preset": _preset(asked)}
    return {"category": asked.choice("category", Category)}


def _preset(asked: Fields) -> str:
    said = asked.required("preset")
    if said not in (PRESET_OFF, *PRESETS):
        raise Refused(f"preset is one of: {', '.join((PRESET_OFF, *PRESETS))}.", "preset")
    if said != PRESET_OFF and asked.choice("action", Action) != Action.BLOCK.value:
        raise Refused("A preset goes with block; the preset that blocks nothing is called off.", "action")
    return said


def _everything(asked: Fields) -> dict[str, Any]:
    if not asked.flag("everything"):
        raise Refused("everything is true, or left out.", "everything")
    if asked.choice("action", Action) != "block" or not asked.has("device"):
        raise Refused("everything cuts one device off: it goes with block and a device; to allow, pause.", "everything")
    return {"everything": True}
