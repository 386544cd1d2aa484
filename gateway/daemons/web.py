"""The dashboard's process: gunicorn, one worker, threads enough for the streams."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

from gateway.application.sockets import prepare_inherited_web
from gateway.errors import TelltaleError
from gateway.linux.process import begin, end_with_parent
from gateway.settings import Settings, add_arguments, from_arguments
from web import create_app
from web.auth import AuthStore
from web.serving import THREADS, settle_in

_GRACE = 6
"""Seconds until a worker that was told to stop is killed. It keeps the connections of open pages for two of them
(gunicorn's STOP_KEEPALIVE_LINGER), so with less each stop beside an open page is a race with the kill."""


class Dashboard(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our settings instead of its configuration file. `bind` is "fd://N" or "ADDR:PORT"."""

    def __init__(self, settings: Settings, bind: str) -> None:
        self._settings = settings
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        chosen: dict[str, Any] = {
            "bind": [self._bind],
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": 30,
            "graceful_timeout": _GRACE,
            "keepalive": 5,
            "limit_request_line": 8190,
            "limit_request_fields": 64,
            "loglevel": "warning",
            "proc_name": "telltale-web",
            "control_socket_disable": True,
            "post_worker_init": settle_in,
        }
        for key, value in chosen.items():
            if key in self.cfg.settings:
                self.cfg.set(key, value)

    def load(self) -> object:
        settings = self._settings
        hosts = (*settings.names, *settings.hosts)
        return create_app(data=settings.data, control=settings.control, hosts=hosts, keys=settings.auth)


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM. Exit status 2 when the settings are wrong."""
    begin("telltale-web")
    parser = argparse.ArgumentParser(prog="telltale-web")
    add_arguments(parser)
    parser.add_argument("--web-fd", type=int, help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    try:
        settings = from_arguments(parsed)
        AuthStore(settings.auth)
    except TelltaleError as error:
        print(error, file=sys.stderr)
        return 2
    if parsed.web_fd is not None:
        end_with_parent()
    # Under systemd gunicorn takes the socket that it was handed by itself (LISTEN_FDS).
    prepare_inherited_web()
    bind = str(settings.web) if parsed.web_fd is None else f"fd://{parsed.web_fd}"
    Dashboard(settings, bind).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
