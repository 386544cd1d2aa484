"""The gate in front of every page and every API answer: closed unless a view says that it is public.

Four questions, in this order: is the Host one of ours (DNS rebinding), is the request allowed to change something
(cross-site requests), who is it, and may they. The cross-site check looks at headers that a browser sets and a page
cannot: `Sec-Fetch-Site`, and where a browser does not send it (plain HTTP to a LAN address) `Origin` against `Host`
(Filippo Valsorda, "Cross-Site Request Forgery", 2025; OWASP CSRF cheat sheet, "Verifying origin"). A request with
neither header is a program's (curl with the session cookie): a browser that is made to change something across sites
always sends one of them (Fetch standard, "append a request Origin header": every method but GET and HEAD).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from gateway.catalogue.sentences import OTHER
from gateway.model.special_addresses import is_home
from web.auth import AuthStore
from web.keys import Token
from web.problems import is_for_programs, problem
from web.sessions import BROWSER_COOKIE, BROWSER_LIFETIME, COOKIE, Session, Sessions

P = ParamSpec("P")
R = TypeVar("R")

OWN_NAMES = ("localhost", "telltale.lan", "telltale.local")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# Not "no-referrer": with it browsers send "Origin: null" along with our own forms, and nobody could log in.
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Marks a view that answers without a login."""
    view.__dict__["public"] = True
    return view


def protect(app: Flask, store: AuthStore, sessions: Sessions, hosts: Iterable[str]) -> None:
    """Puts the gate in front of every view of `app`, and the headers behind it."""
    names = frozenset(own_names(hosts))

    @app.before_request
    def check() -> AnyResponse | None:
        if not is_own_host(request.environ.get("HTTP_HOST", ""), names):
            return problem(421, "dashboard.name-not-telltale")
        if store.trouble is not None and request.endpoint not in ("static", "api_status.healthz"):
            return problem(503, OTHER, None, sentence=store.trouble)
        g.identity = identify(request, store, sessions)
        if request.method not in _SAFE and not isinstance(g.identity, Token) and not is_same_origin(request):
            return problem(403, "dashboard.request-came-another")
        if g.identity is None and not _is_public(app, request):
            return _closed(store)
        return None

    @app.after_request
    def seal(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if request.is_secure:
            # On plain HTTP browsers ignore it, and complain.
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if request.endpoint == "static" and response.status_code in (200, 206, 304):
            response.headers["Cache-Control"] = "max-age=3600" if request.args.get("v") else "no-cache"
        else:
            response.headers["Cache-Control"] = "no-store"
        return response


def identify(asked: Request, store: AuthStore, sessions: Sessions) -> Session | Token | None:
    """Who asks. A request that shows a token is judged by it alone, so that no cookie stands in for a wrong one."""
    authorization = asked.headers.get("Authorization")
    if authorization is not None:
        scheme, _, text = authorization.partition(" ")
        return store.token_of(text.strip()) if scheme.lower() == "bearer" else None
    cookie = asked.cookies.get(COOKIE)
    return sessions.read(cookie) if cookie else None


def is_own_host(host: str, names: frozenset[str]) -> bool:
    """True when a Host header names an IP address or one of our names; a port may follow.

    A page of somebody else's can make its own name resolve to us, but it cannot make its name an IP address.
    """
    try:
        parts = urlsplit(f"//{host}")
        name = (parts.hostname or "").removesuffix(".")
        if parts.port == 0 or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            return False
    except ValueError:
        return False
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def own_names(hosts: Iterable[str]) -> set[str]:
    """The names under which the dashboard may be opened: the fixed ones, this machine's, and those given."""
    machine = socket.gethostname().partition(".")[0]
    own = {*OWN_NAMES, socket.gethostname(), machine, f"{machine}.local", f"{machine}.lan"}
    return {name.strip().lower().removesuffix(".") for name in (*own, *hosts) if name.strip()}


def is_same_origin(asked: Request) -> bool:
    """True when a browser says that the request comes from one of our own pages, or from no page at all ("none": a
    person did it by hand); also when no browser says anything, for then it is none.
    """
    site = asked.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = asked.headers.get("Origin")
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or "@" in parts.netloc:
        return False
    default = 443 if parts.scheme == "https" else 80
    host = urlsplit(f"//{asked.environ.get('HTTP_HOST', '')}")
    return (parts.hostname, port or default) == (host.hostname, host.port or default)


def is_home_address(client: str) -> bool:
    """True for loopback, private and link-local addresses: those a stranger on the internet cannot have."""
    try:
        return is_home(ipaddress.ip_address(client.partition("%")[0]))
    except ValueError:
        return False


def local_path(text: str) -> str:
    """The path to go on to after a login: `text` when it is a path of ours, else "/"."""
    if not text.startswith("/") or text.startswith(("//", "/\\")) or not text.isprintable() or "\\" in text:
        return "/"
    return text


def _is_public(app: Flask, asked: Request) -> bool:
    if asked.endpoint == "static":
        return True
    view = app.view_functions.get(asked.endpoint or "")
    return bool(getattr(view, "public", False))


def _closed(store: AuthStore) -> AnyResponse:
    if is_for_programs(request.path) or request.method not in ("GET", "HEAD"):
        answer = problem(401, "dashboard.log-first-send")
        answer.headers["WWW-Authenticate"] = 'Bearer realm="Telltale"'
        return answer
    if not store.has_password:
        return redirect(url_for("entrance.setup"), 303)
    wanted = local_path(request.full_path.rstrip("?"))
    return redirect(url_for("entrance.login", next=None if wanted == "/" else wanted), 303)


def remember(response: AnyResponse, sessions: Sessions) -> None:
    """Gives the browser a new session, and what tells later that it was let in once: out of scripts' reach, and never
    sent along from another site's page.
    """
    for name, value, seconds in (
        (COOKIE, sessions.begin(), current_app.config["SESSION_SECONDS"]),
        (BROWSER_COOKIE, sessions.introduce(), BROWSER_LIFETIME),
    ):
        response.set_cookie(
            name, value, max_age=int(seconds), httponly=True, samesite="Strict", secure=request.is_secure
        )


def forget(response: AnyResponse) -> None:
    """Takes the session's cookie away."""
    response.delete_cookie(COOKIE, httponly=True, samesite="Strict", secure=request.is_secure)


def still_holds(identity: Session | Token | None) -> Callable[[], bool]:
    """Asks later, outside of the request, whether this login or token is still good."""
    store = cast(AuthStore, current_app.extensions["telltale.auth"])
    sessions = cast(Sessions, current_app.extensions["telltale.sessions"])

    def holds() -> bool:
        if isinstance(identity, Session):
            return sessions.is_valid(identity)
        return identity in store.tokens()

    return holds
