"""Where the control socket is: found without a flag, never where somebody else could listen in its place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from gateway.control import places as module
from gateway.control.client import ControlClient, connect_unix
from gateway.control.places import ControlPlaces
from gateway.control.server import bind_unix
from gateway.errors import Unavailable


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="t"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(module, "_TEMPORARY", folder)
    return folder


def test_systemd_s_folder_comes_first_and_only_the_data_folder_behind_it(data: Path, tmp_path: Path) -> None:
    places = ControlPlaces(data, {"RUNTIME_DIRECTORY": "/run/telltale:/run/more", "XDG_RUNTIME_DIR": str(tmp_path)})
    assert list(places.to_make()) == [Path("/run/telltale/control.sock"), data / "control.sock"]


def test_who_calls_an_installed_box_looks_in_its_runtime_folder() -> None:
    assert Path("/run/telltale/control.sock") in ControlPlaces(Path("/var/lib/telltale"), {}).to_find()


def test_a_user_s_runtime_folder_comes_before_a_temporary_one(data: Path, tmp_path: Path) -> None:
    places = ControlPlaces(data, {"XDG_RUNTIME_DIR": str(tmp_path)})
    first, second, last = places.to_make()
    assert (first.parent.parent, last) == (tmp_path, data / "control.sock")
    assert second.parent.parent == Path(tempfile.gettempdir())
    assert first.parent.stat().st_mode & 0o777 == 0o750
    assert {first, second} <= set(places.to_find())


def test_two_data_folders_never_share_a_place(tmp_path: Path) -> None:
    one, other = ControlPlaces(tmp_path / "one", {}), ControlPlaces(tmp_path / "other", {})
    assert set(one.to_make()).isdisjoint(other.to_make())
    (tmp_path / "link").symlink_to(tmp_path / "one")
    assert set(one.to_find()) & set(ControlPlaces(tmp_path / "link", {}).to_find())


def test_a_place_whose_path_is_too_long_for_a_socket_is_left_out(data: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    made = list(ControlPlaces(data, {"XDG_RUNTIME_DIR": str(deep)}).to_make())
    assert not [path for path in made if deep in path.parents]
    assert len(made) == 2
    given = ControlPlaces(data, {"RUNTIME_DIRECTORY": str(deep)})
    assert list(given.to_make()) == [data / "control.sock"]


@pytest.mark.parametrize("text", ["", "relative/folder", ":/run/x"])
def test_what_is_no_folder_in_the_environment_is_none(data: Path, text: str) -> None:
    places = ControlPlaces(data, {"RUNTIME_DIRECTORY": text, "XDG_RUNTIME_DIR": text})
    assert [path.parent.parent for path in places.to_make()][:-1] == [Path(tempfile.gettempdir())]


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_may_write_is_not_taken_and_the_link_leads_elsewhere(data: Path, mode: int) -> None:
    places = ControlPlaces(data, {})
    taken = next(iter(places.to_make())).parent
    taken.chmod(mode)
    path, last = places.to_make()
    assert path.parent != taken
    assert path.parent.stat().st_mode & 0o077 == 0
    assert last == data / "control.sock"
    bind_unix(path).close()
    places.write_down(path)
    assert next(iter(places.to_find())) == path


def test_a_link_in_the_temporary_folder_is_not_followed(data: Path, tmp_path: Path) -> None:
    places = ControlPlaces(data, {})
    taken = next(iter(places.to_make())).parent
    taken.rmdir()
    (tmp_path / "trap").mkdir()
    taken.symlink_to(tmp_path / "trap")
    assert next(iter(places.to_make())).parent != taken
    assert list((tmp_path / "trap").iterdir()) == []


def test_whoever_listens_in_a_folder_that_anybody_may_write_is_not_believed(data: Path) -> None:
    places = ControlPlaces(data, {})
    path = next(iter(places.to_make()))
    with bind_unix(path):
        connect_unix(places, 1.0).close()
        path.parent.chmod(0o777)
        with pytest.raises(ConnectionRefusedError):
            connect_unix(places, 1.0)
        with pytest.raises(Unavailable):
            ControlClient(places).call("status")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_whoever_listens_in_a_folder_of_somebody_else_is_not_believed(data: Path) -> None:
    places = ControlPlaces(data, {})
    path = next(iter(places.to_make()))
    with bind_unix(path):
        os.chown(path.parent, 4321, 4321)
        with pytest.raises(ConnectionRefusedError):
            connect_unix(places, 1.0)
        os.chown(data, 4321, 4321)
        connect_unix(places, 1.0).close()


def test_a_socket_that_nobody_listens_on_does_not_hide_the_one_behind_it(data: Path, tmp_path: Path) -> None:
    bind_unix(data / "control.sock").close()
    places = ControlPlaces(data, {"XDG_RUNTIME_DIR": str(tmp_path)})
    with bind_unix(next(iter(places.to_make()))):
        connect_unix(places, 1.0).close()


def test_nothing_is_left_of_a_place(data: Path) -> None:
    places = ControlPlaces(data, {})
    path = next(iter(places.to_make()))
    places.write_down(path)
    assert os.readlink(data / "control.sock") == str(path)
    places.leave(path)
    assert not path.parent.exists()
    assert list(data.iterdir()) == []


def test_the_link_of_a_newer_one_stays(data: Path, tmp_path: Path) -> None:
    places = ControlPlaces(data, {})
    places.write_down(tmp_path / "newer" / "control.sock")
    places.leave(next(iter(places.to_make())))
    assert os.readlink(data / "control.sock") == str(tmp_path / "newer" / "control.sock")


def test_a_data_folder_that_cannot_be_written_needs_no_link(data: Path) -> None:
    (data / "control.sock").mkdir()
    places = ControlPlaces(data, {})
    path = next(iter(places.to_make()))
    with bind_unix(path):
        places.write_down(path)
        connect_unix(places, 1.0).close()
