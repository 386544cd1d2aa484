"""Real lists, labels and captures that lie beside a developer's checkout, when they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MISSING = "the shared data folder is not beside this checkout"


def find_shared_data() -> Path | None:
    """The folder named by TELLTALE_SHARED_DATA, else `../shared/data` beside the checkout, else None."""
    named = os.environ.get("TELLTALE_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data"
    return folder if folder.is_dir() else None


def need_shared_data() -> None:
    """For a module of which nothing can be run without them: one skip, with the reason."""
    if find_shared_data() is None:
        pytest.skip(MISSING, allow_module_level=True)


def shared_data(*parts: str) -> Path:
    """The path of one shared file or folder; skips the test, with the reason, where it is not there."""
    folder = find_shared_data()
    if folder is None or not folder.joinpath(*parts).exists():
        pytest.skip(MISSING)
    return folder.joinpath(*parts)
