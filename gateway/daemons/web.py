"""The dashboard's process: one event loop for everybody who looks, and a few threads that work."""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from functools import partial
from typing import cast

from gateway.application.filtering import ask_effect
from gateway.application.sockets import adopt_sockets, bind_web, inherited_sockets
from gateway.errors import TelltaleError
from gateway.linux.process import begin, end_with_parent, hear_no_signal, notify
from gateway.network_settings import televisions_networks
from gateway.settings import Settings, add_arguments, from_arguments
from web.application import create_app
from web.serving.server import Server
from web.stream import Broadcaster
from web.visitors import Televisions


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM. Exit status 2 when the settings are wrong."""
    begin("telltale-web")
    parser = argparse.ArgumentParser(prog="telltale-web")
    add_arguments(parser)
    parser.add_argument("--web-fd", type=int, help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    try:
        settings = from_arguments(parsed)
        sockets = _sockets(settings, parsed.web_fd)
    except TelltaleError as error:
        print(error, file=sys.stderr)
        return 2
    if parsed.web_fd is not None:
        end_with_parent()
    asyncio.run(_serve(settings, sockets))
    return 0


def _sockets(settings: Settings, fd: int | None) -> tuple[socket.socket, ...]:
    """Those of `telltale up`, else those of systemd, else one of our own."""
    if fd is not None:
        return adopt_sockets([fd])
    return inherited_sockets() or (bind_web(settings.web),)


async def _serve(settings: Settings, sockets: tuple[socket.socket, ...]) -> None:
    hosts = (*settings.names, *settings.hosts)
    bridge = settings.network.bridge if settings.network else ""
    televisions = Televisions(televisions_networks(settings.network), bridge, settings.login_from_televisions)
    app = create_app(
        data=settings.data,
        control=settings.control,
        hosts=hosts,
        keys=settings.auth,
        televisions=televisions,
        effect=partial(ask_effect, settings.dns),
    )
    broadcaster = cast(Broadcaster, app.extensions["telltale.stream"])
    server = Server(
        app.wsgi_app,
        on_start=lambda: notify("READY=1"),
        on_stop=broadcaster.stop,
        every_few_seconds=lambda: notify("WATCHDOG=1"),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    await server.run(sockets)
    hear_no_signal()


if __name__ == "__main__":
    sys.exit(main())
