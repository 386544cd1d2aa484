"""The process of the simulated world: televisions that ask, and an internet that answers them."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from gateway.application.sockets import DnsSockets, adopt_sockets, sort_dns
from gateway.demo.fleet import Fleet
from gateway.demo.internet import simulated_internet
from gateway.errors import TelltaleError
from gateway.linux.process import begin, end_with_parent
from gateway.settings import Endpoint


async def _live(internet: DnsSockets, resolver: Endpoint, pace: float) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with simulated_internet(internet.udp[0], internet.tcp[0]):
        fleet = Fleet((resolver.host, resolver.port), pace=pace)
        living = asyncio.create_task(fleet.run())
        ending = asyncio.create_task(stop.wait())
        await asyncio.wait({living, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        await fleet.stop()
        await living


def main(arguments: list[str] | None = None) -> int:
    """The simulated world's own process. Exit status 2 when it cannot exist here."""
    begin("telltale-demo")
    end_with_parent()
    parser = argparse.ArgumentParser(prog="telltale-demo")
    parser.add_argument("--internet-fd", required=True, type=int, action="append")
    parser.add_argument("--resolver", required=True, type=Endpoint.parse)
    parser.add_argument("--pace", type=float, default=1.0)
    parsed = parser.parse_args(arguments)
    try:
        internet = sort_dns(adopt_sockets(parsed.internet_fd))
        asyncio.run(_live(internet, parsed.resolver, parsed.pace))
    except TelltaleError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
