"""A file is the old one or the new one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.files import move_aside, write_atomically


def test_the_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    write_atomically(path, [b"ne", memoryview(b"w")])
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_who_fails_in_the_middle_leaves_the_old_content_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("the source broke off")

    with pytest.raises(ValueError, match="broke off"):
        write_atomically(path, pieces())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("blocked", ["file", ".file.new"])
def test_a_folder_in_the_way_is_moved_aside_with_what_is_in_it(tmp_path: Path, blocked: str) -> None:
    for number in range(3):
        (tmp_path / blocked).mkdir()
        (tmp_path / blocked / f"something{number}").touch()
        write_atomically(tmp_path / "file", [b"new"])
        assert (tmp_path / "file").read_bytes() == b"new"
        (tmp_path / "file").unlink()
    asides = [tmp_path / f"{blocked}.broken{end}" for end in ("", "-2", "-3")]
    assert [each.name for aside in asides for each in aside.iterdir()] == ["something0", "something1", "something2"]


def test_a_link_to_a_folder_is_replaced_and_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").symlink_to(tmp_path / "folder")
    write_atomically(tmp_path / "file", [b"new"])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_not_for_ever_is_something_moved_aside(tmp_path: Path) -> None:
    for number in range(1, 100):
        (tmp_path / f"file.broken{'' if number == 1 else f'-{number}'}").touch()
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        move_aside(tmp_path / "file")
    assert (tmp_path / "file").exists()
