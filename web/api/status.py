"""How Telltale is."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, current_app, jsonify
from werkzeug.wrappers import Response

from gateway.errors import JournalError
from web.api.fields import Fields
from web.backend import backend
from web.security import public
from web.spoken import spoken_health
from web.stream import MAX_STREAMS, Broadcaster

blueprint = Blueprint("api_status", __name__)


@blueprint.get("/api/v1/status")
def status() -> Response:
    Fields.of_query()
    said: dict[str, Any] = backend().control.call("status")
    return jsonify(
        {
            **spoken_health(said),
            "journal": journal_health(),
            "streams": {"open": len(cast(Broadcaster, current_app.extensions["telltale.stream"])), "most": MAX_STREAMS},
        }
    )


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """Says that the dashboard's process lives, and nothing else to those who have not logged in."""
    return jsonify({"status": "ok"})


def journal_health() -> dict[str, Any]:
    """Whether the dashboard can read what was recorded."""
    try:
        backend().reader.lookup(1)
    except JournalError as error:
        return {"healthy": False, "says": str(error)}
    return {"healthy": True, "says": "The journal can be read."}
