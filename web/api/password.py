"""A new password for those who know the old one."""

from __future__ import annotations

import math
from typing import cast

from flask import Blueprint, current_app, g, jsonify
from werkzeug.wrappers import Response

from gateway.errors import Refused
from gateway.schema.requests import NewPassword
from web.api.fields import body
from web.auth import WRONG_PASSWORD, AuthStore, check_new_password
from web.problems import problem
from web.security import remember
from web.sessions import Session, Sessions
from web.stream import Broadcaster
from web.visitors import attempt

blueprint = Blueprint("api_password", __name__, url_prefix="/api/v1")


@blueprint.post("/password")
def change_password() -> Response:
    """Every other session ends; tokens stay. This is a place to guess passwords too, so it has the same throttle."""
    asked = body(NewPassword)
    old, new = asked.old, asked.new
    check_new_password(new, "new")
    with attempt() as tried:
        if tried.wait > 0:
            answer = problem(429, "dashboard.too-many-tries", "old", ceil=f"{math.ceil(tried.wait)}")
            answer.headers["Retry-After"] = str(math.ceil(tried.wait))
            return answer
        try:
            cast(AuthStore, current_app.extensions["telltale.auth"]).change_password(old, new)
        except Refused:
            return problem(403, WRONG_PASSWORD, "old")
        tried.succeeded()
    cast(Broadcaster, current_app.extensions["telltale.stream"]).wake()
    answer = jsonify({"changed": True})
    if isinstance(g.identity, Session):
        remember(answer, cast(Sessions, current_app.extensions["telltale.sessions"]))
    return answer
