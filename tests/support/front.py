"""The dashboard's HTTP server around any WSGI application, in this process, on a loopback port of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any

from web.serving.call import Application
from web.serving.server import Server


class Front:
    """`with` serves; `ask` sends bytes and gives all that comes back until the server hangs up."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="front")
        self.server: Server
        self._loop: asyncio.AbstractEventLoop

    def __enter__(self) -> Front:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join(20)
        assert not self._thread.is_alive(), "it does not stop"

    def stop(self) -> None:
        with suppress(RuntimeError):  # it has stopped already
            self._loop.call_soon_threadsafe(self.server.stop)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, 10)

    def ask(self, *pieces: bytes) -> bytes:
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            return until_the_end(connection)

    def call(self, function: Any) -> Any:
        """Runs it on the server's loop."""

        async def work() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)

    async def _run(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = listener.getsockname()[:2]
        self._loop = asyncio.get_running_loop()
        self.server = Server(self._application, on_start=self._ready.set)
        await self.server.run([listener])


def until_the_end(connection: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    found = b""
    while piece := connection.recv(65_536):
        found += piece
    return found
