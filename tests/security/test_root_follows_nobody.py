"""A service's user is taken over, and waits for root: with links in its folders, and with modules where root stands.

Whatever root types, root's own files stay what they are and unread, and what comes to be belongs to the service.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.linux.rights import owner_of
from tests.support.box import RunningBox
from tests.support.stranger import Stranger, reaching, stranger, why_not
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(why_not() != "", reason=why_not() or "-")

ROOT = Path(__file__).resolve().parents[2]
SECRET = "root's own words, and nobody else's"
PASSWORD = "a password of the home\n"


@dataclass(frozen=True)
class Trap:
    """A folder of a service, and what of root's must stay as it is."""

    who: Stranger
    precious: Path
    precious_folder: Path

    @property
    def data(self) -> Path:
        return self.who.folder

    def root_types(self, *words: str, typed: str = PASSWORD) -> str:
        """All that root reads afterwards; whether it worked is not the question."""
        said = subprocess.run(
            [*reaching(), sys.executable, "-I", "-m", "gateway.cli", *words, "--data", str(self.data)],
            check=False, capture_output=True, text=True, timeout=60, input=typed, cwd="/",
        )  # fmt: skip
        assert "Traceback" not in said.stderr, said.stderr
        assert "cannot read" not in said.stderr, "it did not get as far as the trap"
        return said.stdout + said.stderr

    def is_untouched(self) -> bool:
        about = self.precious.lstat()
        same = (about.st_uid, about.st_gid, about.st_mode & 0o7777, about.st_nlink) == (0, 0, 0o600, 1)
        return same and self.precious.read_text() == SECRET and os.listdir(self.precious_folder) == ["hosts"]


@pytest.fixture
def trap() -> Iterator[Trap]:
    with stranger() as who:
        precious = who.base / "shadow"
        precious.write_text(SECRET)
        precious.chmod(0o600)
        folder = who.base / "etc"
        folder.mkdir(mode=0o755)
        (folder / "hosts").write_text(SECRET)
        yield Trap(who, precious, folder)


def everything_root_types(trap: Trap) -> str:
    """Each command that a person types with sudo, one after the other."""
    saved = trap.who.base / "box.zip"
    said = trap.root_types("token")
    said += trap.root_types("password", "--type")
    said += trap.root_types("explain", "ads.example.com")
    said += trap.root_types("rules", "ls")
    said += trap.root_types("doctor", "--upstream", "udp://127.0.0.1:9")
    said += trap.root_types("backup", str(saved))
    if saved.exists():
        assert SECRET.encode() not in saved.read_bytes()
        said += trap.root_types("restore", str(saved))
    return said


# What is laid at the same time: a trap that stops one command must not save root from the next.
LAID = [
    ("lock",),
    ("web.json", ".web.json.new"),
    (".web.json.new", ".policy.json.new", "network.json", "control.sock", "lists/compiled.bin", "lists/report.json"),
    ("policy.json",),
    ("journal.sqlite", "journal.sqlite-wal"),
    ("settings.toml",),
]


def lay(trap: Trap, names: tuple[str, ...], to: Path) -> None:
    for name in names:
        trap.who.run("mkdir", "-p", str((trap.data / name).parent))
        trap.who.lay_link(trap.data / name, to)


@pytest.mark.parametrize("names", LAID)
def test_a_link_to_a_file_of_root_leads_root_nowhere(trap: Trap, names: tuple[str, ...]) -> None:
    lay(trap, names, trap.precious)
    assert SECRET not in everything_root_types(trap)
    assert trap.is_untouched()


@pytest.mark.parametrize("names", [("lists",), ("lock", "web.json", "journal.sqlite")])
def test_a_link_to_a_folder_of_root_is_not_filled(trap: Trap, names: tuple[str, ...]) -> None:
    lay(trap, names, trap.precious_folder)
    assert SECRET not in everything_root_types(trap)
    assert trap.is_untouched()


@pytest.mark.parametrize("name", ["lock", "web.json", "journal.sqlite"])
def test_a_link_to_nothing_yet_makes_nothing(trap: Trap, name: str) -> None:
    """A new file in a folder of root would be as bad: /etc/cron.d reads whatever lies there."""
    lay(trap, (name,), trap.precious_folder / "cron")
    everything_root_types(trap)
    assert trap.is_untouched()


def test_the_dashboard_s_folder_is_another_user_s_again(trap: Trap) -> None:
    keys = trap.who.new_folder("web") / "web.json"
    for name in ("web.json", ".web.json.new"):
        trap.who.lay_link(keys.with_name(name), trap.precious)
        for words in (("token",), ("password", "--type"), ("backup", str(trap.who.base / "box.zip"))):
            assert SECRET not in trap.root_types(*words, "--keys", str(keys))
        keys.with_name(name).unlink(missing_ok=True)
    assert trap.is_untouched()


def test_a_backup_does_not_follow_where_its_target_leads(trap: Trap) -> None:
    inside = trap.data / "box.zip"
    for name in ("box.zip", ".box.zip.part"):
        trap.who.lay_link(trap.data / name, trap.precious)
    trap.who.lay_link(trap.data / "elsewhere", trap.precious_folder)
    trap.root_types("backup", str(inside))
    trap.root_types("backup", str(trap.data / "elsewhere" / "box.zip"))
    assert trap.is_untouched()
    assert inside.is_file()
    assert not inside.is_symlink()
    assert trap.who.owns(inside)


def test_what_root_makes_for_a_service_is_the_service_s(trap: Trap) -> None:
    saved = trap.who.base / "box.zip"
    assert trap.root_types("token").strip()
    assert "password is set" in trap.root_types("password", "--type")
    assert "Saved" in trap.root_types("backup", str(saved))
    assert saved.stat().st_uid == 0
    assert saved.stat().st_mode & 0o777 == 0o600
    assert "Restored" in trap.root_types("restore", str(saved))
    made = list(trap.data.rglob("*"))
    assert {path.name for path in made} >= {"web.json", "lock", "lists"}
    assert [path for path in made if not trap.who.owns(path)] == []
    assert (trap.data / "web.json").stat().st_mode & 0o777 == 0o600


def test_root_starts_a_box_for_a_user_and_it_runs_as_that_user(trap: Trap) -> None:
    python = (*reaching(), sys.executable)
    with RunningBox(trap.data, ["--upstream", "udp://127.0.0.1:9"], expects=["upstream"], python=python) as box:
        children = Path(f"/proc/{box.process.pid}/task/{box.process.pid}/children").read_text().split()
        pids = [box.process.pid, *map(int, children)]
        assert len(pids) >= 3
        for pid in pids:
            users = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
            assert users is not None
            assert set(users.groups()) == {str(trap.who.user)}
    assert [path for path in trap.data.rglob("*") if not trap.who.owns(path)] == []


NESTED = """if True:
    import os, sys
    from pathlib import Path
    from gateway.linux.rights import become_owner_of, rights_of_owner
    theirs, ours, precious = map(Path, sys.argv[1:])
    seen = []
    with rights_of_owner(theirs):
        seen.append((os.geteuid(), 0 in os.getgroups(), os.access(precious, os.R_OK, effective_ids=True)))
        with rights_of_owner(ours):
            seen.append(os.geteuid())
        seen.append(os.geteuid())
    seen.append((os.geteuid(), os.access(precious, os.R_OK, effective_ids=True)))
    try:
        with rights_of_owner(theirs):
            raise KeyError
    except KeyError:
        seen.append(os.geteuid())
    become_owner_of(theirs)
    try:
        os.seteuid(0)
    except PermissionError:
        seen.append("for ever")
    print(seen)
"""


def test_rights_come_back_and_may_be_nested_or_are_gone_for_ever(trap: Trap) -> None:
    places = map(str, (trap.data, trap.who.base, trap.precious))
    command = [*reaching(), sys.executable, "-I", "-c", NESTED, *places]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, cwd="/").stdout
    user = trap.who.user
    assert said.strip() == str([(user, False, False), 0, user, (0, True), 0, "for ever"])


def test_who_cannot_read_our_code_is_said_in_words(trap: Trap) -> None:
    """Modules are read when they are needed, and by then root's rights are gone."""
    hidden = trap.who.base / "checkout"
    hidden.mkdir(mode=0o700)
    (hidden / "gateway").symlink_to(ROOT / "gateway")
    (hidden / "web").symlink_to(ROOT / "web")
    code = f"import sys; sys.path.insert(0, {str(hidden)!r}); from gateway.cli import main; sys.exit(main())"
    words = ["rules", "ls", "--data", str(trap.data)]
    line = [*reaching(), sys.executable, "-I", "-c", code, *words]
    said = subprocess.run(line, check=False, capture_output=True, text=True, timeout=60, cwd="/")
    assert said.returncode == 2
    assert "who cannot read" in said.stderr


def test_the_first_on_the_way_who_is_not_root_decides(trap: Trap) -> None:
    """Also where a link of root's leads through a folder of somebody else's, and where nothing is yet."""
    inside = trap.data / "deeper"
    inside.mkdir()
    shortcut = trap.who.base / "shortcut"
    shortcut.symlink_to(inside)
    trap.who.lay_link(trap.data / "out", trap.precious_folder)
    for place in (trap.data, inside, inside / "not yet" / "there", shortcut, shortcut / "x", trap.data / "out"):
        owner = owner_of(place)
        assert owner is not None, place
        assert owner.user == trap.who.user, place
    for place in (trap.who.base, trap.precious_folder, trap.who.base / "not yet", Path("/")):
        assert owner_of(place) is None, place


PLANTED = ("argparse", "json", "gateway", "asyncio", "logging", "encodings", "sitecustomize", "pathlib", "socket")


@pytest.fixture
def evil(trap: Trap) -> Path:
    """A folder with modules that tell who imported them."""
    folder = trap.who.new_folder("evil")
    mark = trap.who.base / "evil" / "ran"
    for name in PLANTED:
        text = f"import os\nos.close(os.open({str(mark)!r}, os.O_CREAT, 0o644))\nraise SystemExit('planted')\n"
        (folder / f"{name}.py").write_text(text)
    return folder


def wrapper(folder: Path) -> Path:
    """The command `telltale` as the installer writes it, with the Python and the folders of this test."""
    text = (ROOT / "deploy" / "install.sh").read_text()
    found = re.search(r"put - /usr/local/bin/telltale 755 <<'TEXT'\n(.*?)^TEXT$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    script = folder / "telltale"
    here = found[1].replace("/opt/telltale/current/.venv/bin/python", sys.executable)
    script.write_text(here.replace("XDG_DATA_HOME=/var/lib", f"XDG_DATA_HOME={folder}"))
    script.chmod(0o755)
    assert sys.executable in script.read_text()
    return script


def test_the_command_imports_nothing_from_where_root_stands(trap: Trap, evil: Path) -> None:
    command = wrapper(trap.who.base)
    variables = {**os.environ, "PYTHONPATH": str(evil), "PYTHONHOME": "", "PYTHONSTARTUP": str(evil / "json.py")}
    for words in (["--version"], ["token"], ["doctor", "--upstream", "udp://127.0.0.1:9"], ["rules", "ls"]):
        subprocess.run(
            [*reaching(), command, *words], check=False, capture_output=True, timeout=60, cwd=evil, env=variables
        )
    assert not (evil / "ran").exists()
    assert (trap.who.base / "telltale").exists()


@pytest.mark.parametrize("isolation", ["-I", "-P"])
def test_what_it_starts_imports_nothing_from_there_either(trap: Trap, evil: Path, isolation: str) -> None:
    """The supervisor, the resolver, the dashboard, the workers and the job that compiles lists."""
    listed = trap.who.base / "list.txt"
    listed.write_text("ads.example\n")
    box = RunningBox(
        trap.who.base / "own",
        ["--upstream", "udp://127.0.0.1:9", "--list", str(listed), "--workers", "2"],
        expects=["upstream"],
        python=(sys.executable, isolation),
        stands_in=evil,
    )
    with box:
        wait_until(lambda: box.control.call("status")["listed_names"], "the list is in force")
    assert not (evil / "ran").exists()


def test_every_python_that_root_or_systemd_starts_is_isolated() -> None:
    started = []
    for path in [*ROOT.glob("deploy/*.sh"), *ROOT.glob("systemd/*.service")]:
        for line in path.read_text().splitlines():
            if not line.lstrip().startswith("#"):
                started += re.findall(r"(?:^|[\s\"(/!])python3?\"? +(-\S+|\S*\.py)", line)
    assert len(started) >= 12
    assert set(started) == {"-I"}
