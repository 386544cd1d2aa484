"""Every mutant of a module: where it is, what it was, what it is, and its code."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from types import CodeType

from tests.mutation.operators import Change, changes_of

_SHOWN, _AROUND = 120, 40
# What declares, and does nothing itself; and what is written for the type checker or for the log.
_DECLARATIONS = (ast.Assert, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)
_SPOKEN = {"debug", "info", "warning", "error", "exception"}
_DECLARED = {"TypeVar", "getLogger", "NewType"}


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What names a mutant wherever its lines have gone: the code that it changes, as a reader sees it.

    Where a function says the same thing several times, `nth` counts them from 1.
    """

    module: str
    function: str
    before: str
    after: str
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Mutant:
    """`line` is where the change is, `statement` the number of the smallest statement around it (see `Program`)."""

    key: Key
    line: int
    statement: int
    change: Change


class Program:
    """The syntax tree of one module. Its statements are numbered as they stand there; 0 is what runs on import."""

    def __init__(self, module: str, source: str) -> None:
        self.module = module
        self._source = source

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self._source)

    @cached_property
    def mutants(self) -> tuple[Mutant, ...]:
        seen: Counter[Key] = Counter()
        found = []
        for mutant in _Walk(self.module).of(self.tree):
            seen[mutant.key] += 1
            found.append(replace(mutant, key=replace(mutant.key, nth=seen[mutant.key])))
        return tuple(found)

    def code(self, mutant: Mutant | None, filename: str) -> CodeType:
        """The module with this one change, or as it is. A program is spent then: its tree has changed."""
        if mutant is not None:
            mutant.change.apply()
        return compile(self.tree, filename, "exec", dont_inherit=True)

    def probed(self, filename: str) -> CodeType:
        """The module as it is, which adds the number of each statement of a function to the set `__reached__` first."""
        for body, at, number in reversed(list(_numbered(self.tree))):
            probe = ast.parse(f"__reached__.add({number})").body[0]
            for node in ast.walk(probe):
                ast.copy_location(node, body[at])
            body.insert(at, probe)
        return compile(self.tree, filename, "exec", dont_inherit=True)


def _numbered(tree: ast.Module) -> Iterator[tuple[list[ast.stmt], int, int]]:
    """Each statement inside of a function: the list it stands in, its place there, and its number."""
    numbers = iter(range(1, 1 << 20))

    def below(node: ast.AST, within: bool) -> Iterator[tuple[list[ast.stmt], int, int]]:
        inside = within or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for _, part in ast.iter_fields(node):
            for at, each in enumerate(part) if isinstance(part, list) else ((None, part),):
                if isinstance(each, ast.stmt) and inside and at is not None and not _is_docstring(each):
                    yield part, at, next(numbers)
                if isinstance(each, ast.AST):
                    yield from below(each, inside)

    yield from below(tree, False)


class _Walk:
    def __init__(self, module: str) -> None:
        self._module = module
        self._numbers: dict[int, int] = {}

    def of(self, tree: ast.Module) -> Iterator[Mutant]:
        self._numbers = {id(body[at]): number for body, at, number in _numbered(tree)}
        yield from self._below(tree, (), "", 0)

    def _below(self, node: ast.AST, around: tuple[ast.AST, ...], function: str, statement: int) -> Iterator[Mutant]:
        """`around` are the nodes from the smallest statement around this one down to it."""
        for change in changes_of(node):
            touched = getattr(node, change.field)
            touched = touched if change.at is None else touched[change.at]
            if not _is_declaration(touched, change.field, node):
                number = self._numbers.get(id(touched), statement)
                yield self._mutant(change, (*around, node), touched, function, number)
        for field, part in ast.iter_fields(node):
            for each in part if isinstance(part, list) else [part]:
                if not isinstance(each, ast.AST) or _is_declaration(each, field, node):
                    continue
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    inner = f"{function}.{each.name}".lstrip(".")
                    yield from self._below(each, (), inner, self._numbers.get(id(each), statement))
                elif isinstance(each, ast.stmt | ast.ExceptHandler | ast.match_case):
                    yield from self._below(each, (), function, self._numbers.get(id(each), statement))
                else:
                    yield from self._below(each, (*around, node), function, statement)

    def _mutant(
        self, change: Change, around: tuple[ast.AST, ...], touched: object, function: str, statement: int
    ) -> Mutant:
        shown = (
            [touched] if isinstance(touched, ast.stmt) else [n for n in around if isinstance(n, ast.stmt | ast.expr)]
        )
        before = [_text(node) for node in shown]
        kept = getattr(change.parent, change.field)
        change.apply()
        after = [_text(change.new)] if isinstance(touched, ast.stmt) else [_text(node) for node in shown]
        setattr(change.parent, change.field, kept)
        pairs = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        pair = next((pair for pair in pairs if len(pair[0]) <= _SHOWN), None) or _where_they_differ(*pairs[-1])
        line = getattr(touched, "lineno", None) or getattr(change.parent, "lineno", 0)
        return Mutant(Key(self._module, function, *pair), line, statement, change)


def _text(node: object) -> str:
    """The code, on one line; of what has a body only its head."""
    if not isinstance(node, ast.AST):
        return str(node)
    lines = ast.unparse(ast.fix_missing_locations(node)).splitlines()
    if isinstance(node, ast.stmt) and hasattr(node, "body"):
        return next(line for line in lines if not line.startswith("@"))
    return " ".join(map(str.strip, lines))


def _where_they_differ(before: str, after: str) -> tuple[str, str]:
    """Both without most of what they have in common."""
    first = _alike(before, after)
    last = min(_alike(before[::-1], after[::-1]), len(before) - first, len(after) - first)
    start, behind = max(first - _AROUND, 0), max(last - _AROUND, 0)
    parts = [text[start : len(text) - behind] for text in (before, after)]
    return f"{'…' * bool(start)}{parts[0]}{'…' * bool(behind)}", f"{'…' * bool(start)}{parts[1]}{'…' * bool(behind)}"


def _alike(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1),
        len(min(one, other, key=len)),
    )


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_declaration(node: object, field: str, parent: ast.AST) -> bool:
    """Annotations, decorators, a class's keywords, imports, assertions and what is logged: not what the code does."""
    if field in ("annotation", "returns", "decorator_list", "type_params"):
        return True
    if isinstance(parent, ast.ClassDef) and field == "keywords":
        return True
    if isinstance(parent, ast.AnnAssign) and "TypeAlias" in ast.unparse(parent.annotation):
        return True
    if isinstance(parent, ast.If) and ast.unparse(parent.test) == "TYPE_CHECKING":
        return True
    called = node.value if isinstance(node, ast.Expr) else node
    if isinstance(called, ast.Call):
        name = called.func.attr if isinstance(called.func, ast.Attribute) else getattr(called.func, "id", "")
        if name in _DECLARED or (name in _SPOKEN and ast.unparse(called.func).startswith("log.")):
            return True
    return isinstance(node, _DECLARATIONS)
