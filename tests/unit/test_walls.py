"""The walls between the rooms hold: a forbidden import planted in a copy of the tree makes import-linter red."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = "The rooms stand above each other"
PLANTS = [
    # Lower never imports higher.
    ("gateway/errors.py", "gateway.model.name", LAYERS),
    ("gateway/model/name.py", "gateway.wire.names", LAYERS),
    ("gateway/wire/names.py", "gateway.policy.service", LAYERS),
    ("gateway/linux/netlink.py", "gateway.devices.neighbours", LAYERS),
    ("gateway/policy/service.py", "gateway.settings", LAYERS),
    ("gateway/classifier/service.py", "gateway.demo.world", LAYERS),
    ("gateway/network/service.py", "gateway.network_settings", LAYERS),
    ("gateway/resolver/service.py", "gateway.application.core", LAYERS),
    ("gateway/settings.py", "gateway.application.core", LAYERS),
    ("gateway/application/core.py", "gateway.daemons.resolver", LAYERS),
    ("gateway/daemons/resolver.py", "gateway.commands.doctor", LAYERS),
    ("gateway/commands/doctor.py", "gateway.cli", LAYERS),
    # Siblings do not import each other.
    ("gateway/policy/snapshot.py", "gateway.lists.compiled", LAYERS),
    ("gateway/devices/inventory.py", "gateway.journal.stores", LAYERS),
    ("gateway/control/codec.py", "gateway.exposure.places", LAYERS),
    ("gateway/demo/world.py", "gateway.resolver.cache", LAYERS),
    ("gateway/network/service.py", "gateway.resolver.cache", LAYERS),
    ("gateway/wire/names.py", "gateway.linux.netlink", LAYERS),
    ("gateway/schema/texts.py", "gateway.wire.names", LAYERS),
    # The narrower walls.
    ("gateway/journal/reader.py", "web.chart", "Only who stands above the dashboard imports it"),
    ("gateway/model/name.py", "gateway.errors", "The words stand alone"),
    ("gateway/resolver/service.py", "gateway.devices.inventory", "The resolver knows the words"),
    ("gateway/resolver/service.py", "gateway.schema.texts", "The resolver knows the words"),
    ("gateway/demo/world.py", "gateway.classifier.service", "The simulated world knows"),
    ("gateway/network/service.py", "gateway.exposure.places", "The privileged room knows"),
    ("gateway/network/service.py", "gateway.control.client", "The privileged room knows"),
    ("web/chart.py", "gateway.policy.service", "The dashboard knows"),
    ("web/chart.py", "gateway.journal.writer", "The dashboard knows"),
    ("gateway/exposure/places.py", "gateway.linux.netlink", "Exposure knows"),
    ("gateway/resolver/cache.py", "dnslib", "dnslib stays"),
    ("gateway/wire/peek.py", "dnslib", "dnslib stays"),
    ("web/chart.py", "sqlalchemy", "SQLAlchemy and Alembic stay"),
    ("gateway/application/core.py", "alembic", "SQLAlchemy and Alembic stay"),
    ("gateway/control/codec.py", "flask", "Flask and "),
    ("gateway/exposure/places.py", "scapy", "scapy stays"),
    ("gateway/devices/inventory.py", "scapy", "scapy stays"),
    ("gateway/application/core.py", "netifaces", "netifaces stays"),
    ("gateway/lists/sources.py", "subprocess", "Programs are started"),
]


def lint(tree: Path) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=tree, capture_output=True, text=True,
        env={"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin"}, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr if done.returncode else ""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    for room in ("gateway", "web"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    assert lint(copy) == ""
    return copy


@pytest.mark.slow
@pytest.mark.parametrize(("module", "imported", "contract"), PLANTS, ids=lambda value: str(value).split(" ")[0])
def test_a_planted_import_is_found(tree: Path, module: str, imported: str, contract: str) -> None:
    path = tree / module
    before = path.read_text()
    try:
        path.write_text(f"{before}\n\nimport {imported}\n")
        said = lint(tree)
    finally:
        path.write_text(before)
    assert any(line.startswith(contract) and "BROKEN" in line for line in said.splitlines()), said


def test_a_new_room_is_red_until_it_has_its_place(tree: Path) -> None:
    room = tree / "gateway" / "alerts"
    room.mkdir()
    (room / "__init__.py").write_text("import gateway.resolver.cache\nimport gateway.journal.writer\n")
    try:
        assert "alerts" in lint(tree)
    finally:
        shutil.rmtree(room)


def test_no_circle_among_the_modules(capsys: pytest.CaptureFixture[str]) -> None:
    graph = grimp.build_graph("gateway", "web", cache_dir=None, exclude_type_checking_imports=True)
    circles = []
    for module in sorted(graph.modules):
        for imported in graph.find_modules_directly_imported_by(module):
            back = graph.find_shortest_chain(imported, module)
            if back and imported != module:
                circles.append(" -> ".join((module, *back)))
    with capsys.disabled():
        print(f"\n{len(graph.modules)} modules, {len(circles)} circles", *circles, sep="\n")
    assert not circles
