"""Every verb of `telltale`, against a running box, as a transcript."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import main
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.ports import free_port
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    folder = tmp_path_factory.mktemp("cli")
    zone = {"tv.example.com": ["60 A 198.51.100.9"]}
    with Upstream(zone) as upstream, RunningBox(folder / "data", ["--upstream", upstream.url]) as running:
        yield running


@pytest.fixture
def telltale(box: RunningBox, capsys: pytest.CaptureFixture[str]) -> object:
    def run(*words: str, status: int = 0) -> str:
        capsys.readouterr()
        assert main([*words, "--data", str(box.data)]) == status
        said = capsys.readouterr()
        return said.out if status == 0 else said.err

    return run


def test_block_allow_and_rules(  # type: ignore[no-untyped-def]
    box: RunningBox, telltale, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "block tv.example.com until" in telltale("block", "tv.example.com", "--for", "15m")
    assert addresses(ask("tv.example.com", server=box.dns)) == ["0.0.0.0"]
    assert "allow tv.example.com" in telltale("allow", "tv.example.com")
    assert addresses(ask("tv.example.com", server=box.dns)) == ["198.51.100.9"]
    assert "block ads.example and everything below it" in telltale("rules", "add", "block", "*.ads.example")
    listed = telltale("rules", "ls").splitlines()
    for line in listed:
        telltale("rules", "rm", line.split()[0])
    assert telltale("rules", "ls") == ""
    assert main(["rules", "ls", "--data", str(box.data)]) == 0
    assert capsys.readouterr().err == "No rule yet.\n"
    assert "no such rule" in telltale("rules", "rm", "999999", status=1)
    assert "rules ls" in telltale("rules", "add", "block", status=2)


def test_pause_and_its_end(box: RunningBox, telltale) -> None:  # type: ignore[no-untyped-def]
    telltale("block", "tv.example.com")
    assert "paused until" in telltale("pause", "5m")
    assert addresses(ask("tv.example.com", server=box.dns)) == ["198.51.100.9"]
    assert "Filtering is on" in telltale("pause", "0")
    assert addresses(ask("tv.example.com", server=box.dns)) == ["0.0.0.0"]
    telltale("allow", "tv.example.com")
    assert "not a duration" in telltale("pause", "soon", status=2)


def test_explain_says_why_with_and_without_a_running_box(telltale, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    said = telltale("explain", "acr-us-prd.samsungcloud.tv")
    assert "Samsung" in said
    assert "Because:" in said
    explained = json.loads(telltale("explain", "acr-us-prd.samsungcloud.tv", "--json"))
    assert {"name", "company", "category", "party", "need", "verdict", "reason", "lists", "rules", "evidence"} <= set(
        explained
    )
    assert main(["explain", "acr-us-prd.samsungcloud.tv", "--data", str(tmp_path / "none")]) == 0
    assert "Samsung" in capsys.readouterr().out
    assert not (tmp_path / "none").exists(), "explaining makes no folder"
    assert "255 bytes" in telltale("explain", ".".join(["x" * 60] * 6), status=1)


def test_lists_come_and_go(box: RunningBox, telltale, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    block_list = tmp_path / "list.txt"
    block_list.write_text("! Title: Mine\n||listed.example^\n||odd.example^$unknown\n")
    telltale("lists", "add", str(block_list))
    line = wait_until(lambda: next((x for x in telltale("lists", "ls").splitlines() if "(1 entry" in x), None))
    assert "Mine" in line
    assert "1 left out" in line
    assert addresses(ask("sub.listed.example", server=box.dns)) == ["0.0.0.0"]
    assert "being fetched" in telltale("lists", "refresh")
    telltale("lists", "rm", line.split()[0])
    wait_until(lambda: box.control.call("status")["listed_names"] == 0)
    assert "neither a file nor" in telltale("lists", "add", "file:///etc/passwd", status=2)
    assert "SmartTV.txt\n  Smart televisions, kept by Perflyst: Advertising and trackers" in telltale("lists", "known")


def test_devices_and_a_token(box: RunningBox, telltale) -> None:  # type: ignore[no-untyped-def]
    ask("tv.example.com", server=box.dns, source="127.0.0.71")
    wait_until(lambda: "127.0.0.71" in telltale("devices"))
    assert isinstance(json.loads(telltale("devices", "--json")), list)
    token = telltale("token").strip()
    assert box.request("GET", "/api/v1/status", token=token)[0] == 200
    assert box.request("GET", "/api/v1/status", token="wrong")[0] == 401
    telltale("token", "--label", "kitchen tablet")
    made = [line.split("\t") for line in telltale("token", "ls").splitlines()]
    token_id = next(each[0] for each in made if each[1] == "command line")
    assert made[-1][1] == "kitchen tablet"
    assert token not in telltale("token", "ls")
    telltale("token", "rm", token_id)
    assert box.request("GET", "/api/v1/status", token=token)[0] == 401, "at once"
    assert "no token with this id" in telltale("token", "rm", token_id, status=1)


def test_the_doctor_finds_a_healthy_box_healthy(box: RunningBox, telltale) -> None:  # type: ignore[no-untyped-def]
    ask("tv.example.com", server=box.dns)
    said = telltale("doctor")
    assert "DNS answers" in said
    assert "WRONG" not in said
    found = json.loads(telltale("doctor", "--json"))
    assert all(each["healthy"] for each in found)
    assert {"doctor.resolver-runs", "doctor.dns-answers", "doctor.upstream-answers"} <= {each["code"] for each in found}
    assert any(each["part"] and not each["code"].startswith("doctor.") for each in found), "what the box says of itself"


def test_the_doctor_finds_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"not a database" * 1000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert main(["doctor", "--data", str(tmp_path), "--dns", f"127.0.0.1:{port}"]) == 1
    said = capsys.readouterr().out
    assert "The resolver does not run; start it with: telltale up" in said
    assert "The history" in said
    assert "DNS cannot listen" in said


def test_up_says_in_a_sentence_why_it_cannot_start(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "gateway.cli", "up", "--data", str(tmp_path)]
        flags = ["--dns", f"127.0.0.1:{free_port()}", "--web", f"127.0.0.1:{taken.getsockname()[1]}"]
        ended = subprocess.run([*command, *flags], check=False, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Something else already listens on")
    assert len(ended.stderr.splitlines()) == 1


def test_nobody_at_home_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "ls", "--data", str(tmp_path)]) == 1
    assert "is Telltale running?" in capsys.readouterr().err
