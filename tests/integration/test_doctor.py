"""`telltale doctor` on a box where something is really wrong."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.commands import doctor
from gateway.commands.doctor import examine
from gateway.linux.ports import holders
from gateway.model.book import Book
from gateway.policy.book_file import save_book
from gateway.settings import Endpoint, Settings
from tests.support.box import RunningBox
from tests.support.client import ask
from tests.support.ports import free_port
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream({"tv.example.com": "60 A 198.51.100.9", ".": "60 NS a.root-servers.net."}) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[RunningBox]:
    with RunningBox(tmp_path_factory.mktemp("doctor") / "data", ["--upstream", upstream.url]) as running:
        yield running


def settings(data: Path, *upstreams: str) -> Settings:
    dns, web = Endpoint("127.0.0.1", free_port()), Endpoint("127.0.0.1", free_port())
    return Settings(data, dns=(dns,), web=web, upstreams=upstreams)


def wrong(found: list[doctor.Finding]) -> list[str]:
    return [finding.says for finding in found if not finding.healthy]


def run_doctor(data: Path, upstream: Upstream, before: str) -> tuple[int, str]:
    """Status and words of the doctor, after `before` was done by a shell with mounts of its own."""
    flags = f"--data {data} --upstream {upstream.url} --dns 127.0.0.1:{free_port()} --web 127.0.0.1:{free_port()}"
    script = f"set -e; {before}; exec {sys.executable} -m gateway.cli doctor {flags}"
    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], check=False, capture_output=True, text=True, timeout=60
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def test_a_dead_upstream_is_named_also_when_nobody_asked_it_yet(tmp_path: Path, upstream: Upstream) -> None:
    dead = f"udp://127.0.0.1:{free_port()}"
    found = wrong(examine(settings(tmp_path, upstream.url, dead)))
    assert [says for says in found if "upstream" in says and dead in says and "Is the internet connected?" in says]
    assert not [says for says in found if upstream.url in says]


def test_an_upstream_that_is_silent_for_ever_is_given_up(tmp_path: Path) -> None:
    with Upstream({}) as silent:
        silent.fail_all(drop=True)
        found = wrong(examine(settings(tmp_path, silent.url)))
    assert [says for says in found if silent.url in says and "did not answer" in says]


def test_no_upstream_at_all_is_said(tmp_path: Path) -> None:
    assert [says for says in wrong(examine(settings(tmp_path))) if "There is no upstream" in says]


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_whoever_has_the_port_is_named(tmp_path: Path, upstream: Upstream, kind: socket.SocketKind) -> None:
    chosen = settings(tmp_path, upstream.url)
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", chosen.dns[0].port))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        found = wrong(examine(chosen))
    assert [says for says in found if "DNS cannot listen" in says and f"(process {os.getpid()})" in says]
    assert not [says for says in wrong(examine(chosen)) if "cannot listen" in says]


def test_the_dashboards_port_is_looked_at_too(tmp_path: Path, upstream: Upstream) -> None:
    chosen = settings(tmp_path, upstream.url)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", chosen.web.port))
        taken.listen()
        assert [says for says in wrong(examine(chosen)) if "The dashboard cannot listen" in says and "--web" in says]


def test_ports_of_ipv6_are_found() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
        taken.bind(("::1", 0))
        found = holders(taken.getsockname()[1], "udp")
    assert [(one.address, one.pid) for one in found] == [("::1", os.getpid())]


@needs_root
def test_a_full_disk_is_found(tmp_path: Path, upstream: Upstream) -> None:
    fill = f"mount -t tmpfs -o size=1m none {tmp_path}; head -c 1000k /dev/zero > {tmp_path}/film.mp4"
    status, said = run_doctor(tmp_path, upstream, fill)
    assert status == 1
    assert f"WRONG  0 MB are free for {tmp_path}; make room" in said


@needs_root
def test_a_disk_without_room_for_files_is_found(tmp_path: Path, upstream: Upstream) -> None:
    status, said = run_doctor(tmp_path, upstream, f"mount -t tmpfs -o size=900m,nr_inodes=50 none {tmp_path}")
    assert status == 1
    assert "more files only" in said
    assert "WRONG  8" not in said


@needs_root
def test_a_read_only_disk_is_found(tmp_path: Path, upstream: Upstream) -> None:
    status, said = run_doctor(tmp_path, upstream, f"mount -t tmpfs -o ro none {tmp_path}")
    assert status == 1
    assert f"WRONG  The disk of {tmp_path} is read-only" in said


@needs_root
def test_a_folder_of_somebody_else_is_found(tmp_path: Path, upstream: Upstream) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from gateway.commands.doctor import _disk\n"
        "from gateway.catalogue.sentences import say\n"
        # Sentences are read while everybody's files still can be.
        "say('doctor.clock', {'shown': ''})\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "print([each.says for each in _disk(pathlib.Path(sys.argv[1])) if not each.healthy])"
    )
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True, timeout=30
    )
    assert "cannot be written by this user" in ended.stdout


def test_a_clock_that_starts_in_1970_is_found(tmp_path: Path, upstream: Upstream) -> None:
    found = wrong(examine(settings(tmp_path, upstream.url), now=60.0))
    assert [says for says in found if "The clock says 1970-01-01 00:01" in says and "set-ntp" in says]


def test_a_clock_behind_the_history_is_found(
    box: RunningBox, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "BUILT", 0.0)
    ask("tv.example.com", server=box.dns)
    wait_until(lambda: box.control.call("status")["counters"]["journal_recorded"])
    chosen = settings(box.data, upstream.url)
    assert wrong(examine(chosen, now=time.time())) == []
    found = wrong(examine(chosen, now=time.time() - 10 * 86_400))
    assert [says for says in found if "but the last lookup is of" in says]


def test_a_list_that_failed_is_named_with_what_to_do(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "lists").mkdir()
    report = {
        "1": {"title": "Ads", "fetched": "2026-11-20T08:00:00.000Z", "error": "The server says 404."},
        "2": {"title": "", "fetched": None, "error": "It cannot be reached."},
        "3": {"title": "Fine", "fetched": "2026-11-20T08:00:00.000Z", "error": None},
    }
    (tmp_path / "lists" / "report.json").write_text(json.dumps(report))
    found = [says for says in wrong(examine(settings(tmp_path, upstream.url))) if "list" in says]
    assert [says for says in found if "The list Ads failed" in says and "stays in force" in says and "404" in says]
    assert [says for says in found if "The list number 2 failed" in says and "blocks nothing yet" in says]
    assert not [says for says in found if "Fine" in says]


def test_a_running_box_reports_that_its_upstream_died(tmp_path: Path) -> None:
    with (
        Upstream({".": "60 NS a.root-servers.net."}) as dying,
        RunningBox(tmp_path / "data", ["--upstream", dying.url]) as box,
    ):
        dying.stop()
        found = wrong(examine(settings(box.data)))
        assert [says for says in found if dying.url in says and "does not answer" in says]


def test_answers_that_were_not_recorded_are_reported() -> None:
    found = wrong(list(doctor._losses({"log_dropped": 3, "journal_dropped": 0, "throttled": 7, "errors": 0})))
    assert [says.split()[0] for says in found] == ["3", "7"]


def test_keys_that_cannot_be_used_are_named_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, upstreams=())
    assert not [each for each in examine(settings) if "log in" in each.says]
    (tmp_path / "web.json").write_text("{")
    (found,) = [each for each in examine(settings) if "log in" in each.says]
    assert not found.healthy
    assert "telltale password" in found.says
    assert (tmp_path / "web.json").read_text() == "{"


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ("missing", "The history is missing: there is no file"),
        ("empty", "The history is empty:"),
        ("foreign", "holds no table of ours"),
        ("junk", "The history is damaged: file is not a database"),
        ("folder", "journal.sqlite is not a file"),
    ],
)
def test_each_trouble_of_the_history_has_its_own_sentence(tmp_path: Path, before: str, says: str) -> None:
    save_book(tmp_path / "policy.json", Book())
    path = tmp_path / "journal.sqlite"
    match before:
        case "empty":
            path.touch()
        case "foreign":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE TABLE notes (text)")
        case "junk":
            path.write_bytes(b"no database" * 1000)
        case "folder":
            path.mkdir()
    found = [each for each in examine(settings(tmp_path, "udp://127.0.0.1:9")) if "history" in each.says.lower()]
    assert [(each.healthy, says in each.says) for each in found] == [(False, True)]


def test_a_new_box_has_no_history_yet_and_that_is_well(tmp_path: Path) -> None:
    found = [
        each for each in examine(settings(tmp_path, "udp://127.0.0.1:9")) if each.says.startswith("There is no history")
    ]
    assert [(each.healthy, each.says) for each in found] == [(True, "There is no history yet.")]


@pytest.mark.parametrize(("content", "says"), [(b"{", "cannot be read"), (None, "Is a directory")])
def test_rules_that_cannot_be_read_are_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "policy.json"
    path.mkdir() if content is None else path.write_bytes(content)
    [found] = [each for each in examine(settings(tmp_path, "udp://127.0.0.1:9")) if "policy.json" in each.says]
    assert not found.healthy
    assert says in found.says
    assert "the copy in the history is in force" in found.says
