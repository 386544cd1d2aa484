"""Functions stay short, and take few things: what belongs together is one frozen value."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST, MOST = 60, 8
# A migration is written once and never touched again: the tables of its day, one after the other.
HISTORY = "migrations"


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in [*ROOT.joinpath("gateway").rglob("*.py"), *ROOT.joinpath("web").rglob("*.py")]:
        if HISTORY not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{path.relative_to(ROOT)}:{node.name}", node


def test_no_function_is_longer_than_sixty_lines() -> None:
    lengths = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in functions()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_no_function_takes_more_than_eight_things() -> None:
    taken = {}
    for name, node in functions():
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        taken[name] = len([each for each in given if each.arg not in ("self", "cls")])
    assert {name: number for name, number in taken.items() if number > MOST} == {}


def test_the_processes_compose_and_nothing_else() -> None:
    lines = sum(len(path.read_text().splitlines()) for path in ROOT.joinpath("gateway", "daemons").glob("*.py"))
    assert lines < 1_300
