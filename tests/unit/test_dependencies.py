"""A Pi fetches no compiler: nothing that Linux takes is compiled at install time."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPILERS = {"gcc", "g++", "cc", "clang", "make", "build-essential", "libc6-dev", "python3-dev"}


def system_packages(*kinds: str) -> set[str]:
    lines = re.sub(r"#.*", "", (ROOT / "deploy" / "system-packages.txt").read_text()).splitlines()
    return {words[1] for words in map(str.split, lines) if words and words[0] in kinds}


def test_only_the_tests_want_a_compiler() -> None:
    assert system_packages("run", "gateway") & COMPILERS == set()
    assert system_packages("test") & COMPILERS, "netifaces is compiled there, and the adapter is tried with it"


def test_each_system_package_stands_once() -> None:
    lines = re.sub(r"#.*", "", (ROOT / "deploy" / "system-packages.txt").read_text()).split("\n")
    packages = [line.split()[1] for line in lines if line.strip()]
    assert len(packages) == len(set(packages))


def test_linux_does_not_take_netifaces_unless_asked() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert re.findall(r"^netifaces==[0-9.]+ (.*)$", lock, re.MULTILINE) == ["; sys_platform != 'linux' \\"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["netifaces"] == ["netifaces>=0.11"]
