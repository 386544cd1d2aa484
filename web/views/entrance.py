"""The way in: setting the first password, logging in, logging out."""

from __future__ import annotations

import math
from typing import cast

from flask import Blueprint, Response, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from gateway.errors import Refused
from web.auth import WRONG_PASSWORD, AuthStore
from web.problems import problem
from web.security import forget, is_home_address, local_path, public, remember
from web.sessions import Session, Sessions
from web.stream import Broadcaster
from web.throttle import Throttle

blueprint = Blueprint("entrance", __name__)


@blueprint.get("/setup")
@public
def setup() -> AnyResponse:
    """The first visit chooses the password; afterwards there is nothing here."""
    if _store().has_password:
        return redirect(url_for("entrance.login"), 303)
    return _refuse_strangers() or _page("entrance/setup.html")


@blueprint.post("/setup")
@public
def choose_password() -> AnyResponse:
    if _store().has_password:
        return _page("entrance/login.html", 409, problem="A password is set already; log in with it.", next="/")
    if stranger := _refuse_strangers():
        return stranger
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _page("entrance/setup.html", 400, problem="The two passwords differ; type the same one twice.")
    try:
        _store().set_first_password(password)
    except Refused as error:
        return _page("entrance/setup.html", 400 if error.field else 409, problem=str(error))
    return _let_in("/")


@blueprint.get("/login")
@public
def login() -> AnyResponse:
    if not _store().has_password:
        return redirect(url_for("entrance.setup"), 303)
    wanted = local_path(request.args.get("next", "/"))
    if isinstance(g.identity, Session):
        return redirect(wanted, 303)
    return _page("entrance/login.html", next=wanted)


@blueprint.post("/login")
@public
def enter() -> AnyResponse:
    wanted = local_path(request.form.get("next", "/"))
    client = request.remote_addr or ""
    wait = _throttle().try_once(client)
    if wait > 0:
        said = f"Too many tries; wait {math.ceil(wait)} seconds."
        page = _page("entrance/login.html", 429, problem=said, next=wanted)
        page.headers["Retry-After"] = str(math.ceil(wait))
        return page
    if not _store().is_password(request.form.get("password", "")):
        return _page("entrance/login.html", 401, problem=WRONG_PASSWORD, next=wanted)
    _throttle().succeeded(client)
    return _let_in(wanted)


@blueprint.post("/logout")
@public
def logout() -> AnyResponse:
    if isinstance(g.identity, Session):
        _sessions().end(g.identity)
        cast(Broadcaster, current_app.extensions["telltale.stream"]).wake()
    answer = redirect(url_for("entrance.login"), 303)
    forget(answer)
    return answer


def _let_in(path: str) -> AnyResponse:
    """A new session; one that the browser had before ends, so that none can be planted."""
    if isinstance(g.identity, Session):
        _sessions().end(g.identity)
    answer = redirect(path, 303)
    remember(answer, _sessions().begin())
    return answer


def _refuse_strangers() -> AnyResponse | None:
    """Only the home network may choose the password; behind a proxy nobody can say who asks."""
    proxied = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-Ip"))
    if is_home_address(request.remote_addr or "") and not proxied:
        return None
    return problem(403, "The first password can only be set from the home network, without a proxy in between.")


def _page(template: str, status: int = 200, **values: str) -> AnyResponse:
    return Response(render_template(template, **values), status)


def _store() -> AuthStore:
    return cast(AuthStore, current_app.extensions["telltale.auth"])


def _sessions() -> Sessions:
    return cast(Sessions, current_app.extensions["telltale.sessions"])


def _throttle() -> Throttle:
    return cast(Throttle, current_app.extensions["telltale.throttle"])
