"""Small faults that a programmer could make, as changes of a syntax tree: one node replaced by another, or left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_NAMED = {"any": "all", "all": "any", "min": "max", "max": "min"}
_OTHER_TEXT, _OTHER_BYTES = "mutated", b"mutated"


@dataclass(frozen=True, slots=True)
class Change:
    """`parent.field` (its `at`-th part where that is a list) becomes `new`, or goes when `new` is None."""

    parent: ast.AST
    field: str
    at: int | None
    new: ast.AST | str | None

    def apply(self) -> None:
        old = getattr(self.parent, self.field)
        if self.at is None:
            setattr(self.parent, self.field, self._located(old))
        elif self.new is None:
            setattr(self.parent, self.field, old[: self.at] + old[self.at + 1 :])
        else:
            setattr(self.parent, self.field, [*old[: self.at], self._located(old[self.at]), *old[self.at + 1 :]])

    def _located(self, old: object) -> ast.AST | str | None:
        if isinstance(self.new, ast.AST) and isinstance(old, ast.expr | ast.stmt):
            ast.copy_location(self.new, old)
            ast.fix_missing_locations(self.new)
        return self.new


def changes_of(node: ast.AST) -> Iterator[Change]:
    """The faults that can be made at this node, not below it."""
    match node:
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                yield from (Change(node, "ops", at, other()) for other in _COMPARED[type(op)])
        case ast.BoolOp(op=op, values=values):
            yield Change(node, "op", None, ast.Or() if isinstance(op, ast.And) else ast.And())
            if len(values) > 2:
                yield from (Change(node, "values", at, None) for at in range(len(values)))
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in _COMPUTED:
            yield Change(node, "op", None, _COMPUTED[type(op)]())
        case ast.Name(id=name, ctx=ast.Load()) if name in _NAMED:
            yield Change(node, "id", None, _NAMED[name])
        case ast.Call():
            yield from _left_out_of_a_call(node)
        case ast.List(elts=[_, _, *_], ctx=ast.Load()) | ast.Set(elts=[_, _, *_]):
            yield from (Change(node, "elts", at, None) for at in range(len(node.elts)))
        case ast.comprehension(ifs=ifs):
            yield from (Change(node, "ifs", at, _negated(each)) for at, each in enumerate(ifs))
    for field, part in ast.iter_fields(node):
        for at, each in enumerate(part) if isinstance(part, list) else ((None, part),):
            yield from _replacements(node, field, at, each)


def _left_out_of_a_call(call: ast.Call) -> Iterator[Change]:
    """A named argument, which mostly has a default; or one of many, where a function takes any number of them."""
    yield from (Change(call, "keywords", at, None) for at, each in enumerate(call.keywords) if each.arg)
    if len(call.args) > 2:
        for at, each in enumerate(call.args):
            if isinstance(each, ast.Call | ast.Starred):
                yield Change(call, "args", at, None)


def _replacements(parent: ast.AST, field: str, at: int | None, old: object) -> Iterator[Change]:
    match old:
        case ast.Constant(value=value):
            if not isinstance(parent, ast.JoinedStr | ast.Expr) and (other := _other(value)) is not None:
                yield Change(parent, field, at, ast.Constant(other))
        case ast.JoinedStr():
            if not isinstance(parent, ast.FormattedValue):
                yield Change(parent, field, at, ast.Constant(_OTHER_TEXT))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield Change(parent, field, at, operand)
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            yield Change(parent, field, at, operand)
        case ast.Return(value=ast.expr() as value):
            if not isinstance(value, ast.Constant):
                yield Change(parent, field, at, ast.Return(ast.Constant(None)))
        case ast.Break():
            yield Change(parent, field, at, ast.Continue())
        case ast.Continue():
            yield Change(parent, field, at, ast.Break())
        case ast.Expr(value=value) if not isinstance(value, ast.Constant):
            yield Change(parent, field, at, ast.Pass())
        case ast.AugAssign() | ast.Raise() | ast.Delete():
            yield Change(parent, field, at, ast.Pass())
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield Change(parent, field, at, ast.Pass())
    if field == "test" and isinstance(old, ast.expr) and not isinstance(old, ast.Compare | ast.UnaryOp):
        yield Change(parent, field, at, _negated(old))


def _negated(condition: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), condition)


def _other(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return _OTHER_TEXT
    return _OTHER_BYTES if isinstance(value, bytes) else None
