"""`telltale up`: resolver and dashboard in the foreground, without root."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.application.folder import hold_folder, release_folder
from gateway.application.sockets import bind_dns, bind_web
from gateway.application.upstreams import open_all_upstreams
from gateway.commands.password import first_link
from gateway.commands.supervisor import Program, Supervisor
from gateway.control.client import ControlClient, connect_unix
from gateway.control.places import ControlPlaces
from gateway.errors import SettingsError, Unavailable
from gateway.linux.process import begin
from gateway.linux.rights import become_owner_of, rights_of_owner
from gateway.settings import Endpoint, Settings, to_arguments

_START = 20.0


def run_up(
    settings: Settings, beside: Callable[[Settings], Sequence[Program]] = lambda _: (), lines: Sequence[str] = ()
) -> int:
    """Runs until Ctrl-C. `beside` says what else is to run, once the addresses are known; `lines` are printed with
    them.

    Raises SettingsError when an address is taken.
    """
    begin("telltale")
    open_all_upstreams(settings, lambda change: None)
    with rights_of_owner(settings.data):
        # Looked at before anything is started; the resolver then holds it.
        hold_folder(settings.data, patience=1.0)
        release_folder()
    with rights_of_owner(settings.auth.parent):
        begin_keys(settings)
    dns = bind_dns(settings.dns, settings.workers)
    web = bind_web(settings.web)
    # Low ports were all that could need root.
    become_owner_of(settings.data)
    settings = replace(settings, dns=tuple(dns.addresses()), web=Endpoint(*web.getsockname()[:2]))
    flags = tuple(to_arguments(settings))
    dns_flags = tuple(word for fd in dns.fds() for word in ("--dns-fd", str(fd)))
    programs = [
        Program("gateway.daemons.resolver", (*flags, *dns_flags), tuple(dns.fds()), vital=True),
        # Televisions wait for names, people for pages, and after a power cut both come at once.
        Program(
            "gateway.daemons.web",
            (*flags, "--web-fd", str(web.fileno())),
            (web.fileno(),),
            lets_pass=lambda: _is_up(settings.control),
        ),
        *beside(settings),
    ]
    supervisor = Supervisor(programs)
    asyncio.run(_run(supervisor, settings, lines))
    print("Telltale has stopped.")
    return supervisor.status


def _is_up(control: ControlPlaces) -> bool:
    try:
        connect_unix(control, timeout=0.1).close()
    except OSError:
        return False
    return True


async def _run(supervisor: Supervisor, settings: Settings, lines: Sequence[str]) -> None:
    greeting = asyncio.create_task(_greet(settings, lines))
    await supervisor.run()
    greeting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await greeting


def begin_keys(settings: Settings) -> None:
    """Sees that there is a code before the first packet. What is wrong with the keys is the dashboard's affair."""
    with contextlib.suppress(SettingsError):
        first_link(settings)


def _setup_lines(settings: Settings) -> list[str]:
    try:
        link = first_link(settings)
    except SettingsError as error:
        return [f"Password    {error}"]
    return [f"Set up      {link}"] if link else []


async def _greet(settings: Settings, lines: Sequence[str]) -> None:
    """Says where to look, as soon as there is something to see."""
    client = ControlClient(settings.control)
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline:
        try:
            await asyncio.to_thread(client.call, "status")
            _, writer = await asyncio.open_connection(settings.web.host, settings.web.port)
            writer.close()
            break
        except (Unavailable, OSError):
            await asyncio.sleep(0.1)
    else:
        print("Telltale does not answer yet; `telltale doctor` says what is wrong.", file=sys.stderr)
    address = settings.dns[0]
    print(f"Dashboard   http://{settings.web}/")
    for line in (*_setup_lines(settings), *lines):
        print(line)
    print(f"DNS         {', '.join(str(each) for each in settings.dns)}")
    print(f"Try         dig @{address.host} -p {address.port} example.org")
    print(f"Data        {settings.data}")
    print("Ctrl-C stops everything.")
    sys.stdout.flush()
