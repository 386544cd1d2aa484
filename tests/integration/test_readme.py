"""Every command of README and CONTRIBUTING runs. What is missing here is missing there."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.settings import Settings, add_arguments, from_arguments
from tests.support.box import RunningBox
from tests.support.ports import free_port
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands(document: str = README) -> list[str]:
    lines = [line.strip() for kind, text in BLOCK.findall(document) if kind == "sh" for line in text.splitlines()]
    return [re.sub(r"\s+#.*", "", line) for line in lines if line]


def telltale(*words: str) -> list[str]:
    return [sys.executable, "-m", "gateway.cli", *words]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    folder = tmp_path_factory.mktemp("readme")
    with (
        Upstream({"ads.example.com": ["60 A 198.51.100.1"]}) as upstream,
        RunningBox(folder / "data", ["--upstream", upstream.url]) as running,
    ):
        yield running


def run_against(box: RunningBox, words: list[str]) -> None:
    """A verb of the command line, on the running box."""
    words = [str(box.data.parent / word) if word == "telltale.zip" else word for word in words]
    if words[:2] == ["lists", "add"]:
        local = box.data.parent / "list.txt"
        local.write_text("ads.example\n")
        words = [*words[:2], str(local)]

    def run() -> subprocess.CompletedProcess[str]:
        command = telltale(*words, "--data", str(box.data))
        return subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=60, input="a new password\n"
        )

    said = run()
    if words[0] == "restore":
        assert "Another Telltale runs" in said.stderr
        box.stop()
        said = run()
        box.start()
    if words[0] == "network":
        # This box makes none, and says what it would take; one that does: tests/netns/test_network_client.py.
        assert "makes no network here" in said.stderr
        return
    assert said.returncode == 0, f"{words}: {said.stdout}{said.stderr}"


def start_and_stop(words: list[str], folder: Path) -> None:
    """A verb that stays: it prints its address, then Ctrl-C ends it with status 0."""
    changed = {"--dns": f"127.0.0.1:{free_port()}", "--web": f"127.0.0.1:{free_port()}", "--data": str(folder / "data")}
    options = dict(zip(words[1::2], words[2::2], strict=False))
    flags = [word for pair in {**options, **changed}.items() for word in pair]
    with (folder / "out").open("wb") as output:
        running = subprocess.Popen(telltale(words[0], *flags), stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def printed() -> bool:
        said = (folder / "out").read_text()
        assert "Dashboard" in said or running.poll() is None, said
        return "Dashboard" in said

    wait_until(printed, "it prints its address", shows=(folder / "out").read_text)
    running.send_signal(signal.SIGINT)
    assert running.wait(120) == 0


def only_looked_at(command: list[str]) -> None:
    """What changes the machine itself is understood by the program that would do it."""
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)


@pytest.mark.parametrize("command", dict.fromkeys([*commands(README), *commands(CONTRIBUTING)]))
def test_the_command_runs(command: str, box: RunningBox, tmp_path: Path) -> None:
    words = shlex.split(command)
    match words:
        case ["telltale" | ".venv/bin/telltale", "up" | "demo" as verb, *rest]:
            start_and_stop([verb, *rest], tmp_path)
        case ["telltale" | ".venv/bin/telltale", *rest]:
            run_against(box, rest)
        case [".venv/bin/pytest" | "TELLTALE_WRITE_GOLDEN=1" | "TELLTALE_FAULT_ROUNDS=30", *rest]:
            paths = [word for word in rest if word != ".venv/bin/pytest"]
            only_looked_at([sys.executable, "-m", "pytest", "-q", "--collect-only", *paths])
        case ["git", "diff"]:
            only_looked_at(["git", "diff", "--stat"])
        case ["make", target]:
            only_looked_at(["make", "--dry-run", target])
        case ["sudo", "apt-get", "install", *rest]:
            only_looked_at(["apt-get", "--simulate", "install", *rest])
        case ["sudo", "deploy/install.sh", *flags]:
            # The installer itself is run, in a root of its own, by tests/netns/test_install.py.
            helped = subprocess.run(
                ["deploy/install.sh", "--help"], check=True, capture_output=True, text=True, cwd=ROOT
            )
            assert {flag for flag in flags if flag.startswith("--")} <= set(helped.stdout.split())
        case ["git", "clone", _]:
            only_looked_at(["git", "clone", "-q", str(ROOT), str(tmp_path / "telltale")])
        case ["cd", folder]:
            assert any(f"/{folder}.git" in other for other in commands())
        case _:
            raise AssertionError(f"nobody tries {command!r}")


def test_every_verb_of_the_command_line_stands_in_the_readme() -> None:
    helped = subprocess.run(telltale("--help"), check=True, capture_output=True, text=True).stdout
    verbs = set(re.findall(r"^ {4}(\w+) {2,}", helped, re.MULTILINE))
    assert {"up", "demo", "explain"} <= verbs
    shown = {line.split()[1] for line in commands() if line.startswith("telltale ")}
    assert verbs - shown == set()


def test_the_settings_shown_are_understood(tmp_path: Path) -> None:
    shown = [text for kind, text in BLOCK.findall(README) if kind == "toml"]
    assert shown
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    read: list[Settings] = []
    for text in shown:
        (tmp_path / "settings.toml").write_text(text)
        read.append(from_arguments(parser.parse_args(["--data", str(tmp_path)])))
    assert read[0].upstreams == ("udp://9.9.9.9", "udp://149.112.112.112")
    assert read[1].upstreams == ("tls://9.9.9.9#dns.quad9.net", "https://dns.quad9.net/dns-query")
    assert read[-1].network is not None
    assert read[-1].network.country == "DE"


@pytest.mark.parametrize("document", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_the_paths_that_it_names_are_there(document: str) -> None:
    named = re.findall(r"\]\(([^)# ]+)[^)]*\)", document)
    named += re.findall(r"`((?:gateway|web|tests|deploy|systemd)/[^`]*)`", document)
    assert len(named) > 3
    for path in named:
        assert (ROOT / path).exists(), path
    assert shutil.which("make")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
