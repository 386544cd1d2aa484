"""A code and its arguments to a sentence. English stands in the files beside this, translations in gettext catalogues.

Rooms raise and report codes. Sentences are made where a person reads them: in `web/`, in `commands/`, and in our logs.
"""

from __future__ import annotations

import gettext
import os
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

DOMAIN: Final = "telltale"
OTHER: Final = "other.sentence"
"""For what only somebody else's words describe: its argument `sentence` is them."""


@cache
def texts() -> Mapping[str, str]:
    """Every code with its English text; `{name}` stands for an argument."""
    areas = tomllib.loads(files("gateway.catalogue").joinpath("sentences.toml").read_text(encoding="utf-8"))
    found = {f"{area}.{key}": text for area, entries in areas.items() for key, text in entries.items()}
    return {OTHER: "{sentence}", **found}


@cache
def _translation(folder: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, folder or None, fallback=True)


class Notice:
    """What is to be said: a code and its arguments. Two are equal when they would say the same."""

    __slots__ = ("arguments", "code")

    def __init__(self, code: str, /, **arguments: object) -> None:
        self.code = code
        self.arguments = plain(arguments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Notice) and (self.code, self.arguments) == (other.code, other.arguments)

    def __hash__(self) -> int:
        return hash((self.code, *self.arguments.items()))

    def __str__(self) -> str:
        return say(self.code, self.arguments)

    def __repr__(self) -> str:
        return f"Notice({self.code!r}, {self.arguments!r})"


def plain(arguments: Mapping[str, object]) -> dict[str, int | float | str]:
    """Arguments as they can be sent: numbers and texts."""
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in arguments.items()}


def learn() -> None:
    """Reads what `say` needs once and for all."""
    say(OTHER, {"sentence": ""})


def say(code: str, arguments: Mapping[str, Any], locale: str = "") -> str:
    """The sentence, in the language of the environment where there is a translation. Never raises: what no catalogue
    knows, or what lacks an argument, is said by its code; so is everything while the files cannot be opened.
    """
    try:
        text = texts().get(code)
    except OSError:
        text = None
    if text is None:
        return f"{code}: {', '.join(f'{key} {value}' for key, value in arguments.items())}" if arguments else code
    try:
        return _translation(locale or os.environ.get("TELLTALE_LOCALES", "")).gettext(text).format(**arguments)
    except (LookupError, ValueError, AttributeError, OSError):
        return f"{code}: {text}"
