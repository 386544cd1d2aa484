"""What goes wrong around a box, and what its owner still has then."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import ControlError
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.ports import free_port
from tests.support.upstream import Upstream
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.integration

ZONE = {"tv.example.com": ["60 A 198.51.100.9"]}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ZONE) as server:
        yield server


def up(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.cli", *flags]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_a_second_telltale_on_the_same_folder_is_refused(upstream: Upstream, tmp_path: Path) -> None:
    with RunningBox(tmp_path / "data", ["--upstream", upstream.url]) as box:
        places = ["--dns", f"127.0.0.1:{free_port()}", "--web", f"127.0.0.1:{free_port()}"]
        second = up("up", "--data", str(box.data), *places)
        assert second.returncode == 2
        assert second.stderr.startswith("Another Telltale runs on")
        assert box.request("POST", "/api/v1/rules", {"action": "block", "name": "tv.example.com"})[0] == 201
        assert addresses(ask("tv.example.com", server=box.dns)) == ["0.0.0.0"]


def test_dns_goes_on_without_a_control_socket_and_the_dashboard_comes_back(upstream: Upstream, tmp_path: Path) -> None:
    """As on an SD card that went read only: the socket cannot be made."""
    data = tmp_path / "data"
    data.joinpath("control.sock").mkdir(parents=True)
    box = RunningBox(data, ["--upstream", upstream.url])
    box.wait_until_up = lambda: None  # type: ignore[method-assign]
    with box:
        answer = wait_until(lambda: _answer(box))
        assert answer == ["198.51.100.9"]
        with pytest.raises(ControlError):
            box.control.call("status")
        shutil.rmtree(data / "control.sock")
        wait_until(lambda: _status(box))
        assert addresses(ask("tv.example.com", server=box.dns)) == ["198.51.100.9"]


def test_half_sent_requests_do_not_hold_the_dashboard(upstream: Upstream, tmp_path: Path) -> None:
    with RunningBox(tmp_path / "data", ["--upstream", upstream.url]) as box:
        silent = []
        try:
            for _ in range(40):
                silent.append(socket.create_connection(box.web, timeout=PATIENCE))
                silent[-1].sendall(b"GET / HT")
            assert wait_until(lambda: _healthz(box)) == 200
        finally:
            for each in silent:
                each.close()


@pytest.mark.parametrize("wrong", [["--upstream", "rubbish"], ["--dns", "127.0.0.1:x"]])
def test_wrong_settings_end_it_with_one_sentence(tmp_path: Path, wrong: list[str]) -> None:
    places = ["--dns", f"127.0.0.1:{free_port()}", "--web", f"127.0.0.1:{free_port()}"]
    said = up("up", "--data", str(tmp_path / "data"), *places, *wrong)
    assert said.returncode == 2
    assert len(said.stderr.splitlines()) == 1


def test_a_wrong_pace_is_one_sentence(tmp_path: Path) -> None:
    said = up("demo", "--data", str(tmp_path / "data"), "--pace", "0")
    assert said.returncode == 2
    assert "between 0.1 and 60" in said.stderr


def _answer(box: RunningBox) -> list[str]:
    try:
        return addresses(ask("tv.example.com", server=box.dns, timeout=0.5))
    except OSError:
        return []


def _status(box: RunningBox) -> bool:
    try:
        return bool(box.control.call("status"))
    except ControlError:
        return False


def _healthz(box: RunningBox) -> int:
    try:
        return box.get("/healthz", token=None)[0]
    except OSError:
        return 0
