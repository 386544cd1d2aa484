"""Which faults are made, and how each is named."""

from __future__ import annotations

import pytest

from tests.mutation.mutants import Mutant, Program


def mutants(source: str) -> tuple[Mutant, ...]:
    return Program("toy", source).mutants


def faults(source: str) -> set[str]:
    """What the one statement of this source becomes."""
    return {mutant.key.after for mutant in mutants(source)}


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        ("x = a < b", {"x = a <= b", "x = a >= b"}),
        ("x = a == b", {"x = a != b"}),
        ("x = a in b", {"x = a not in b"}),
        ("x = a and b", {"x = a or b"}),
        ("x = a + b", {"x = a - b"}),
        ("x = not a", {"x = a"}),
        ("x = 7", {"x = 8"}),
        ("x = True", {"x = False"}),
        ("x = 'a'", {"x = 'mutated'"}),
        ("x = f'{a} b'", {"x = 'mutated'"}),
        ("x = [a, b]", {"x = [a]", "x = [b]"}),
        ("x = f(a, b=c)", {"x = f(a)"}),
        ("x = min(a)", {"x = max(a)"}),
        ("x = [a for a in b if a]", {"x = [a for a in b if not a]"}),
        ("x = a if b else c", {"x = a if not b else c"}),
        ("x += a", {"x -= a", "pass"}),
        ("x.y = a", {"pass"}),
        ("f(a)", {"pass"}),
        ("raise a", {"pass"}),
        ("del x[a]", {"pass"}),
    ],
)
def test_a_statement_and_the_faults_in_it(source: str, becomes: set[str]) -> None:
    assert faults(source) == becomes


def test_the_ways_through_a_function_are_changed() -> None:
    found = {
        (mutant.key.function, mutant.key.before, mutant.key.after)
        for mutant in mutants("def f(a):\n    while a:\n        if g(a):\n            break\n    return a\n")
    }
    assert found == {
        ("f", "while a:", "while not a:"),
        ("f", "if g(a):", "if not g(a):"),
        ("f", "break", "continue"),
        ("f", "return a", "return None"),
    }


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "import os",
        "assert x is not None",
        "x: Literal['a', 'b']",
        "X: TypeAlias = dict[str, int | 'Later']",
        "log.info('%s is %d', name, 3)",
        "log = logging.getLogger('a')",
        "@dataclass(frozen=True)\nclass A(B, kw_only=True):\n    x: int",
    ],
)
def test_what_only_declares_or_speaks_to_people_in_the_log_is_left_alone(source: str) -> None:
    assert faults(source) == set()


LATER = """
class Lamp:
    def light(self, level):
        self.level = level + 1
        return level > 2
"""


def test_a_mutant_has_the_same_name_wherever_its_lines_go() -> None:
    moved = "x = [\n    a\n]\n\n\n" + LATER.replace("self.level = level + 1", "self.level = (\n  level + 1\n)")
    assert [m.key for m in mutants(LATER)] == [m.key for m in mutants(moved)]
    assert {m.key.function for m in mutants(LATER)} == {"Lamp.light"}


def test_what_a_function_says_twice_is_counted() -> None:
    found = mutants("def f(a):\n    g(1)\n    g(1)\n")
    assert sorted((m.key.before, m.key.after, m.key.nth) for m in found) == [
        ("g(1)", "g(2)", 1), ("g(1)", "g(2)", 2), ("g(1)", "pass", 1), ("g(1)", "pass", 2),
    ]  # fmt: skip


def test_a_long_statement_is_shown_where_it_changes() -> None:
    (mutant,) = mutants("x = {" + ", ".join(f"a{n}: b{n}" for n in range(40)) + ", c: 7}")
    assert mutant.key.after.startswith("…")
    assert mutant.key.after.endswith(", c: 8}")
    assert len(mutant.key.after) < 60


def test_each_mutant_differs_from_the_program_in_its_own_way() -> None:
    source = "def f(a, b=2):\n    if a < b and b != 3:\n        return [a, -b, 'x']\n    return max(a, b) // 2\n"
    codes = set()
    for mutant in mutants(source):
        program = Program("toy", source)
        codes.add(program.code(next(m for m in program.mutants if m.key == mutant.key), "toy.py"))
    codes.add(Program("toy", source).code(None, "toy.py"))
    assert len(codes) == len(mutants(source)) + 1


def test_a_program_says_which_statements_it_comes_by() -> None:
    """By the numbers that its mutants have, so that only the tests that come by one need to be run for it."""
    source = LATER + "\ndef idle():\n    try:\n        return 1\n    finally:\n        pass\n"
    reached: set[int] = set()
    names = {"__reached__": reached}
    exec(Program("toy", source).probed("toy.py"), names)
    assert reached == set()
    names["Lamp"]().light(1)  # type: ignore[operator]
    assert {m.statement for m in mutants(source) if m.key.function == "Lamp.light"} == reached
    assert not any(m.statement in reached for m in mutants(source) if m.key.function == "idle")
