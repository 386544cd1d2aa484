"""What stands on the network."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from gateway.errors import JournalError, Refused
from gateway.schema.requests import DeviceChange
from web.api.fields import Fields, body
from web.api.shapes import to_json
from web.backend import backend
from web.problems import problem

blueprint = Blueprint("api_devices", __name__, url_prefix="/api/v1")


@blueprint.get("/devices")
def devices() -> Response:
    """Every device, with what it looked up in the last 24 hours; null while the journal cannot be read."""
    Fields.of_query()
    known: list[dict[str, Any]] = backend().control.call("devices.list")["devices"]
    activity = _activity()
    return jsonify({"devices": [{**device, "activity": activity.get(device["id"])} for device in known]})


@blueprint.get("/devices/<device_id>")
def device(device_id: str) -> Response:
    Fields.of_query()
    known: list[dict[str, Any]] = backend().control.call("devices.list")["devices"]
    for one in known:
        if one["id"] == device_id:
            return jsonify({**one, "activity": _activity().get(device_id)})
    return problem(404, "dashboard.no-device-id", "id")


@blueprint.patch("/devices/<device_id>")
def rename(device_id: str) -> Response:
    """Names a device, or says what it is; "" takes the name away."""
    changes = body(DeviceChange).changes
    if not changes:
        raise Refused("dashboard.say-least-name", "name")
    try:
        return jsonify(backend().control.call("devices.update", id=device_id, **changes))
    except Refused as error:
        if error.field in ("id", "device"):
            return problem(404, error.code, "id", **error.arguments)
        raise


def _activity() -> dict[str, Any]:
    now = backend().now()
    try:
        rows = backend().reader.devices(now - timedelta(hours=24), now)
    except JournalError:
        return {}
    return {row.device: to_json(row) for row in rows}
