"""The whole dashboard over a scene: a real control server, a real application, a real HTTP server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from gateway.control.server import ControlServer
from gateway.journal.hooks import Hooks
from gateway.journal.preparation import prepare
from gateway.journal.reader import Reader
from gateway.journal.writer import Writer
from tests.browser.scene import Scene
from tests.support.waiting import wait_until
from web.application import create_app
from web.sessions import COOKIE

QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Requests of a test are nobody's news."""


@dataclass
class Stage:
    """`url` is where the dashboard is; `cookie` lets a browser in."""

    url: str
    cookie: str
    scene: Scene
    writer: Writer
    app: Flask

    @property
    def cookies(self) -> list[dict[str, Any]]:
        return [{"name": COOKIE, "value": self.cookie, "url": self.url, "httpOnly": True, "sameSite": "Strict"}]


@contextmanager
def perform(scene: Scene, folder: Path) -> Iterator[Stage]:
    """Runs the dashboard until the block ends."""
    with _journal(scene, folder / "journal.sqlite") as writer, _control(scene, folder / "control.sock") as path:
        reader = Reader(folder / "journal.sqlite")
        app = create_app(data=folder, control=path, reader=reader, hasher=QUICK_HASHER, effect=scene.effect)
        app.extensions["telltale.auth"].set_first_password("correct horse battery")
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        server.daemon_threads = True  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            cookie = app.extensions["telltale.sessions"].begin()
            yield Stage(f"http://127.0.0.1:{server.server_port}", cookie, scene, writer, app)
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()
            reader.close()


@contextmanager
def _journal(scene: Scene, path: Path) -> Iterator[Writer]:
    """Everything that the scene's resolver logs is written, counted and passed on, as in a real box."""
    prepare(path)
    writer = Writer(
        path,
        scene.log,
        hooks=Hooks(
            tag=scene.tag,
            device_of=scene.device_of,
            publish=scene.hub.publish_from_thread,
            report=scene.hub.publish_from_thread,
            wants_events=scene.hub.has_listeners,
        ),
        interval=0.05,
    )
    waiting = len(scene.log)
    writer.start()
    try:
        wait_until(lambda: writer.counters()["recorded"] >= waiting, shows=writer.counters)
        yield writer
    finally:
        writer.stop()


@contextmanager
def _control(scene: Scene, path: Path) -> Iterator[Path]:
    loop = asyncio.new_event_loop()
    server = ControlServer(path, scene.handlers(), scene.hub)
    scene.hub.attach(loop)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    try:
        yield path
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
