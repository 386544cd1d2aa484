"""`telltale demo`: the same program, with simulated televisions in front and a simulated internet behind it."""

from __future__ import annotations

import secrets
import shlex
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from gateway.application.sockets import bind_dns
from gateway.commands.supervisor import Program
from gateway.commands.up import run_up
from gateway.demo.fleet import Fleet
from gateway.errors import SettingsError
from gateway.linux.rights import rights_of_owner
from gateway.settings import Endpoint, Settings
from web.auth import AuthStore

_WORDS = (
    *("amber", "birch", "cedar", "coral", "delta", "ember", "fjord", "grove"),
    *("hazel", "ivory", "linen", "maple", "olive", "pearl", "river", "slate"),
)


def run_demo(settings: Settings, *, explicit_data: bool, pace: float) -> int:
    """Runs until Ctrl-C. Without a data folder of its own everything is forgotten at the end."""
    Fleet(("127.0.0.1", 0), pace=pace)
    with ExitStack() as stack:
        if not explicit_data:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="telltale-demo-"))
            settings = replace(settings, data=Path(folder), keys=None)
        internet = bind_dns((Endpoint("127.0.0.1", 0),))
        settings = replace(settings, upstreams=(f"udp://{internet.addresses()[0]}",), simulated=True)
        with rights_of_owner(settings.data):
            settings.data.mkdir(parents=True, exist_ok=True, mode=0o750)
        with rights_of_owner(settings.auth.parent):
            lines = _password(settings)

        def beside(settings: Settings) -> list[Program]:
            flags = [word for fd in internet.fds() for word in ("--internet-fd", str(fd))]
            flags += ["--resolver", str(settings.dns[0]), "--pace", str(pace)]
            return [Program("gateway.daemons.demo", tuple(flags), tuple(internet.fds()))]

        return run_up(settings, beside, lines)


def _password(settings: Settings) -> list[str]:
    """A password for the demo's dashboard, made once and printed then; later only how to set another."""
    another = shlex.join(("telltale", "password", "--data", str(settings.data)))
    try:
        auth = AuthStore(settings.auth)
        if auth.has_password:
            return [f"Password    as before; when it is forgotten: {another}"]
        password = "-".join(secrets.choice(_WORDS) for _ in range(4))
        auth.set_first_password(password)
    except SettingsError:
        # The dashboard shows what is wrong with its keys, and DNS does not need them.
        return []
    return [f"Password    {password}", "            The televisions and their internet are simulated."]
