"""No test says that something is over within so many seconds, of the clock on the wall or of the processor: on a busy
or a small machine that is not so. What may be compared is something else in the same run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
_CLOCKS = {
    "monotonic",
    "perf_counter",
    "time",
    "monotonic_ns",
    "perf_counter_ns",
    "time_ns",
    "process_time",
    "thread_time",
}
# Whose clock is wound by the test, or who only measures.
_OTHERS = ("bench", "mutation", "training")


def reads_clock(node: ast.AST) -> bool:
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and isinstance(each.func.value, ast.Name)
        and (each.func.value.id, each.func.attr) in {("time", clock) for clock in _CLOCKS}
        for each in ast.walk(node)
    )


def upper_bounds(tree: ast.AST) -> Iterator[int]:
    """Lines that assert that a time span is short."""
    spans = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and reads_clock(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assert):
            continue
        for compare in ast.walk(node.test):
            if not (isinstance(compare, ast.Compare) and isinstance(compare.ops[0], ast.Lt | ast.LtE)):
                continue
            left = compare.left
            span = (isinstance(left, ast.BinOp) and reads_clock(left)) or (
                isinstance(left, ast.Name) and left.id in spans
            )
            if span and isinstance(compare.comparators[0], ast.Constant):
                yield node.lineno


def test_no_test_bounds_a_time_span_from_above() -> None:
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for path in TESTS.rglob("*.py")
        if path.relative_to(TESTS).parts[0] not in _OTHERS
        for line in upper_bounds(ast.parse(path.read_text()))
    ]
    assert found == []


def test_such_a_test_would_be_found() -> None:
    for line in (
        "assert time.monotonic() - began < 2",
        "took = time.monotonic() - began\nassert took < 2.0",
        "assert time.time() - began <= 2 and True",
        "assert time.process_time() - began < 0.2",
    ):
        assert list(upper_bounds(ast.parse(line))), line
    for line in ("assert time.monotonic() - began > 0.5", "assert before <= time.time()", "assert count < 2"):
        assert not list(upper_bounds(ast.parse(line))), line
