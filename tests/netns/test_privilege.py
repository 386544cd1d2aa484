"""The firewall needs one right, CAP_NET_ADMIN, and no root: the network process runs as somebody without any other."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway
from tests.netns.lab import Lab

pytestmark = pytest.mark.netns

NOBODY = "65534"
NET_ADMIN = "0000000000001000"
PROGRAM = """if True:
    import os, pathlib, sys
    sys.path.insert(0, sys.argv[1])
    from ipaddress import ip_address, ip_interface
    from gateway.errors import NetworkError
    from gateway.model.network import Mode, NetworkPlan, TvNetwork
    from gateway.network.controller import FirewallController
    rights = open("/proc/self/status").read().split("CapEff:")[1].split()[0]
    controller = FirewallController(pathlib.Path(sys.argv[2]))
    tv = TvNetwork("br-tv", ip_interface("10.42.0.1/24"), ip_interface("fd42::1/64"), ip_address("10.42.0.100"),
                   ip_address("10.42.0.199"), ("port-tv1",))
    try:
        controller.apply(NetworkPlan(Mode.WIRED, "wan0", tv))
        done = [controller.is_in_force(), controller.flows(), controller.attempts()]
        done.append(controller.cut([ip_address("10.42.0.11")], [ip_address("203.0.113.1")]))
        controller.clear()
        print(os.getuid(), rights, *done)
    except NetworkError as error:
        print(os.getuid(), rights, error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may read and write, with the gateway's code in it: nobody may not look into ours."""
    made = Path(tempfile.mkdtemp(prefix="telltale-lab-"))
    made.chmod(0o777)
    shutil.copytree(Path(gateway.__file__).parent, made / "code" / "gateway")
    for path in (made / "code").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    yield made
    shutil.rmtree(made)


def run_as_nobody(lab: Lab, folder: Path, rights: str) -> str:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if python is None:
        pytest.skip("there is no Python that everybody may run")
    who = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    caps = [f"--{kind}={rights}" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    command = ("setpriv", *who, *caps, python, "-c", PROGRAM, str(folder / "code"), str(folder))
    return lab.run("gateway", *command).strip()


def test_one_right_is_enough(lab, open_folder):
    assert run_as_nobody(lab, open_folder, "-all,+net_admin") == f"{NOBODY} {NET_ADMIN} True [] [] 0"


def test_without_it_a_sentence_says_what_is_missing(lab, open_folder):
    assert run_as_nobody(lab, open_folder, "-all").endswith(
        "this needs the right to change the network (CAP_NET_ADMIN)."
    )
