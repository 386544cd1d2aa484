"""What may stand as the name of a device: strangers send host names, and people paste things."""

from __future__ import annotations

import unicodedata

from gateway.errors import Refused

_LIMITS = {"name": 64, "host": 64, "kind": 32, "maker": 64}
_HOSTILE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_JOINERS = "\u200c\u200d"  # Persian and Indic words and many emoji are spelled with them


def checked_label(text: str, field: str) -> str:
    """`text` without surrounding and doubled blanks, in its composed form (NFC).

    Raises Refused, in one sentence and with the field, for control characters, characters that reverse the direction of
    writing or cannot be seen, and for text that is too long.
    """
    limit = _LIMITS[field]
    hostile = any(unicodedata.category(char) in _HOSTILE and char not in _JOINERS for char in text)
    if hostile or (text and not text.strip(_JOINERS)):
        raise Refused("devices.characters-cannot-shown", field, what=field)
    tidy = " ".join(unicodedata.normalize("NFC", text).split())
    if len(tidy) > limit:
        raise Refused("devices.characters-most-fit", field, what=field, tidy=f"{len(tidy)}", limit=limit)
    return tidy
