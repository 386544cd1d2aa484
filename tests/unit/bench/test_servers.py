"""Every server of the bench gets the same list, the same upstream and a log."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.bench.servers import ECHO, RECIPES, Setting, choose, from_command, logged


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    names = tmp_path / "blocked.txt"
    names.write_text("ads.example\ntrack.example\n")
    folder = tmp_path / "server"
    folder.mkdir()
    return Setting(folder, 5300, 8300, ("127.0.0.1", 5400), names)


@pytest.mark.parametrize("name", sorted(RECIPES.keys() - {ECHO}))
def test_every_recipe_says_port_upstream_and_list(setting: Setting, name: str) -> None:
    command = RECIPES[name](setting)
    said = " ".join(command) + "".join(path.read_text() for path in setting.folder.iterdir())
    assert "5300" in said
    assert "5400" in said
    assert "ads.example" in said or str(setting.block_list) in command


@pytest.mark.parametrize("name", ["dnsmasq", "dnsmasq-address", "unbound"])
def test_peers_log_every_query(setting: Setting, name: str) -> None:
    command = RECIPES[name](setting)
    said = " ".join(command) + "".join(path.read_text() for path in setting.folder.iterdir())
    assert "log-queries" in said


def test_any_other_server_can_be_given_as_a_command(setting: Setting) -> None:
    name, recipe = from_command("mine=server --port {port} --up '{upstream_host}:{upstream_port}' {list}")
    assert name == "mine"
    assert recipe(setting) == ["server", "--port", "5300", "--up", "127.0.0.1:5400", str(setting.block_list)]


@pytest.mark.parametrize("text", ["", "mine", "=server {port}", "mine=server"])
def test_a_command_without_name_or_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NAME=COMMAND"):
        from_command(text)


def test_servers_are_chosen_in_order() -> None:
    assert list(choose(["telltale", "dnsmasq"], ["x=y {port}"])) == ["telltale", "dnsmasq", "x"]
    with pytest.raises(ValueError, match="'bind' is not a server"):
        choose(["bind"], [])
    with pytest.raises(ValueError, match="No server"):
        choose([], [])


def test_a_log_is_counted_query_by_query(tmp_path: Path) -> None:
    assert logged(tmp_path) is None
    (tmp_path / "dnsmasq.log").write_text(
        "Nov 20 12:00:00 dnsmasq[1]: query[A] a.example from 127.0.0.1\n"
        "Nov 20 12:00:00 dnsmasq[1]: forwarded a.example to 127.0.0.1#5400\n"
        "Nov 20 12:00:00 dnsmasq[1]: query[A] b.example from 127.0.0.1\n"
    )
    assert logged(tmp_path) == 2


def test_a_row_of_the_journal_counts_as_often_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "journal.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE lookups (id INTEGER, times INTEGER)")
        connection.executemany("INSERT INTO lookups VALUES (?, ?)", [(n, 1 + n % 2) for n in range(7)])
    assert logged(tmp_path) == 10


def test_the_loop_in_c_is_compiled_for_the_run(setting: Setting) -> None:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")
    program, port = RECIPES[ECHO](setting)
    assert os.access(program, os.X_OK)
    assert port == "5300"


def test_without_a_compiler_one_sentence_says_what_to_do(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="leave echo out"):
        RECIPES[ECHO](setting)
