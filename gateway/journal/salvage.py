"""Carries over from a damaged journal what people typed in: it is little, and they would miss it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from gateway.journal.engine import open_engine
from gateway.journal.schema import book, devices, rules, subscriptions

_TROUBLE = (SQLAlchemyError, sqlite3.Error)


def salvage(damaged: Path, fresh: Path) -> None:
    """Copies devices as far as they can be read, and the book only when it can be read whole. Raises nothing."""
    source, target = open_engine(damaged, read_only=True), open_engine(fresh)
    try:
        with source.connect() as old:
            with target.begin() as new:
                _put(new, devices, list(_rows(old, devices)))
            with target.begin() as new:
                for table in (book, rules, subscriptions):
                    _put(new, table, old.execute(select(table)).all())
    except _TROUBLE:
        return
    finally:
        source.dispose()
        target.dispose()


def _rows(connection: Connection, table: Table) -> Iterator[Row[Any]]:
    try:
        yield from connection.execution_options(stream_results=True).execute(select(table))
    except _TROUBLE:
        return


def _put(connection: Connection, table: Table, rows: Sequence[Row[Any]]) -> None:
    if rows:
        connection.execute(insert(table).on_conflict_do_nothing(), [dict(row._mapping) for row in rows])
