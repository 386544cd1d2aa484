"""A data folder and who holds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.application.folder import hold_folder, is_held, release_folder
from gateway.errors import SettingsError


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    yield
    release_folder()


def test_who_holds_it_is_seen_by_others_until_it_is_released(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert not is_held(data)
    hold_folder(data)
    assert is_held(data)
    with pytest.raises(SettingsError, match="Another Telltale runs"):
        hold_folder(data, patience=0)
    release_folder()
    assert not is_held(data)


@pytest.mark.parametrize("what", ["a folder", "a link to nowhere", "a link to a file"])
def test_what_stands_in_place_of_the_lock_is_moved_aside_and_no_link_is_followed(tmp_path: Path, what: str) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    data.mkdir()
    if what == "a folder":
        (data / "lock").mkdir()
    else:
        (data / "lock").symlink_to(other)
        if what == "a link to a file":
            other.write_text("precious")
    hold_folder(data)
    assert is_held(data)
    assert (data / "lock").is_file()
    assert not (data / "lock").is_symlink()
    assert (data / "lock.broken").is_symlink() is (what != "a folder")
    assert not other.exists() or other.read_text() == "precious"
