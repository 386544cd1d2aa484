"""A fresh Debian becomes the appliance with one command, survives what homes do to it, and becomes what it was."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.netns.escapee import TRACKER, TRACKER4, ZONE
from tests.netns.household import Household
from tests.netns.lab import OUTSIDE4, RESOLVERS4, Lab
from tests.netns.outside import Outside
from tests.support.debian import Debian, begin_root, why_not
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(why_not() != "", reason=why_not() or "-"),
    pytest.mark.timeout(3600),
]

ADDRESS = "10.77.0.2"
MOVED = "192.168.77.99"
# Root stands where somebody has laid modules of his own: none of them may ever run.
EVIL = "/srv/evil"
PLANTED = ("argparse", "ipaddress", "json", "pathlib", "secrets", "socket", "sysconfig", "tomllib", "gateway", "web")
INSTALL = ("env", "-C", EVIL, f"PYTHONPATH={EVIL}", "bash", "/src/deploy/install.sh")
TELLTALE = ("env", "-C", EVIL, f"PYTHONPATH={EVIL}", "/usr/local/bin/telltale")
# python3-venv stays out: the installer has to bring it. No compiler is there, and none is brought.
PACKAGES = ["systemd-sysv", "dbus", "iproute2", "python3", "procps", "ca-certificates"]
SUITES = ("trixie", "bookworm")
Making = dict[str, tuple[Path, subprocess.Popen[str]]]


@pytest.fixture(scope="module")
def making(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Making]:
    """Both at the same time."""
    folder = tmp_path_factory.mktemp("debian")
    begun = {suite: (folder / suite, begin_root(suite, folder / suite, PACKAGES)) for suite in SUITES}
    yield begun
    for _, process in begun.values():
        # Asked, not killed: it takes its mounts down first.
        if process.poll() is None:
            process.terminate()
        process.wait(60)
        if process.stdout:
            process.stdout.close()
    subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


@pytest.fixture(params=SUITES)
def debian(request: pytest.FixtureRequest, making: Making) -> Debian:
    return made(making, request.param)


def made(making: Making, suite: str) -> Debian:
    """The Debian of this suite, as soon as it is there."""
    root, process = making[suite]
    if process.returncode is None:
        said, _ = process.communicate(timeout=1800)
        assert process.returncode == 0, said[-2000:]
    debian = Debian(root)
    evil = root / EVIL.lstrip("/")
    evil.mkdir(exist_ok=True)
    for name in PLANTED:
        (evil / f"{name}.py").write_text("open('/srv/evil/ran', 'w').close()\nraise SystemExit('planted')\n")
    return debian


def nothing_planted_ran(debian: Debian) -> bool:
    return not (debian.root / EVIL.lstrip("/") / "ran").exists()


def download_packages(debian: Debian) -> None:
    """Once, so that installing again costs no network; for the Python of that Debian, and nothing to be compiled."""
    version = debian.run("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    pip = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "--python-version", version]
    lock = str(debian.root / "src/requirements.lock")
    subprocess.run([*pip, "-d", str(debian.root / "wheels"), "--require-hashes", "-r", lock], check=True, timeout=900)


def same(before: dict[str, str], after: dict[str, str]) -> None:
    changed = {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()}
    assert {path: pair for path, pair in changed.items() if pair[0] != pair[1]} == {}


def test_a_debian_becomes_the_appliance_and_comes_back(debian: Debian) -> None:
    flags = ("--address", ADDRESS, "--wheels", "/wheels")
    download_packages(debian)
    before, everything = debian.picture(), debian.picture(whole=True)

    said = debian.run(*INSTALL, *flags, "--dry-run")
    assert "would: start telltale-resolver.socket at every boot" in said
    same(everything, debian.picture(whole=True))

    # The power goes: early, and it is taken away again; late, and it is run again.
    debian.run_and_kill("make the users", *INSTALL, *flags)
    debian.run(*INSTALL, "--uninstall", "--purge")
    same(before, debian.picture())
    debian.run_and_kill("install the Python packages", *INSTALL, *flags)
    debian.run_and_kill("write /etc/systemd/system/telltale-web.socket", *INSTALL, *flags)
    assert "Telltale is installed" in debian.run(*INSTALL, *flags)
    assert "none" in debian.run("sh", "-c", "command -v gcc cc || echo none"), "a Pi needs no compiler"
    about = debian.run("stat", "-c", "%U:%G %a", "/var/lib/telltale/settings.toml").strip()
    assert about == "telltale:telltale 640"

    installed = debian.picture(whole=True)
    said = debian.run(*INSTALL, "--mode", "wired", "--interface", "eth1", check=False)
    assert "installed here as dns-only. Take that away first; it keeps your history" in said
    said = debian.run(*INSTALL, *flags)
    assert "nothing was changed" in said
    differing = {path for path, about in debian.picture(whole=True).items() if installed.get(path) != about}
    assert differing == set()

    units = [f"/etc/systemd/system/telltale-{name}.service" for name in ("resolver", "web")]
    assert debian.run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/telltale.target", *units) == ""
    for unit in units:
        debian.run("systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager", unit)

    with debian.started(ADDRESS):
        lives_at_home(debian)
        debian.run(*INSTALL, "--uninstall", "--purge")
        wait_until(
            lambda: debian.run("systemctl", "list-units", "--all", "--no-legend", "telltale*") == "",
            "systemd forgets the units",
            shows=lambda: debian.run("systemctl", "show", "-p", "Id,RefBy,References,ReferencedBy", "telltale*"),
        )
    assert nothing_planted_ran(debian)
    after = debian.picture()
    # What a first boot of systemd leaves behind is not ours.
    booted = {path for path in after.keys() - before.keys() if "telltale" not in path}
    assert [path for path in after if "telltale" in path] == []
    same(before | {path: after[path] for path in booted}, after | {p: before[p] for p in _BOOT_CHANGES if p in before})


_BOOT_CHANGES = ("etc/machine-id", "etc/resolv.conf", "etc/hostname", "etc/localtime")


def the_command_line_is_the_box_s(debian: Debian) -> None:
    """What it prints and sets is what the dashboard goes by, which runs as a user of its own."""

    def status(token: str) -> str:
        asked = f"Request('http://{ADDRESS}/api/v1/status', headers={{'Authorization': 'Bearer {token}'}})"
        code = f"from urllib.request import *; print(urlopen({asked}, timeout=10).status)"
        return debian.run("python3", "-c", code, check=False).strip().splitlines()[-1]

    address = debian.run(*TELLTALE, "password", "--show").strip()
    assert re.search(r"http://[0-9.]+/setup\?code=[a-z0-9-]{14}$", address), address
    assert debian.run("cat", "/etc/issue.d/telltale.issue").strip() == address, "a screen shows it too"
    shadow = debian.run("stat", "/etc/shadow")
    for user, link in (
        ("telltale-web", "/var/lib/telltale-web/.web.json.new"),
        ("telltale", "/var/lib/telltale/lists/x"),
    ):
        debian.run("runuser", "-u", user, "--", "sh", "-c", "mkdir -p ${1%/*}; ln -sfn /etc/shadow $1", "sh", link)
    token = debian.run(*TELLTALE, "token").strip()
    assert status(token) == "200"
    debian.run(*TELLTALE, "backup", "/tmp/box.zip")
    token_id = debian.run(*TELLTALE, "token", "ls").split()[0]
    debian.run(*TELLTALE, "token", "rm", token_id)
    assert "401" in status(token)
    assert debian.run("stat", "-c", "%U %a", "/var/lib/telltale-web/web.json").strip() == "telltale-web 600"
    assert "password is set" in debian.run("sh", "-c", f"echo a new password | {' '.join(TELLTALE)} password --type")
    empty = "for _ in $(seq 100); do [ -s /etc/issue.d/telltale.issue ] || exit 0; sleep 0.2; done; exit 1"
    debian.run("sh", "-c", empty)
    debian.run("systemctl", "stop", "telltale.target")
    assert "Restored" in debian.run(*TELLTALE, "restore", "/tmp/box.zip")
    owners = debian.run("find", "/var/lib/telltale", "-printf", "%u\\n").split()
    assert set(owners) == {"telltale"}, "what root restores is the service's"
    assert debian.run("stat", "/etc/shadow") == shadow
    debian.run("systemctl", "start", "telltale.target")
    wait_until(lambda: status(token) == "200", "the token that was restored opens the dashboard again")
    debian.run("rm", "/tmp/box.zip")


def lives_at_home(debian: Debian) -> None:
    """It answers with no uplink and no clock to trust; it comes back from a crash and from a hang; it is updated."""

    def answers() -> bool:
        said = debian.run("sh", "-c", f"python3 /src/deploy/probe.py {ADDRESS} && echo well", check=False)
        return "well" in said

    def shown(name: str) -> str:
        return debian.run("systemctl", "show", "-p", name, "--value", "telltale-resolver").strip()

    wait_until(answers, "DNS and the dashboard answer after the boot")
    the_command_line_is_the_box_s(debian)
    first = shown("MainPID")
    debian.run("kill", "-9", first)
    wait_until(lambda: shown("MainPID") not in (first, "0"), "a resolver that was killed comes back")
    wait_until(answers, "it answers again")
    second = shown("MainPID")
    debian.run("kill", "-STOP", second)
    wait_until(lambda: shown("MainPID") not in (second, "0"), "the watchdog ends a resolver that hangs")
    wait_until(answers, "it answers again")

    # A broken release is not kept: the one before runs again.
    good = debian.run("readlink", "/opt/telltale/current")
    resolver = debian.root / "src/gateway/daemons/resolver.py"
    text = resolver.read_text()
    resolver.write_text("raise SystemExit(1)\n")
    said = debian.run(*INSTALL, "--update", check=False)
    assert "the old one runs again" in said, said
    assert debian.run("readlink", "/opt/telltale/current") == good
    assert answers()
    resolver.write_text(f"{text}# Newer.\n")
    debian.run(*INSTALL, "--update")
    assert debian.run("readlink", "/opt/telltale/current") != good
    assert answers()


def test_what_stands_in_the_way_is_reported_before_anything_is_changed(making: Making) -> None:
    debian = made(making, "trixie")
    before = debian.picture(whole=True)
    said = debian.run(*INSTALL, "--mode", "access-point", "--address", "somewhere", check=False)
    assert "nothing was changed" in said
    assert "--country DE" in said
    assert "somewhere is not an IP address" in said
    debian.run("sh", "-c", "! /src/deploy/install.sh --mode nonsense")
    same(before, debian.picture(whole=True))
    with debian.started(ADDRESS):
        holder = "import socket, time; s = socket.socket(2, 2); s.bind(('', 53)); print(flush=True); time.sleep(99)"
        with subprocess.Popen(debian.command("python3", "-c", holder), stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            running.stdout.readline()
            said = debian.run(*INSTALL, "--address", ADDRESS, check=False)
            running.kill()
    assert "Port 53 is used by python3" in said
    assert not (debian.root / "opt/telltale").exists()


def test_a_second_port_becomes_the_televisions_network(making: Making, tmp_path: Path) -> None:
    """From the command that README shows to a television whose tracker is blocked, and back, with nothing left."""
    debian = made(making, "trixie")
    if not (debian.root / "wheels").exists():
        download_packages(debian)
    wanted = "sed 's/#.*//' /src/deploy/system-packages.txt | awk '$1 == \"run\" || $1 == \"gateway\" {print $2}'"
    debian.run("sh", "-c", f"apt-get update -q && apt-get install -q -y --no-install-recommends $({wanted})")
    flags = ("--mode", "wired", "--interface", "port-tv1", "--upstream", "udp://9.9.9.9", "--wheels", "/wheels")
    with second_port(tmp_path) as (lab, household, outside), debian.booted(lab.names["gateway"]):
        said = debian.run(*INSTALL, *flags)
        assert f"http://{OUTSIDE4}/setup?code=" in said, "from the network of the home, never from the televisions'"
        assert "Connect your televisions to the port port-tv1" in said
        address, _, router, resolver, _ = household.ask_for_address("tv1")
        assert resolver == router
        assert TRACKER4 in asked(lab, router)
        assert TRACKER4 in asked(lab, "8.8.8.8")
        assert {each.server for each in outside.asked if each.name == TRACKER} == {"9.9.9.9"}
        debian.run(*TELLTALE, "block", TRACKER)
        assert asked(lab, router) == asked(lab, "8.8.8.8") == "0.0.0.0"
        devices = debian.run(*TELLTALE, "devices")
        assert address in devices
        assert "127.0.0.1" not in devices, "what watches whether DNS lives is no device of the home"
        wait_until(lambda: "wired, 1 lease, filtering on" in debian.run(*TELLTALE, "network", "status"), "it is known")
        assert "WRONG" not in debian.run(*TELLTALE, "doctor")
        assert shows_dashboard(lab, "internet", OUTSIDE4)
        assert shows_dashboard(lab, "tv1", router), "its password is chosen from the home only"
        # The home's router gives the box another address.
        lab.run("gateway", "ip", "address", "replace", f"{MOVED}/24", "dev", "wan0")
        assert shows_dashboard(lab, "internet", MOVED)
        debian.pull_the_plug()
    with second_port(tmp_path) as (lab, household, _):
        before = lab.run("gateway", "sh", "-c", "ip -br link; nft list tables")
        with debian.booted(lab.names["gateway"]):
            assert household.ask_for_address("tv1")[0] == address, "the same as before the power went"
            wait_until(lambda: asked(lab, "8.8.8.8") == asked(lab, router) == "0.0.0.0", "the click is still in force")
            debian.run(*INSTALL, "--uninstall")
            kept = debian.root / "var/lib/telltale"
            assert (kept / "journal.sqlite").exists()
            assert not (kept / "settings.toml").exists(), "the next installation may be of another kind"
            (kept / "settings.toml").write_text('[network]\nmode = "wired"\nports = ["port-tv1"]\n')
            said = debian.run(*INSTALL, "--mode", "dns-only", check=False)
            assert "which you have changed, is for the mode wired" in said
            assert not (debian.root / "opt/telltale").exists()
            assert nothing_planted_ran(debian)
            assert lab.run("gateway", "sh", "-c", "ip -br link; nft list tables") == before


@contextmanager
def second_port(folder: Path) -> Iterator[tuple[Lab, Household, Outside]]:
    """A machine's network namespace with an uplink and a port for one television."""
    with Lab(televisions=1) as lab:
        household = Household(lab, folder)
        household.make_bare()
        with lab.inside("internet"):
            outside = Outside(ZONE, [(address, 53) for address in RESOLVERS4])
        with outside:
            yield lab, household, outside


def shows_dashboard(lab: Lab, role: str, address: str) -> bool:
    code = f"from urllib.request import *; print(urlopen('http://{address}/healthz', timeout=10).status)"
    return lab.run(role, sys.executable, "-c", code).strip() == "200"


def asked(lab: Lab, server: str) -> str:
    """The tracker's address as the television hears it from this server."""
    return lab.run("tv1", "dig", "+short", "+time=2", "+tries=2", f"@{server}", TRACKER).strip()
