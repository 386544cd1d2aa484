"""What a preset does to the names of a home, as a sentence of figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.catalogue.sentences import say

_NAMED = 4


def at_home(figures: Mapping[str, Any] | None) -> str:
    """What is stopped, what is left open and for whom, and what breaks; "" while nothing was counted.

    `figures` has names, stops, open, missed and needed_by.
    """
    if not figures or not figures["names"]:
        return ""
    counted = {"stops": figures["stops"], "names": figures["names"]}
    if figures["open"]:
        services = listed(figures["needed_by"])
        said = [say("presets.stops-but-for", {**counted, "open": figures["open"], "services": services})]
    else:
        said = [say("presets.stops-at-home", counted)]
    code = "presets.something-is-missed" if figures["missed"] else "presets.nothing-known-breaks"
    said.append(say(code, {"missed": figures["missed"]}))
    return " ".join(said)


def listed(names: list[str]) -> str:
    """ "Disney+", "Disney+ and Hulu", "Disney+, Hulu, Netflix, Plex and 3 others"."""
    shown, others = names[:_NAMED], len(names) - _NAMED
    if others > 0:
        shown.append(say("presets.others", {"others": others}) if others > 1 else names[_NAMED])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
