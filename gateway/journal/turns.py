"""Many rows are written a few at a time.

Who answers on the same core has used up its share of it in a flood, and the kernel weighs shares in ticks of four
milliseconds: only a writer that rests of itself lets an answer pass at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

_Piece = TypeVar("_Piece")
_MANY = 128
_TURN = 64
_REST = 0.00005


def in_turns(rows: Sequence[_Piece]) -> Iterable[_Piece]:
    """The rows for one statement; of many, with a rest before every few."""
    return rows if len(rows) < _MANY else resting(rows, _TURN)


def resting(pieces: Sequence[_Piece], turn: int = 1) -> Iterator[_Piece]:
    """The pieces with a rest before the second, third ... `turn` of them."""
    for number, piece in enumerate(pieces):
        if number and not number % turn:
            time.sleep(_REST)
        yield piece
