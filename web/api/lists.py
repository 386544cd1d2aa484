"""Lists that people subscribed to."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, url_for
from werkzeug.wrappers import Response

from gateway.errors import Refused
from gateway.model.verdict import Action
from gateway.schema.requests import NewList
from web.api.fields import Fields, body, web_address
from web.backend import backend
from web.problems import problem

blueprint = Blueprint("api_lists", __name__, url_prefix="/api/v1")


@blueprint.get("/lists")
def lists() -> Response:
    Fields.of_query()
    return jsonify(backend().control.call("lists.list"))


@blueprint.post("/lists")
def add_list() -> tuple[Response, int, dict[str, str]]:
    asked = body(NewList)
    field = "url" if asked.url else "source"
    added: dict[str, Any] = backend().control.call(
        "lists.add",
        source=web_address(asked.url or asked.source or "", field),
        title=asked.title or "",
        action=(asked.action or Action.BLOCK).value,
        comment=asked.comment or "",
    )
    return jsonify(added), 201, {"Location": url_for("api_lists.lists") + f"/{added['id']}"}


@blueprint.delete("/lists/<int:list_id>")
def remove_list(list_id: int) -> Response:
    Fields.of_query()
    try:
        return jsonify(backend().control.call("lists.remove", id=list_id))
    except Refused:
        return problem(404, "dashboard.no-list-id", "id")


@blueprint.post("/lists/<int:list_id>/accept")
def accept_list(list_id: int) -> Response:
    Fields.of_query()
    try:
        return jsonify(backend().control.call("lists.accept", id=list_id))
    except Refused as refused:
        if refused.code == "rules.no-such-list":
            return problem(404, "dashboard.no-list-id", "id")
        raise


@blueprint.post("/lists/refresh")
def refresh() -> tuple[Response, int]:
    Fields.of_query()
    return jsonify(backend().control.call("lists.refresh")), 202
