"""Lists that lie on this machine, and addresses that are refused before anything is sent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.errors import ListError
from gateway.lists.sources import Stamp, fetch


def test_a_local_list_is_copied_once(tmp_path: Path) -> None:
    source, to = tmp_path / "own.txt", tmp_path / "1.txt"
    source.write_bytes(b"ads.example\n")
    first = fetch(str(source), to)
    assert (first.changed, first.size, to.read_bytes()) == (True, 12, b"ads.example\n")
    assert not fetch(str(source), to, first.stamp).changed
    to.unlink()
    assert fetch(str(source), to, first.stamp).changed
    os.utime(source, ns=(1, 1))
    assert fetch(str(source), to, first.stamp).changed


def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    to = tmp_path / "1.txt"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"ads.example\n" * 100)
    for source, says in (
        (str(tmp_path), "not a file"),
        (str(tmp_path / "pipe"), "not a file"),
        ("/dev/zero", "not a file"),
        (str(tmp_path / "missing"), "No such file"),
        (str(tmp_path / "large"), "larger than 100 bytes"),
    ):
        with pytest.raises(ListError, match=says):
            fetch(source, to, limit=100)
    assert not to.exists()


def test_the_last_good_copy_stays_when_the_new_one_is_no_list(tmp_path: Path) -> None:
    source, to = tmp_path / "own.txt", tmp_path / "1.txt"
    to.write_bytes(b"old.example\n")
    source.write_bytes(b"<html>gone</html>")
    with pytest.raises(ListError, match="web page"):
        fetch(str(source), to)
    assert to.read_bytes() == b"old.example\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.txt", "own.txt"]


@pytest.mark.parametrize(
    "source",
    [
        "file:///etc/passwd",
        "ftp://a.example/",
        "list.txt",
        "",
        "https://",
        "http://[::1",
        "http://a.example:0x/",
        "http://a.example/\r\nX: y",
        "https://" + "a" * 3000,
    ],
)
def test_other_addresses_are_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(ListError, match="begins with https"):
        fetch(source, tmp_path / "1.txt")


def test_passwords_do_not_belong_into_addresses(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="no password"):
        fetch("https://me:secret@a.example/", tmp_path / "1.txt")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1", "0.0.0.0", "[::ffff:127.0.0.1]"]
)
def test_this_machine_is_refused_however_it_is_spelled(tmp_path: Path, host: str) -> None:
    with pytest.raises(ListError, match=r"private network|cannot be found"):
        fetch(f"http://{host}:9/", tmp_path / "1.txt", Stamp())
