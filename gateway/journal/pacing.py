"""Much work is done a little at a time.

Who answers on the same core has used up its share of it in a flood, and the kernel weighs shares in ticks of four
milliseconds: only a writer that rests of itself lets an answer pass at once.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeVar

_Piece = TypeVar("_Piece")
_STRETCH, _REST = 0.0001, 0.00005
# While nobody is being answered who had to wait for nothing else.
_LONG_STRETCH = 0.001
# To look at the clock for each of thousands costs as much as what is done with it.
_HANDFUL = 32
_here = threading.local()


def meanwhile(do: Callable[[], object]) -> None:
    """From now on the calling thread does this after each of its rests; what it does at a pace then has rests only."""

    def once() -> None:
        _here.do = None
        try:
            do()
        finally:
            _here.do = once

    _here.do = once


def attend(is_anybody_answered: Callable[[], bool]) -> None:
    """From now on the calling thread rests often only while somebody is answered at once, else seldom: a rest costs
    half of what is done between two of them.
    """
    _here.is_anybody_answered = is_anybody_answered


def paced(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """The pieces, with a rest before the next one whenever 0.1 ms have gone by since; or 1 ms, see `attend`."""
    now, rest = time.monotonic, time.sleep
    is_anybody_answered = getattr(_here, "is_anybody_answered", _always)
    ends = now() + _STRETCH
    latest = ends + _LONG_STRETCH - _STRETCH
    for piece in pieces:
        if (at := now()) > ends:
            if at <= latest and not is_anybody_answered():
                ends = at + _STRETCH
            else:
                rest(_REST)
                do = getattr(_here, "do", None)
                if do is not None:
                    do()
                ends = now() + _STRETCH
                latest = ends + _LONG_STRETCH - _STRETCH
        yield piece


def handfuls(pieces: Sequence[_Piece]) -> Iterator[Sequence[_Piece]]:
    """As `paced`, for pieces of which each is done in a microsecond or two: some of them at once."""
    return paced(pieces[start : start + _HANDFUL] for start in range(0, len(pieces), _HANDFUL))


def execute_many(cursor: sqlite3.Cursor, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """As the cursor's `executemany`, at a pace.

    A handful of rows goes in by one statement where it can: the driver gives the interpreter away for each one that it
    executes, and to get it back from a busy loop costs more than the row.
    """
    together = _together(statement)
    for some in handfuls(rows):
        if together and len(some) == _HANDFUL:
            cursor.execute(together, list(chain.from_iterable(some)))
        else:
            cursor.executemany(statement, some)


@cache
def _together(statement: str) -> str:
    """An INSERT of one row as one of a handful; "" for what is no such statement."""
    head, values, tail = statement.partition(" VALUES (")
    row, end, rest = tail.partition(")")
    if not (values and end and set(row) <= set("?, ")):
        return ""
    return f"{head} VALUES {', '.join([f'({row})'] * _HANDFUL)}{rest}"


def _always() -> bool:
    return True
