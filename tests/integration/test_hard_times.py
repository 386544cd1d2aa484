"""What goes wrong around a box, and what its owner still has then."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.control.places import ControlPlaces
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


def test_the_control_socket_comes_back_when_somebody_takes_it_away(upstream: Upstream, tmp_path: Path) -> None:
    with RunningBox(tmp_path / "data", ["--upstream", upstream.url]) as box:
        path = Path(os.readlink(box.data / "control.sock"))
        assert path.is_socket()
        for each in (path, box.data / "control.sock"):
            each.unlink()
        path.parent.rmdir()
        wait_until(lambda: _status(box))
        assert addresses(ask("tv.example.com", server=box.dns)) == ["198.51.100.9"]
    assert not os.path.lexists(box.data / "control.sock")
    assert not path.parent.exists()


def test_without_any_control_socket_the_page_and_the_doctor_say_what_is_so(upstream: Upstream, tmp_path: Path) -> None:
    """No place for it is left: DNS answers and blocks. Nobody says that it does not, or that it is to be started."""
    data = tmp_path / "data"
    with RunningBox(data, ["--upstream", upstream.url]) as box:
        assert box.request("POST", "/api/v1/rules", {"action": "block", "name": "tv.example.com"})[0] == 201
    places = list(ControlPlaces(data).to_make())
    for place in places:
        place.mkdir()
    box = RunningBox(data, ["--upstream", upstream.url])
    box.wait_until_up = lambda: None  # type: ignore[method-assign]
    try:
        with box:
            wait_until(lambda: _answer(box) == ["0.0.0.0"])
            wait_until(lambda: _healthz(box) == 200)
            assert not _status(box)
            page = wait_until(lambda: _page(box))
            assert "Filtering on" in page
            assert "cannot speak with its resolver" in page
            assert "Filtering is off" not in page
            said = _doctor(box)
            assert "WRONG  DNS answers, and names are blocked as you decided; but nobody can speak" in said
            assert "start it with: telltale up" not in said.replace("restart it with", "")
            assert "cannot listen" not in said
            shutil.rmtree(data / "control.sock")
            wait_until(lambda: _status(box))
            assert "cannot speak with its resolver" not in _page(box)
            assert "DNS says of itself that names are blocked" in _doctor(box)
    finally:
        for place in places[:-1]:
            shutil.rmtree(place.parent)


def test_the_doctor_starts_what_does_not_run_and_restarts_what_hangs(upstream: Upstream, tmp_path: Path) -> None:
    with RunningBox(tmp_path / "data", ["--upstream", upstream.url]) as box:
        resolver = box.resolver_pid()
        os.kill(resolver, signal.SIGSTOP)
        try:
            said = _doctor(box)
            page = _page(box)
        finally:
            os.kill(resolver, signal.SIGCONT)
    assert "WRONG  Telltale runs (process " in said
    assert "but its resolver cannot be spoken to and answers no DNS" in said
    assert "The resolver does not run" not in said
    assert "cannot listen" not in said
    assert "Filtering off" in page
    assert "DNS does not answer" in page
    said = _doctor(box)
    assert "WRONG  The resolver does not run; start it with: telltale up" in said
    assert "restart" not in said


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


def _page(box: RunningBox) -> str:
    """The overview, as whoever logged in reads it."""
    status, page = box.get("/")
    return str(page) if status == 200 else ""


def _doctor(box: RunningBox) -> str:
    places = ["--dns", f"127.0.0.1:{box.dns[1]}", "--web", f"127.0.0.1:{box.web[1]}", "--upstream", "udp://127.0.0.1:9"]
    return up("doctor", "--data", str(box.data), *places).stdout
