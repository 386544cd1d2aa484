"""Every module has a test file of its name, or stands on a list that says who tests it, and why."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COVERED = tomllib.loads(Path(__file__).with_name("twins.toml").read_text())["covered"]
NAMES = {path.name for path in (ROOT / "tests").rglob("test_*.py")}


def modules() -> dict[str, str]:
    """Dotted names of all modules, with their own name alone."""
    found = {}
    for folder in ("gateway", "web"):
        for path in (ROOT / folder).rglob("*.py"):
            short = path.relative_to(ROOT).with_suffix("")
            if path.stem != "__init__" and "migrations" not in short.parts:
                found[".".join(short.parts)] = path.stem.strip("_")
    return found


def has_twin(name: str) -> bool:
    return f"test_{name}.py" in NAMES or any(each.startswith(f"test_{name}_") for each in NAMES)


def test_every_module_has_its_test_file_or_stands_on_the_list() -> None:
    listed = {module for group in COVERED for module in group["modules"]}
    without = {module for module, name in modules().items() if not has_twin(name)}
    assert without - listed == set(), "write its test file, or say in twins.toml who tests it"
    assert listed - without == set(), "it is gone, or has a test file of its own"


def test_the_list_is_true() -> None:
    counts = Counter(module for group in COVERED for module in group["modules"])
    assert [module for module, count in counts.items() if count > 1] == []
    for group in COVERED:
        assert group["why"].endswith(".")
        assert "def test_" in (ROOT / group["by"]).read_text(), group["by"]
