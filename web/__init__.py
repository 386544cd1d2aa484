"""The dashboard: a Flask application that shows lookups as they happen and sends people's decisions to the resolver."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from web.backend import Backend

if TYPE_CHECKING:
    from gateway.control.client import ControlClient
    from gateway.journal.reader import Reader


def create_app(
    *, data: Path, control: Path | ControlClient, hosts: Iterable[str] = (), reader: Reader | None = None
) -> Flask:
    """The application over the data folder `data`.

    `control` is the resolver's control socket, or a client of it; `hosts` are the names, beside IP addresses,
    localhost and this machine's own name, under which the dashboard may be opened. `reader` replaces the reader of the
    folder's journal.
    """
    app = Flask(__name__)
    if isinstance(control, Path):
        from gateway.control.client import ControlClient

        control = ControlClient(control)
    if reader is None:
        from gateway.journal.reader import Reader

        reader = Reader(data / "journal.sqlite")
    app.extensions["telltale"] = Backend(reader, control)
    try:
        from web.views import blueprints
    except ImportError:
        blueprints = ()
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app
