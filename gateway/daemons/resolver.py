"""The resolver's process: DNS, policy, journal, devices, and the control socket that the others speak to.

DNS answers first and whatever else is broken: the journal is opened behind its back, lists are compiled by another
process, and a part that fails is a sentence on the dashboard.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from gateway.application.core import open_core
from gateway.application.folder import hold_folder
from gateway.application.parts import register_all
from gateway.application.running import run
from gateway.application.sockets import DnsSockets, adopt_sockets, bind_dns, inherited_sockets, sort_dns
from gateway.errors import TelltaleError
from gateway.linux.process import answer_promptly, begin, end_with_parent, hear_no_signal
from gateway.settings import Settings, add_arguments, from_arguments


async def serve(settings: Settings, sockets: DnsSockets) -> None:
    """Answers until SIGTERM or SIGINT."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    core = open_core(settings, sockets, loop)
    await run(core, register_all(core), stop)
    hear_no_signal()


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM. Exit status 2 when the settings are wrong."""
    begin("telltale-resolver")
    answer_promptly()
    parser = argparse.ArgumentParser(prog="telltale-resolver")
    add_arguments(parser)
    parser.add_argument("--dns-fd", type=int, action="append", default=[], help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    try:
        settings = from_arguments(parsed)
        if parsed.dns_fd:
            end_with_parent()
        hold_folder(settings.data)
        handed = adopt_sockets(parsed.dns_fd) if parsed.dns_fd else inherited_sockets()
        sockets = sort_dns(handed) if handed else bind_dns(settings.dns, settings.workers)
        asyncio.run(serve(settings, sockets))
    except TelltaleError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
