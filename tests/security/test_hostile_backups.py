"""A backup is hostile input: whoever restores a stranger's file loses nothing but the time, and gains no secrets."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.model.book import Book
from gateway.policy.book_file import encode_book
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.dashboard import QUICK
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until
from web.auth import AuthStore

pytestmark = pytest.mark.integration

MEMORY = 512 << 20
BOOK = encode_book(Book())
TRIGGER = "CREATE TABLE a (b); CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; END;"
VIEW = "CREATE VIEW a AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c;"
SETTINGS = '[network]\nmode = "access-point"\ncountry = "DE"\npassphrase = "typed-by-hand"\n'
NETWORK = '{"passphrase": "chosen-by-box", "address": "10.83.7.1/24", "address6": "fd00::1/64"}'


def telltale(*words: str, data: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """As a person types it, with half a gigabyte of addresses and no more than a minute of the processor."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))

    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *words, "--data", str(data)],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        preexec_fn=bounded,
    )


def packed(
    members: dict[str, bytes], about: dict[str, object] | None = None, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A backup whose sums are right."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
        archive.writestr("telltale.json", json.dumps({"format": 2, "version": "0", "sha256": sums} | (about or {})))
    return raw.getvalue()


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A data folder with something to lose."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "policy.json").write_bytes(BOOK)
    (data / "settings.toml").write_text("[dns]\nclient_rate = 300\n")
    AuthStore(data / "web.json", hasher=QUICK).set_first_password("correct horse")
    return data


def contents(folder: Path) -> dict[str, bytes]:
    found = {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    found.pop("lock", None)
    return found


def _large_manifest() -> bytes:
    return packed({}, {"padding": " " * (200 << 20)})


def _zeros(name: str, size: int, method: int = zipfile.ZIP_DEFLATED) -> Callable[[], bytes]:
    def made() -> bytes:
        return packed({name: b"\0" * size}, method=method)

    return made


def _many_members() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for number in range(40_000):
            archive.writestr(f"lists/{number}.txt", b"")
    return raw.getvalue()


def _many_sums() -> bytes:
    return packed({}, {"sha256": {f"lists/{number}.txt": "0" * 64 for number in range(2_000)}})


def _lying_size() -> bytes:
    """Says that a member has ten bytes, and unpacks to many more."""
    raw = bytearray(packed({"policy.json": b"a" * 50_000_000}))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.find(mark)
        raw[at + offset : at + offset + 4] = (10).to_bytes(4, "little")
    return bytes(raw)


def _journal(script: str) -> Callable[[], bytes]:
    def made() -> bytes:
        with sqlite3.connect(":memory:") as journal:
            journal.executescript(script)
            return packed({"journal.sqlite": journal.serialize()})

    return made


def _torn_journal() -> bytes:
    with sqlite3.connect(":memory:") as journal:
        journal.executescript("CREATE TABLE a (b TEXT);" + "INSERT INTO a VALUES (hex(randomblob(500)));" * 200)
        content = bytearray(journal.serialize())
    content[8192:16384] = b"\xff" * 8192
    return packed({"journal.sqlite": bytes(content)})


def _keys(cost: str) -> bytes:
    password = f"$argon2id$v=19${cost}$c29tZXNhbHQxMjM0$" + "A" * 43
    return packed({"keys.json": json.dumps({"password": password, "tokens": []}).encode()})


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a manifest of 200 MB": _large_manifest,
    "rules of 300 MB": _zeros("policy.json", 300 << 20),
    "a list of 300 MB": _zeros("lists/1.txt", 300 << 20),
    "settings of 300 MB": _zeros("settings.toml", 300 << 20),
    "keys of 300 MB": _zeros("keys.json", 300 << 20),
    "keys of the earlier format, of 300 MB": _zeros("web.json", 300 << 20),
    "a packing that asks for a dictionary": _zeros("policy.json", 1 << 20, zipfile.ZIP_LZMA),
    "a packing that nobody uses": _zeros("policy.json", 1 << 20, zipfile.ZIP_BZIP2),
    "40,000 members": _many_members,
    "2,000 lists": _many_sums,
    "a size that is a lie": _lying_size,
    "a journal with a trigger": _journal(TRIGGER),
    "a journal with a view": _journal(VIEW),
    "a journal with a virtual table": _journal("CREATE VIRTUAL TABLE a USING fts5(b);"),
    "a journal with 300 tables": _journal("".join(f"CREATE TABLE t{n} (a);" for n in range(300))),
    "a torn journal": _torn_journal,
    "a journal that is none": lambda: packed({"journal.sqlite": b"SQLite format 3\0" + b"\xff" * 5000}),
    "a journal of zeros": _zeros("journal.sqlite", 100 << 20),
    "rules that are none": lambda: packed({"policy.json": b'{"format": 1, "checksum": 0, "book": {}}'}),
    "rules nested without end": lambda: packed({"policy.json": b"[" * 1_000_000}),
    "settings nobody starts with": lambda: packed({"settings.toml": b'[dns]\nlisten = "x"\n'}),
    "settings that are no text": lambda: packed({"settings.toml": b"\xff\xfe"}),
    "a password of 4 GB": lambda: _keys("m=4194304,t=3,p=1"),
    "a password of a day": lambda: _keys("m=32768,t=4000000,p=1"),
    "a password that is none": lambda: packed({"keys.json": b'{"password": "x", "tokens": []}'}),
    "tokens that are none": lambda: packed({"keys.json": b'{"password": null, "tokens": [1]}'}),
    "a way out of the folder": lambda: packed({"../evil": b"x"}),
    "an absolute way out": lambda: packed({"/tmp/evil": b"x"}),
    "a list with a name of its own": lambda: packed({"lists/../../evil.txt": b"x"}),
    "a list with digits of elsewhere": lambda: packed({"lists/\u0661.txt": b"x"}),
    "sums that are none": lambda: packed({"policy.json": BOOK}, {"sha256": {"policy.json": 7}}),
    "a member that is not there": lambda: packed({}, {"sha256": {"policy.json": "0" * 64}}),
    "another sum": lambda: packed({"policy.json": BOOK}, {"sha256": {"policy.json": "0" * 64}}),
    "a manifest that is a list": lambda: packed({}, {"sha256": []}),
    "nothing": lambda: b"",
    "a sealed file that is cut off": lambda: b"TELLTALE SEALED 1\n",
    "a sealed file of nothing": lambda: b"TELLTALE SEALED 1\n" + b"\0" * 23 + b"\0" * 5000,
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_backup_changes_nothing_and_costs_little(kind: str, box: Path, tmp_path: Path) -> None:
    saved = tmp_path / "hostile.zip"
    saved.write_bytes(HOSTILE[kind]())
    before = contents(box)
    said = telltale("restore", str(saved), data=box, stdin="some passphrase\n")
    assert said.returncode == 2, said.stdout + said.stderr
    assert "nothing was changed" in said.stderr.lower(), said.stderr
    assert "Traceback" not in said.stderr
    assert contents(box) == before
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [("missing.zip", "There is no file"), ("", "is not a file"), ("no/such/folder.zip", "There is no file")],
)
def test_what_is_not_there_is_not_called_damaged(name: str, says: str, box: Path, tmp_path: Path) -> None:
    said = telltale("restore", str(tmp_path / name), data=box)
    assert said.returncode == 2
    assert says in said.stderr
    assert "damaged" not in said.stderr
    if os.geteuid():
        locked = tmp_path / "locked.zip"
        locked.write_bytes(b"")
        locked.chmod(0)
        assert "cannot be read" in telltale("restore", str(locked), data=box).stderr


def test_what_machines_made_is_left_out_and_made_anew(tmp_path: Path) -> None:
    """A compiled.bin with a right sum could end the resolver at every start: none is ever taken over."""
    data, saved = tmp_path / "data", tmp_path / "box.zip"
    block_list = tmp_path / "list.txt"
    block_list.write_text("listed.example.com\n")
    with Upstream({"listed.example.com": ["60 A 198.51.100.10"]}) as upstream:
        flags = ["--upstream", upstream.url, "--list", str(block_list)]
        with RunningBox(data, flags) as running:
            wait_until(lambda: running.control.call("status")["listed_names"] == 1)
        assert telltale("backup", str(saved), data=data).returncode == 0
        with zipfile.ZipFile(saved) as archive:
            members = {name: archive.read(name) for name in archive.namelist() if name != "telltale.json"}
        assert not [name for name in members if "compiled" in name or "report" in name]
        members["lists/compiled.bin"] = (data / "lists" / "compiled.bin").read_bytes()[:-40] + b"\xff" * 40
        members["lists/report.json"] = b"{"
        saved.write_bytes(packed(members, {"format": 1}))
        (data / "lists" / "9.txt").write_text("of.another.list.example\n")
        assert telltale("restore", str(saved), data=data).returncode == 0
        assert {each.name for each in (data / "lists").iterdir()} == {
            Path(name).name for name in members if name.endswith(".txt")
        }
        with RunningBox(data, ["--upstream", upstream.url]) as again:
            wait_until(lambda: again.control.call("status")["listed_names"] == 1)
            assert addresses(ask("listed.example.com", server=again.dns)) == ["0.0.0.0"]


def test_no_backup_holds_a_secret(box: Path, tmp_path: Path) -> None:
    keys = AuthStore(box / "web.json", hasher=QUICK)
    code, token = keys.new_code(), keys.create_token("television")
    (box / "settings.toml").write_text(
        '[network]\nmode = "access-point"\ncountry = "DE"\npassphrase = "typed-by-hand"\n'
    )
    (box / "network.json").write_text(
        '{"passphrase": "chosen-by-box", "address": "10.83.7.1/24", "address6": "fd00::1/64"}'
    )
    saved = tmp_path / "box.zip"
    said = telltale("backup", str(saved), data=box)
    assert said.returncode == 0, said.stderr
    assert "--encrypt" in said.stdout
    with zipfile.ZipFile(saved) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
    for secret in (keys.secret, keys.browsers, code, token, "typed-by-hand", "chosen-by-box", "correct horse"):
        assert secret.encode() not in whole


def test_a_restore_brings_new_secrets(box: Path, tmp_path: Path) -> None:
    """Whoever had a copy of the old ones can forge nothing; password and tokens are as they were."""
    keys = AuthStore(box / "web.json", hasher=QUICK)
    before, token = (keys.secret, keys.browsers), keys.create_token("television")
    saved = tmp_path / "box.zip"
    assert telltale("backup", str(saved), data=box).returncode == 0
    assert telltale("restore", str(saved), data=box).returncode == 0
    after = AuthStore(box / "web.json", hasher=QUICK)
    assert not set(before) & {after.secret, after.browsers}
    assert after.is_password("correct horse")
    assert after.token_of(token) is not None
    assert (box / "web.json").stat().st_mode & 0o777 == 0o600


def test_a_backup_of_the_format_before_brings_no_secret_along(box: Path, tmp_path: Path) -> None:
    stolen = json.loads((box / "web.json").read_text()) | {"secret": "5" * 64, "browsers": "6" * 64}
    saved = tmp_path / "box.zip"
    saved.write_bytes(packed({"web.json": json.dumps(stolen).encode(), "policy.json": BOOK}, {"format": 1}))
    assert telltale("restore", str(saved), data=box).returncode == 0
    after = AuthStore(box / "web.json", hasher=QUICK)
    assert after.secret != "5" * 64
    assert after.browsers != "6" * 64
    assert after.is_password("correct horse")


def test_an_encrypted_backup_brings_the_wifi_back_and_opens_for_nobody_else(box: Path, tmp_path: Path) -> None:
    (box / "settings.toml").write_text(SETTINGS)
    (box / "network.json").write_text(NETWORK)
    saved = tmp_path / "box.sealed"
    assert telltale("backup", "--encrypt", str(saved), data=box, stdin="short\n").returncode == 2
    assert not saved.exists()
    said = telltale("backup", "--encrypt", str(saved), data=box, stdin="a long passphrase\n")
    assert said.returncode == 0, said.stderr
    assert b"policy.json" not in saved.read_bytes()
    for damaged, wrong in ((False, "another passphrase"), (False, ""), (True, "a long passphrase")):
        copy = tmp_path / "copy.sealed"
        copy.write_bytes(saved.read_bytes()[:-1] + b"\0" if damaged else saved.read_bytes())
        before = contents(box)
        said = telltale("restore", str(copy), data=box, stdin=f"{wrong}\n")
        assert said.returncode == 2
        assert "nothing was changed" in said.stderr
        assert contents(box) == before
    other = tmp_path / "other"
    assert telltale("restore", str(saved), data=other, stdin="a long passphrase\n").returncode == 0
    assert (other / "settings.toml").read_text() == SETTINGS
    assert (other / "network.json").read_text() == NETWORK
    assert (other / "network.json").stat().st_mode & 0o777 == 0o600


def test_a_plain_backup_leaves_the_wifi_as_it_is(box: Path, tmp_path: Path) -> None:
    settings = '[network]\nmode = "access-point"\ncountry = "DE"\npassphrase = "typed \\"by\\" hand"\nband = 5\n'
    (box / "settings.toml").write_text(settings)
    saved = tmp_path / "box.zip"
    assert telltale("backup", str(saved), data=box).returncode == 0
    assert telltale("restore", str(saved), data=box).returncode == 0
    assert (box / "settings.toml").read_text() == settings
    other = tmp_path / "other"
    said = telltale("restore", str(saved), data=other)
    assert "passphrase was not in it" in said.stdout
    assert "band = 5" in (other / "settings.toml").read_text()


def test_a_passphrase_that_cannot_be_left_out_stops_the_backup(box: Path, tmp_path: Path) -> None:
    (box / "settings.toml").write_text(
        'network = { mode = "access-point", country = "DE", passphrase = "typed-by-hand" }\n'
    )
    saved = tmp_path / "box.zip"
    said = telltale("backup", str(saved), data=box)
    assert said.returncode == 2
    assert "--encrypt" in said.stderr
    assert not saved.exists()
