"""How the dashboard's process sets gunicorn up."""

from __future__ import annotations

from pathlib import Path

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER

from gateway.commands.supervisor import PATIENCE
from gateway.daemons.web import Dashboard
from gateway.settings import Settings


def test_a_stopping_worker_ends_before_it_is_killed_though_pages_keep_their_connections(tmp_path: Path) -> None:
    grace = Dashboard(Settings(data=tmp_path), "127.0.0.1:0").cfg.graceful_timeout
    assert grace > STOP_KEEPALIVE_LINGER + 2, "or each stop beside an open page ends in a kill now and then"
    assert grace < PATIENCE, "or the supervisor kills gunicorn before gunicorn kills its worker"
