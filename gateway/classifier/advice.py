"""What somebody who made a mistake in a knowledge file wrote, and what was probably meant by it."""

from __future__ import annotations

from collections.abc import Iterable

_MAX_SHOWN = 80
_ALIKE = 0.7


def shown(text: str) -> str:
    """The text in quotes as it was written, so that it is found again; cut where it is long, and never unprintable."""
    text = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
    # repr doubles each backslash, and whoever copies an expression from the message would double them, too.
    return f"'{text}'" if text.isprintable() else ascii(text)


def meant(word: str, known: Iterable[str]) -> str:
    """A sentence with the known word that looks most like this one, to stand behind another; "" when none does."""
    if len(word) > _MAX_SHOWN:
        return ""
    # Needed where something is wrong, and slow to load.
    from difflib import get_close_matches

    spelled = {each.casefold(): each for each in known}
    found = get_close_matches(word.strip("\"' ").casefold(), spelled, 1, _ALIKE)
    return f" Perhaps {shown(spelled[found[0]])} is meant." if found else ""
