"""The televisions' network, where this box makes it."""

from __future__ import annotations

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from gateway.errors import Refused
from gateway.schema.requests import NetworkIsolate
from web.api.fields import Fields, body
from web.backend import backend
from web.problems import problem

blueprint = Blueprint("api_network", __name__, url_prefix="/api/v1/network")


@blueprint.put("/isolation")
def isolate() -> Response:
    """Keeps devices of the televisions' network from each other, or lets them."""
    Fields.of_query()
    asked = body(NetworkIsolate)
    try:
        return jsonify(backend().control.call("network.isolate", isolated=asked.isolated))
    except Refused as error:
        if error.field != "verb":
            raise
        return problem(404, "dashboard.no-network-here")
