"""How a request that went wrong is answered: one sentence, as JSON for programs and as a page for people."""

from __future__ import annotations

import logging
from typing import cast

from flask import Flask, Response, jsonify, render_template, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from gateway.catalogue.sentences import OTHER, say
from gateway.errors import JournalError, Refused, SettingsError, TelltaleError, Unavailable

log = logging.getLogger(__name__)

_CODES = {
    400: "dashboard.request-unclear",
    404: "dashboard.nothing-here",
    405: "dashboard.not-done-here",
    413: "dashboard.request-too-large",
    415: "dashboard.send-json",
    431: "dashboard.headers-too-large",
}


def is_for_programs(path: str) -> bool:
    """True for addresses that answer JSON or text, never a page."""
    return path.startswith(("/api/", "/metrics")) and path != "/api/docs"


def problem(status: int, code: str, field: str | None = None, **arguments: int | float | str) -> AnyResponse:
    """{"error": sentence, "code": code, "field": field} for programs, a page with the sentence for people."""
    sentence = say(code, arguments)
    wants_page = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    # A Host that is no host at all has no addresses of ours, which a page is full of.
    if wants_page and request_ctx.url_adapter is not None and not is_for_programs(request.path):
        page = Response(render_template("entrance/problem.html", sentence=sentence, status=status), status)
        page.headers["Content-Type"] = "text/html; charset=utf-8"
        return page
    answer = jsonify({"error": sentence, "code": code, **({"field": field} if field else {})})
    answer.status_code = status
    return answer


def speak_plainly(app: Flask) -> None:
    """Makes one sentence of every error. What nobody expected is logged, and shown without its inside."""

    @app.errorhandler(Refused)
    def refused(error: Refused) -> AnyResponse:
        return problem(400, error.code, error.field, **error.arguments)

    @app.errorhandler(Unavailable)
    @app.errorhandler(JournalError)
    @app.errorhandler(SettingsError)
    def unavailable(error: TelltaleError) -> AnyResponse:
        answer = problem(503, error.code, None, **error.arguments)
        answer.headers["Retry-After"] = "5"
        return answer

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> AnyResponse:
        if error.response is not None:
            return cast(AnyResponse, error.response)
        status = error.code or 500
        answer = problem(status, _CODES.get(status, OTHER), None, sentence=error.description or "")
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> AnyResponse:
        log.error("%s %s failed", request.method, request.path[:200], exc_info=error)
        return problem(500, "dashboard.something-went-wrong")
