"""Much work is done a little at a time.

Who answers on the same core has used up its share of it in a flood, and the kernel weighs shares in ticks of four
milliseconds: only a writer that rests of itself lets an answer pass at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

_Piece = TypeVar("_Piece")
_STRETCH, _REST = 0.0001, 0.00005
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


def paced(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """The pieces, with a rest before the next one whenever 0.1 ms have gone by since the last."""
    now, rest = time.monotonic, time.sleep
    ends = now() + _STRETCH
    for piece in pieces:
        if now() > ends:
            rest(_REST)
            do = getattr(_here, "do", None)
            if do is not None:
                do()
            ends = now() + _STRETCH
        yield piece


def handfuls(pieces: Sequence[_Piece]) -> Iterator[Sequence[_Piece]]:
    """As `paced`, for pieces of which each is done in a microsecond or two: some of them at once."""
    return paced(pieces[start : start + _HANDFUL] for start in range(0, len(pieces), _HANDFUL))
