"""What a click would cost, before it counts: what a television would lose, and which earlier rule would go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, jsonify, request

from gateway.errors import Refused
from gateway.model.tag import Need
from web.backend import backend
from web.views.frame import ask, call, now, pages, rule_index
from web.views.services import all_services

_ASKED = 40
_LOOK_BACK = timedelta(days=7)


@pages.get("/consequences")
def consequences() -> Response:
    """`{"required": [{"name", "symptom"}], "services": [{"service", "stops"}], "trackers": bool, "replaces": [rule,
    ...]}` for a rule on `name` (with `subtree=1` and all below it), `service`, `trackers`, `company` or `category`, for
    `device` or everyone. Only blocking can cost something; `trackers` is whether something watches there that can be
    blocked alone.
    """
    asked = request.args
    device = asked.get("device") or None
    subtree = asked.get("subtree") == "1"
    scope = {key: asked[key] for key in ("name", "service", "trackers", "company", "category") if asked.get(key)}
    replaces = rule_index().replaced_by(
        {**scope, "subtree": subtree, "device": device, "seconds": asked.get("seconds")}
    )
    required: list[dict[str, str]] = []
    services: list[dict[str, Any]] = []
    if asked.get("action") == "block":
        services = _services(scope)
        for name in _names(scope, device, subtree)[:_ASKED]:
            explained = _explain(name, device)
            if explained.get("need") == Need.REQUIRED.value:
                required.append({"name": name, "symptom": explained.get("symptom") or ""})
    trackers = any(each["watched"] for each in services)
    stopped = [{"service": each["service"], "stops": each["stops"]} for each in services]
    return jsonify({"required": required, "services": stopped, "trackers": trackers, "replaces": replaces})


def _services(scope: dict[str, str]) -> list[dict[str, Any]]:
    """The services that end with the whole of a service or a company."""
    if not scope.keys() & {"service", "company"}:
        return []
    service, company = scope.get("service"), scope.get("company")
    return [each for each in all_services() if service == each["service"] or company == each["company"]]


def _names(scope: dict[str, str], device: str | None, subtree: bool) -> list[str]:
    """The names that a rule would stop, as far as they were looked up lately; a rule on a company or a category spares
    what a television needs by itself.
    """
    name = scope.get("name")
    if not name or not subtree:
        return [name] if name else []
    until = now()
    rows = ask(lambda: backend().reader.names(until - _LOOK_BACK, until, device=device, limit=500), ())
    return [name, *(row.name for row in rows if row.name.endswith("." + name))]


def _explain(name: str, device: str | None) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = ask(lambda: call("explain", name=name, device=device), {})
    except Refused:
        return {}
    return answer
