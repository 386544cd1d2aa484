"""The process of one worker: it answers DNS beside the resolver, which starts it and which it ends with."""

from __future__ import annotations

import argparse
import asyncio
import sys

from gateway.application.sockets import adopt_sockets
from gateway.application.worker import Asking, Worker, work
from gateway.errors import TelltaleError
from gateway.linux.process import answer_promptly, begin, end_with_parent
from gateway.settings import add_arguments, from_arguments


def main(arguments: list[str] | None = None) -> int:
    """Started by the resolver only. Exit status 2 when the settings are wrong."""
    begin("telltale-worker")
    end_with_parent()
    answer_promptly()
    parser = argparse.ArgumentParser(prog="telltale-worker")
    add_arguments(parser)
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--asking", type=int, required=True)
    parser.add_argument("--dns-fd", type=int, action="append", default=[])
    parsed = parser.parse_args(arguments)
    try:
        settings = from_arguments(parsed)
        channel, asking, *dns = adopt_sockets([parsed.channel, parsed.asking, *parsed.dns_fd])
        worker = Worker(settings, tuple(dns), Asking(asking))
        asyncio.run(work(worker, channel))
    except TelltaleError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
