"""What the writer says to the driver thousands of times: built with Core, spelled out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Integer,
    Table,
    bindparam,
    case,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import Insert, insert

from gateway.journal.schema import clients, days, facts, hours, lookups, marks, minutes, names, shelves, streams
from gateway.model.tag import Category

AT_ONCE = 200
"""How many names FIND_NAMES and FIND_STREAMS ask for; who has fewer repeats one."""
_DIALECT = sqlite.dialect(paramstyle="qmark")


def _spell(statement: ClauseElement) -> str:
    return str(statement.compile(dialect=_DIALECT))


def _insert(table: Table, *, without: str = "") -> Insert:
    return insert(table).values({c.name: bindparam(c.name) for c in table.c if c.name != without})


def _count(table: Table) -> str:
    statement = _insert(table)
    total = table.c.lookups + statement.excluded.lookups
    return _spell(statement.on_conflict_do_update(index_elements=["bucket", "stream"], set_={"lookups": total}))


def _learn_name(*, sure: bool) -> str:
    statement = _insert(names, without="id")
    given = statement.excluded
    tag: dict[str, Any]
    if sure:
        tag = {"company": given.company, "category": given.category}
    else:
        unknown = names.c.category == literal_column(f"'{Category.UNKNOWN.value}'")
        tag = {
            "company": func.coalesce(names.c.company, given.company),
            "category": case((unknown, given.category), else_=names.c.category),
        }
    return _spell(statement.on_conflict_do_update(index_elements=["name"], set_=tag))


def _learn_used(table: Table, *unique: str) -> str:
    statement = _insert(table, without="id")
    used = {"used": statement.excluded.used}
    return _spell(statement.on_conflict_do_update(index_elements=unique, set_=used).returning(table.c.id))


def _learn_stream() -> str:
    statement = _insert(streams, without="id")
    last = {"last": func.max(streams.c.last, statement.excluded.last)}
    upsert = statement.on_conflict_do_update(index_elements=["name", "device", "blocked"], set_=last)
    return _spell(upsert)


def _find_names() -> str:
    return _spell(select(names.c.name, names.c.id).where(names.c.name.in_(_places())))


def _find_streams() -> str:
    found = select(streams.c.name, streams.c.blocked, streams.c.id)
    return _spell(found.where(streams.c.device == bindparam("device"), streams.c.name.in_(_places())))


def _next(table: Table) -> str:
    return _spell(select(func.coalesce(func.max(table.c.id), literal_column("0")) + literal_column("1")))


def _places() -> list[ColumnElement[Any]]:
    return [bindparam(f"name{i}") for i in range(AT_ONCE)]


def _fold(table: Table, size: int) -> str:
    # Minute after minute, as they stand in the table: a sum over all of them at once is sorted in memory, in pieces of
    # some bytes that the heap does not get whole again.
    bucket = minutes.c.bucket // literal_column(str(size), Integer)
    closed = select(bucket, minutes.c.stream, minutes.c.lookups).where(
        minutes.c.bucket > bindparam("after"), minutes.c.bucket <= bindparam("until")
    )
    statement = insert(table).from_select(["bucket", "stream", "lookups"], closed)
    total = table.c.lookups + statement.excluded.lookups
    return _spell(statement.on_conflict_do_update(index_elements=["bucket", "stream"], set_={"lookups": total}))


def _set_mark() -> str:
    statement = _insert(marks)
    return _spell(statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}))


def _count_mark() -> str:
    statement = _insert(marks)
    total = marks.c.value + statement.excluded.value
    return _spell(statement.on_conflict_do_update(index_elements=["name"], set_={"value": total}))


STATEMENTS: dict[str, Callable[[], str]] = {
    "ADD_LOOKUP": lambda: _spell(_insert(lookups)),
    "ADD_NAME": lambda: _spell(_insert(names)),
    "ADD_STREAM": lambda: _spell(_insert(streams)),
    "NEXT_NAME": lambda: _next(names),
    "NEXT_STREAM": lambda: _next(streams),
    "ADD_SHELF": lambda: _spell(_insert(shelves)),
    "COUNT_MARK": _count_mark,
    "COUNT_MINUTE": lambda: _count(minutes),
    "COUNT_HOUR": lambda: _count(hours),
    "COUNT_DAY": lambda: _count(days),
    "FOLD_HOURS": lambda: _fold(hours, 60),
    "FOLD_DAYS": lambda: _fold(days, 1440),
    "LEARN_NAME": lambda: _learn_name(sure=True),
    "LEARN_NAME_WITHOUT_HASTE": lambda: _learn_name(sure=False),
    "LEARN_CLIENT": lambda: _learn_used(clients, "address", "device"),
    "LEARN_FACT": lambda: _learn_used(facts, "digest"),
    "LEARN_STREAM": _learn_stream,
    "FIND_NAMES": _find_names,
    "FIND_STREAMS": _find_streams,
    "SET_MARK": _set_mark,
    "TOUCH_STREAM": lambda: _spell(
        update(streams).where(streams.c.id == bindparam("stream")).values(last=bindparam("seen"))
    ),
}
"""Each is an attribute of this module, spelled when it is first asked for: the resolver answers before that."""


def __getattr__(name: str) -> str:
    if name not in STATEMENTS:
        raise AttributeError(name)
    spelled = STATEMENTS[name]()
    globals()[name] = spelled
    return spelled
