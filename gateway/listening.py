"""The end of a server, with the connections that the kernel has handed over and nobody has seen yet."""

from __future__ import annotations

import asyncio

_ROUNDS = 4
"""Of the loop, from accept(2) to a protocol's first call or a stream handler's first step (selector_events.py)."""


async def close_server(server: asyncio.Server) -> None:
    """Closes the listening sockets once every connection that was accepted has reached its protocol or its handler.

    `Server.close` alone leaves those of the last moment behind: asyncio gives up on a connection whose server was
    closed between accepting it and making its transport, and only the garbage collector closes the socket.
    """
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        loop.remove_reader(listener)
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
    server.close()
