"""The keys of all entries in the order of their lists, in a file once they are many, and what each of them says."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import IO, Final

LEFT_OUT: Final = 0xFFFF
"""Instead of a saying's number: this entry says nothing after all."""


class Spool:
    """Keys in `file`, one a line; `said[i]` is the number of what the i-th of them says."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.said = array("H")
        self.size = 0

    def add(self, key: str, number: int) -> None:
        line = key.encode("ascii") + b"\n"
        self.file.write(line)
        self.size += len(line)
        self.said.append(number)

    def mark(self) -> tuple[int, int]:
        """Where it ends now."""
        return self.size, len(self.said)

    def cut(self, mark: tuple[int, int]) -> None:
        """Forgets all that came after the mark."""
        self.size = mark[0]
        self.file.seek(self.size)
        self.file.truncate()
        del self.said[mark[1] :]

    def since(self, mark: tuple[int, int]) -> Iterator[tuple[int, str]]:
        """Places in `said` and their keys, from the mark on. Nothing may be added meanwhile."""
        self.file.seek(mark[0])
        for place, line in enumerate(self.file, mark[1]):
            yield place, line[:-1].decode("ascii")
        self.file.seek(self.size)

    def keys(self) -> Iterator[str]:
        """All keys, in order."""
        self.file.seek(0)
        for line in self.file:
            yield line[:-1].decode("ascii")
