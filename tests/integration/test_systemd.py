"""systemd itself reads our units, and finds them well locked."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "systemd"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"),
]


def test_every_unit_is_understood(tmp_path: Path) -> None:
    for unit in (each for each in UNITS.iterdir() if each.suffix != ".sysusers"):
        text = unit.read_text().replace("/opt/telltale/current/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(text)
    units = [str(path) for path in tmp_path.iterdir()]
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], check=False, capture_output=True, text=True
    )
    ours = [line for line in said.stderr.splitlines() if "telltale" in line]
    assert ours == []


@pytest.mark.parametrize(
    ("name", "exposure"),
    [("telltale-resolver", 25), ("telltale-web", 25), ("telltale-console", 25), ("telltale-network", 40)],
)
def test_a_service_may_do_next_to_nothing(name: str, exposure: int) -> None:
    flags = ["--offline=true", f"--threshold={exposure}", "--no-pager"]
    command = ["systemd-analyze", "security", *flags, str(UNITS / f"{name}.service")]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout[-300:]


@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.s*")), ids=lambda unit: unit.name)
def test_nothing_waits_for_the_uplink_or_the_clock_and_nothing_gives_up(unit: Path) -> None:
    text = unit.read_text()
    for never in ("network-online.target", "time-sync.target", "nss-lookup.target"):
        assert never not in text
    if unit.suffix == ".service":
        assert "StartLimitIntervalSec=0" in text
        assert "Restart=always" in text or "Type=oneshot" in text
    if unit.suffix == ".socket":
        assert "TriggerLimitIntervalSec=0" in text
        assert "FreeBind=yes" in text


def test_the_modules_that_the_units_start_are_there() -> None:
    for unit in UNITS.glob("*.service"):
        (module,) = re.findall(
            r"^ExecStart=/opt/telltale/current/\.venv/bin/python -I -m (\S+)", unit.read_text(), re.M
        )
        assert (UNITS.parent / f"{module.replace('.', '/')}.py").is_file()


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not on this machine")
def test_shell_scripts_are_well_formed() -> None:
    scripts = [str(path) for path in (UNITS.parent / "deploy").glob("*.sh") if path.read_text().startswith("#!")]
    said = subprocess.run(["shellcheck", "-x", *scripts], check=False, capture_output=True, text=True, cwd=UNITS.parent)
    assert said.returncode == 0, said.stdout


def test_what_the_console_shows_is_made_by_the_dashboard_s_user_and_opened_by_systemd_itself() -> None:
    text = (UNITS / "telltale-console.service").read_text()
    assert "User=telltale-web" in text
    assert "StandardOutput=truncate:/etc/issue.d/telltale.issue" in text
    assert not re.search(r"^Exec\w+=[+!]", text, re.MULTILINE), "nothing of it runs as root"


def test_the_code_that_the_installer_runs_itself_finds_what_it_imports() -> None:
    """A module that moves must not break how an installed box is taken away."""
    found = 0
    for script in (UNITS.parent / "deploy").glob("*.sh"):
        for line in re.findall(r"^from gateway\S* import .+$", script.read_text(), re.MULTILINE):
            said = subprocess.run([sys.executable, "-c", line], check=False, capture_output=True, text=True)
            assert said.returncode == 0, f"{script.name}: {line}: {said.stderr}"
            found += 1
    assert found >= 2
