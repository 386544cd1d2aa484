"""The way in: setting the first password, logging in, logging out."""

from __future__ import annotations

import math
from typing import cast

from flask import Blueprint, Response, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from gateway.catalogue.sentences import say
from gateway.errors import Refused
from web.auth import WRONG_CODE, WRONG_PASSWORD, AuthStore
from web.problems import problem
from web.security import forget, local_path, public, remember
from web.sessions import Session, Sessions
from web.stream import Broadcaster
from web.visitors import attempt, is_stranger, is_television, televisions

blueprint = Blueprint("entrance", __name__)
_ELSEWHERE = "use a device of your own network."


@blueprint.get("/setup")
@public
def setup() -> AnyResponse:
    """Who shows the code that the box shows chooses the password; else there is nothing here but a field for it."""
    if outsider := _refuse_outsiders():
        return outsider
    typed = request.args.get("code", "")
    if _store().code is None:
        return redirect(url_for("entrance.login"), 303)
    return _judge_code(typed) or _choose(200, typed)


@blueprint.post("/setup")
@public
def choose_password() -> AnyResponse:
    if outsider := _refuse_outsiders():
        return outsider
    if _store().code is None:
        return _page("entrance/login.html", 409, problem="A password is set already; log in with it.", next="/")
    typed = request.form.get("code", "")
    if wrong := _judge_code(typed):
        return wrong
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _choose(400, typed, "The two passwords differ; type the same one twice.")
    try:
        _store().redeem(typed, password)
    except Refused as error:
        if error.field == "code":
            return _page("entrance/code.html", 403, problem=str(error))
        return _choose(400, typed, str(error))
    cast(Broadcaster, current_app.extensions["telltale.stream"]).wake()
    return _let_in("/")


@blueprint.get("/login")
@public
def login() -> AnyResponse:
    if outsider := _refuse_televisions():
        return outsider
    if not _store().has_password:
        return redirect(url_for("entrance.setup"), 303)
    wanted = local_path(request.args.get("next", "/"))
    if isinstance(g.identity, Session):
        return redirect(wanted, 303)
    return _page("entrance/login.html", next=wanted)


@blueprint.post("/login")
@public
def enter() -> AnyResponse:
    if outsider := _refuse_televisions():
        return outsider
    wanted = local_path(request.form.get("next", "/"))
    with attempt() as tried:
        if tried.wait > 0:
            return _wait(tried.wait, "entrance/login.html", next=wanted)
        if not _store().is_password(request.form.get("password", "")):
            return _page("entrance/login.html", 401, problem=say(WRONG_PASSWORD, {}), next=wanted)
        tried.succeeded()
    return _let_in(wanted)


@blueprint.post("/logout")
@public
def logout() -> AnyResponse:
    answer: AnyResponse = redirect(url_for("entrance.login"), 303)
    if isinstance(g.identity, Session):
        if not _sessions().end(g.identity):
            answer = problem(503, "dashboard.logout-not-stored")
        cast(Broadcaster, current_app.extensions["telltale.stream"]).wake()
    forget(answer)
    return answer


def _let_in(path: str) -> AnyResponse:
    """A new session; one that the browser had before ends, so that none can be planted."""
    if isinstance(g.identity, Session):
        _sessions().end(g.identity)
    answer = redirect(path, 303)
    remember(answer, _sessions())
    return answer


def _judge_code(typed: str) -> AnyResponse | None:
    """None for the right code, else what to answer. Wrong ones get slow, the right one never: nobody guesses 59 bits,
    and nobody shall keep the owner out by guessing.
    """
    if not typed:
        return _page("entrance/code.html", 403)
    if _store().is_code(typed):
        return None
    with attempt() as tried:
        if tried.wait > 0:
            return _wait(tried.wait, "entrance/code.html")
        return _page("entrance/code.html", 403, problem=WRONG_CODE)


def _choose(status: int, code: str, said: str = "") -> AnyResponse:
    another = "yes" if _store().has_password else ""
    return _page("entrance/setup.html", status, code=code, problem=said, another=another)


def _wait(seconds: float, template: str, **values: str) -> AnyResponse:
    page = _page(template, 429, problem=f"Too many tries; wait {math.ceil(seconds)} seconds.", **values)
    page.headers["Retry-After"] = str(math.ceil(seconds))
    return page


def _refuse_outsiders() -> AnyResponse | None:
    """Only the home network may choose the password; behind a proxy nobody can say who asks."""
    if is_television():
        return problem(403, "dashboard.password-cannot-chosen")
    if is_stranger():
        return problem(403, "dashboard.password-can-only")
    return None


def _refuse_televisions() -> AnyResponse | None:
    if is_television() and not televisions().may_log_in:
        return problem(403, "dashboard.nobody-can-log", elsewhere=_ELSEWHERE)
    return None


def _page(template: str, status: int = 200, **values: str) -> AnyResponse:
    return Response(render_template(template, **values), status)


def _store() -> AuthStore:
    return cast(AuthStore, current_app.extensions["telltale.auth"])


def _sessions() -> Sessions:
    return cast(Sessions, current_app.extensions["telltale.sessions"])
