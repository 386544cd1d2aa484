"""A web server on loopback that publishes a block list as real ones do: with an ETag, and 304 for who has it."""

from __future__ import annotations

import hashlib
import http.server
import threading
from types import TracebackType
from typing import Any


class ListServer:
    """`publish` sets what is served from now on, `beside` what is served at other paths; `asked` are the If-None-Match
    of each request; while `gate` is not set, whoever asks waits.
    """

    def __init__(self, text: str = "") -> None:
        self.asked: list[str | None] = []
        self.gate = threading.Event()
        self.gate.set()
        self._body = text.encode()
        self.beside: dict[str, str] = {}
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner._answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/list.txt"

    def __enter__(self) -> ListServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Nobody answers there any more; safe to call twice."""
        self.gate.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def publish(self, text: str) -> None:
        self._body = text.encode()

    def _answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        beside = self.beside.get(request.path)
        body = self._body if beside is None else beside.encode()
        tag = f'"{hashlib.sha256(body).hexdigest()}"'
        self.asked.append(request.headers.get("If-None-Match"))
        self.gate.wait(60)
        known = request.headers.get("If-None-Match") == tag
        request.send_response(304 if known else 200)
        request.send_header("ETag", tag)
        request.send_header("Content-Length", "0" if known else str(len(body)))
        request.end_headers()
        if not known:
            request.wfile.write(body)
