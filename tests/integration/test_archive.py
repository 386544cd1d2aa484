"""Export, wipe, import: the box is the same. A running one can be saved, and only a stopped one restored."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from gateway.cli import main
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until
from web.auth import AuthStore

pytestmark = pytest.mark.integration

ZONE = {"tv.example.com": ["60 A 198.51.100.9"], "listed.example.com": ["60 A 198.51.100.10"]}


def test_a_backup_brings_everything_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, saved = tmp_path / "data", tmp_path / "box.zip"
    block_list = tmp_path / "list.txt"
    block_list.write_text("listed.example.com\n")
    with Upstream(ZONE) as upstream:
        flags = ["--upstream", upstream.url, "--list", str(block_list)]
        with RunningBox(data, flags) as box:
            box.request("POST", "/api/v1/rules", {"action": "block", "name": "tv.example.com"})
            wait_until(lambda: box.control.call("status")["listed_names"] == 1)
            ask("tv.example.com", server=box.dns)
            wait_until(lambda: box.get("/api/v1/lookups")[1]["lookups"])
            rules = box.get("/api/v1/rules")[1]
            lookups = box.get("/api/v1/lookups")[1]
            assert main(["backup", str(saved), "--data", str(data)]) == 0
            assert main(["restore", str(saved), "--data", str(data)]) == 2
            assert "Another Telltale runs" in capsys.readouterr().err
            token = box.token
        assert saved.stat().st_mode & 0o777 == 0o600
        shutil.rmtree(data)
        assert main(["restore", str(saved), "--data", str(data)]) == 0
        with RunningBox(data, ["--upstream", upstream.url]) as again:
            again._token = token
            assert again.get("/api/v1/rules")[1] == rules
            assert addresses(ask("tv.example.com", server=again.dns)) == ["0.0.0.0"]
            wait_until(lambda: again.control.call("status")["listed_names"] == 1)
            assert addresses(ask("listed.example.com", server=again.dns)) == ["0.0.0.0"]
            kept = again.get("/api/v1/lookups")[1]["lookups"]
            assert all(each in kept for each in lookups["lookups"])


def test_the_keys_come_back_to_where_the_dashboard_keeps_them(tmp_path: Path) -> None:
    data, keys, saved = tmp_path / "data", tmp_path / "web" / "keys.json", tmp_path / "box.zip"
    data.mkdir()
    keys.parent.mkdir()
    flags = ["--data", str(data), "--keys", str(keys)]
    token = AuthStore(keys).create_token("television")
    assert main(["backup", str(saved), *flags]) == 0
    shutil.rmtree(keys.parent)
    assert main(["restore", str(saved), *flags]) == 0
    assert AuthStore(keys).token_of(token) is not None
    assert not (data / "web.json").exists()
    assert keys.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage", ["not a zip", "another file", "wrong sum", "outside", "old format", "a list", "no json"]
)
def test_a_damaged_backup_changes_nothing(tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, saved = tmp_path / "data", tmp_path / "box.zip"
    data.mkdir()
    (data / "policy.json").write_text("mine")
    about = {"format": 1, "version": "0", "sha256": {"policy.json": "0" * 64}}
    if damage == "not a zip":
        saved.write_bytes(b"PK\x03\x04 junk")
    else:
        if damage == "outside":
            about["sha256"] = {"../evil": "0" * 64}
        if damage == "old format":
            about["format"] = 0
        with zipfile.ZipFile(saved, "w") as archive:
            archive.writestr("policy.json", "theirs")
            archive.writestr("../evil", "x")
            if damage in ("a list", "no json"):
                archive.writestr("telltale.json", "[1]" if damage == "a list" else "{")
            elif damage != "another file":
                archive.writestr("telltale.json", json.dumps(about))
    assert main(["restore", str(saved), "--data", str(data)]) == 2
    said = capsys.readouterr().err
    assert said.strip().endswith(".") or said.strip().endswith(").")
    assert (data / "policy.json").read_text() == "mine"
    assert not (tmp_path / "evil").exists()
    assert {path.name for path in data.rglob("*") if path.is_file()} == {"policy.json", "lock"}
