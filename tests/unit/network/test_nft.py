from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from gateway.errors import NetworkError
from gateway.network import nft


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a program called nft before all others."""

    def write(script: str) -> None:
        path = tmp_path / "nft"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return write


def test_what_is_shown_is_what_nft_reads():
    assert json.loads(nft.to_text([{"add": {}}]))["nftables"][1:] == [{"add": {}}]


def test_a_missing_program_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NetworkError, match="apt install nftables"):
        nft.check([])


def test_a_program_that_hangs_is_not_waited_for(program, monkeypatch):
    monkeypatch.setattr(nft, "LIMIT", 0.2)
    program("exec sleep 60")
    with pytest.raises(NetworkError, match="did not end"):
        nft.apply([])


def test_its_complaint_becomes_one_sentence(program):
    program("echo 'internal:0:0-0: Error: Could not process rule: No such file or directory' >&2; exit 1")
    with pytest.raises(NetworkError, match="could not be set: internal:0:0-0: Error: Could not process rule") as caught:
        nft.apply([])
    assert "\n" not in str(caught.value)
    program("echo 'Error: x: Operation not permitted' >&2; exit 1")
    with pytest.raises(NetworkError, match="CAP_NET_ADMIN"):
        nft.apply([])


@pytest.mark.parametrize("answer", ["", "[]", "{}", "nonsense", '{"nftables": 7}'])
def test_an_answer_that_is_not_a_listing_is_refused(program, answer):
    program(f"printf '%s' '{answer}'")
    with pytest.raises(NetworkError, match="not JSON"):
        nft.list_table()
