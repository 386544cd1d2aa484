"""Where copies of lists lie, and taking one that waits. Without what fetching needs: the resolver does this itself."""

from __future__ import annotations

from pathlib import Path

from gateway.files import put_in_place


def copy_path(folder: Path, subscription: int) -> Path:
    """Where the copy of a list lies."""
    return folder / f"{subscription}.txt"


def held_path(folder: Path, subscription: int) -> Path:
    """Where a shrunken list waits for a person."""
    return folder / f"{subscription}.held"


def take_held(folder: Path, subscription: int) -> bool:
    """Puts the list that waits in the place of its copy, for good; false when none waits. Raises OSError."""
    try:
        put_in_place(held_path(folder, subscription), copy_path(folder, subscription))
    except FileNotFoundError:
        return False
    return True
