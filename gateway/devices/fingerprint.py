"""What a device is, from the names that it asks for."""

from __future__ import annotations

from collections.abc import Mapping

ENOUGH = 3
_MAX_NAMES = 32


class Fingerprint:
    """Names that only one maker's televisions ask for, collected for one device.

    A telephone that runs a television's app asks for one or two of them, so three distinct names are needed; and they
    must be at least twice as many as those of any other maker, or a box behind which several devices hide would be
    called by one of them.
    """

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}

    def add(self, maker: str, name: str) -> None:
        """Takes note of one name of this maker; more than thirty-two of one maker tell nothing new."""
        names = self._names.setdefault(maker, set())
        if len(names) < _MAX_NAMES:
            names.add(name)

    def maker(self) -> str | None:
        """The maker, once it is clear."""
        return decide_maker({maker: len(names) for maker, names in self._names.items()})


def decide_maker(counts: Mapping[str, int]) -> str | None:
    """The maker with enough distinct names, and with twice as many as the next; else None."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if not ranked or ranked[0][1] < ENOUGH:
        return None
    if len(ranked) > 1 and ranked[0][1] < 2 * ranked[1][1]:
        return None
    return ranked[0][0]
