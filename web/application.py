"""Puts the dashboard together: keys, the gate, the stream of events, the API and the pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from flask import Flask

from gateway.control.client import ControlClient
from gateway.control.places import ControlPlaces
from gateway.journal.reader import Reader
from gateway.model.effect import Effect
from web import api
from web.auth import AuthStore
from web.backend import Backend
from web.limits import MAX_BODY
from web.problems import speak_plainly
from web.security import protect
from web.sessions import LIFETIME, Sessions
from web.stream import Broadcaster
from web.throttle import Throttle
from web.views import blueprints as pages
from web.views import entrance
from web.visitors import NO_TELEVISIONS, Televisions


def create_app(
    *,
    data: Path,
    control: Path | ControlPlaces | ControlClient,
    hosts: Iterable[str] = (),
    keys: Path | None = None,
    reader: Reader | None = None,
    hasher: PasswordHasher | None = None,
    televisions: Televisions = NO_TELEVISIONS,
    effect: Callable[[], Effect | None],
) -> Flask:
    """The application over the data folder `data`.

    `control` is the resolver's control socket, or where it may be, or a client of it; `hosts` are the names, beside IP
    addresses, localhost, telltale.lan and this machine's own name, under which the dashboard may be opened; `keys` is
    where the password and the tokens are kept (`web.json` in the data folder). `reader` replaces the reader of the
    folder's journal and `hasher` that of passwords; `televisions` is the network from which no password can be chosen;
    `effect` asks DNS itself whether it blocks. While the keys cannot be used every page says so, and nobody is let in.
    """
    app = Flask(__package__)
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        MAX_FORM_PARTS=20,
        SESSION_SECONDS=LIFETIME,
    )
    client = ControlClient(control) if isinstance(control, Path | ControlPlaces) else control
    store = AuthStore(keys or data / "web.json", hasher=hasher, patient=True)
    sessions = Sessions(store)
    app.extensions["telltale"] = Backend(reader or Reader(data / "journal.sqlite"), client, effect)
    app.extensions["telltale.auth"] = store
    app.extensions["telltale.sessions"] = sessions
    app.extensions["telltale.throttle"] = Throttle()
    app.extensions["telltale.televisions"] = televisions
    app.extensions["telltale.stream"] = Broadcaster(client.subscribe)
    speak_plainly(app)
    protect(app, store, sessions, hosts)
    _stamp_static_files(app)
    for blueprint in (entrance.blueprint, *api.blueprints, *pages):
        app.register_blueprint(blueprint)
    return app


def _stamp_static_files(app: Flask) -> None:
    """Static addresses carry a hash of the content, so that they may be kept and still never be stale."""

    @cache
    def digest(path: Path, changed: int) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]

    @app.url_defaults
    def stamp(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "filename" in values and "v" not in values:
            path = Path(app.static_folder or "", values["filename"])
            if path.is_file():
                values["v"] = digest(path, path.stat().st_mtime_ns)
