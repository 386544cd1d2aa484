"""How a request is reported that it went wrong: one sentence, as JSON for programs and as a page for people."""

from __future__ import annotations

import logging
from typing import cast

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from gateway.errors import JournalError, Refused, SettingsError, Unavailable

log = logging.getLogger(__name__)

_SENTENCES = {
    400: "This request cannot be understood.",
    404: "There is nothing at this address.",
    405: "This address does not do that.",
    413: "This request is too large; 64 KiB are the most.",
    415: "Send JSON, and say so: Content-Type: application/json.",
    431: "The headers of this request are too large.",
}
_OURS = "Something went wrong inside Telltale; its log says what."


def is_for_programs(path: str) -> bool:
    """True for addresses that answer JSON or text, never a page."""
    return path.startswith(("/api/", "/metrics")) and path != "/api/docs"


def problem(status: int, sentence: str, field: str | None = None) -> AnyResponse:
    """{"error": sentence, "field": field} for programs, a page with the sentence for people."""
    wants_page = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    if wants_page and not is_for_programs(request.path):
        page = Response(render_template("entrance/problem.html", sentence=sentence, status=status), status)
        page.headers["Content-Type"] = "text/html; charset=utf-8"
        return page
    answer = jsonify({"error": sentence, "field": field} if field else {"error": sentence})
    answer.status_code = status
    return answer


def speak_plainly(app: Flask) -> None:
    """Makes one sentence of every error. What nobody expected is logged, and reported without its inside."""

    @app.errorhandler(Refused)
    def refused(error: Refused) -> AnyResponse:
        return problem(400, str(error), error.field)

    @app.errorhandler(Unavailable)
    @app.errorhandler(JournalError)
    @app.errorhandler(SettingsError)
    def unavailable(error: Exception) -> AnyResponse:
        answer = problem(503, str(error))
        answer.headers["Retry-After"] = "5"
        return answer

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> AnyResponse:
        if error.response is not None:
            return cast(AnyResponse, error.response)
        status = error.code or 500
        answer = problem(status, _SENTENCES.get(status, error.description or _OURS))
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> AnyResponse:
        log.error("%s %s failed", request.method, request.path[:200], exc_info=error)
        return problem(500, _OURS)
