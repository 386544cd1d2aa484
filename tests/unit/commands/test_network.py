"""`telltale network` without a network, and who may call the network process."""

from __future__ import annotations

import argparse
import os
import pwd
from pathlib import Path

import pytest

from gateway.commands.network import run_network
from gateway.daemons.network import allowed_users
from gateway.errors import SettingsError, Unavailable
from gateway.network_settings import read_network
from gateway.settings import Settings


def asked(what: str, dry_run: bool = False) -> argparse.Namespace:
    return argparse.Namespace(what=what, dry_run=dry_run)


def test_without_a_section_it_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Write a section \[network\]"):
        run_network(asked("status"), Settings(tmp_path))


def test_behind_another_router_there_is_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(tmp_path, network=read_network({"mode": "dns-only"}))
    assert run_network(asked("clear"), settings) == 0
    assert "Another router" in capsys.readouterr().out


def test_a_process_that_is_away_is_said(tmp_path: Path) -> None:
    network = read_network({"country": "DE", "socket": str(tmp_path / "network.sock")})
    with pytest.raises(Unavailable, match="The resolver does not answer"):
        run_network(asked("apply"), Settings(tmp_path, network=network))
    with pytest.raises(Unavailable, match="The network process does not answer"):
        run_network(asked("clear"), Settings(tmp_path, network=network))


def test_a_rehearsed_clear_touches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = read_network({"country": "DE", "socket": str(tmp_path / "network.sock")})
    assert run_network(asked("clear", dry_run=True), Settings(tmp_path, network=network)) == 0
    assert "would be taken away" in capsys.readouterr().out


def test_root_may_always_call_and_others_by_name_or_number() -> None:
    nobody = pwd.getpwnam("nobody")
    assert allowed_users([]) == {0: 0}
    assert allowed_users(["nobody", "4321"]) == {0: 0, nobody.pw_uid: nobody.pw_gid, 4321: 4321}
    assert allowed_users([str(os.getuid())])[os.getuid()] == os.getgid()
    with pytest.raises(SettingsError, match="no user 'telltale-who'"):
        allowed_users(["telltale-who"])
