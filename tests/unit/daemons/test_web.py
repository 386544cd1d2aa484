"""Which sockets the dashboard's process serves, and that it ends before anybody loses patience with it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from gateway.application import sockets
from gateway.commands.supervisor import PATIENCE
from gateway.daemons.web import _sockets
from gateway.settings import Endpoint, Settings
from web.serving import server


def test_it_ends_by_itself_before_the_supervisor_ends_it() -> None:
    assert server.GRACE + 2 < PATIENCE


def test_it_takes_the_sockets_of_systemd_and_of_telltale_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data=tmp_path, web=Endpoint("127.0.0.1", 0))
    own = _sockets(settings, None)
    assert [each.getsockname()[0] for each in own] == ["127.0.0.1"]
    place = own[0].getsockname()
    handed = os.dup(own[0].fileno())
    (given,) = _sockets(settings, handed)
    assert given.getsockname() == place
    monkeypatch.setattr(sockets, "_FIRST_INHERITED", os.dup(own[0].fileno()))
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    (inherited,) = _sockets(settings, None)
    assert inherited.getsockname() == place
    assert inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    for each in (*own, given, inherited):
        each.close()
