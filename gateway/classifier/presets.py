"""Three answers to "how quiet shall this television be?", decided from what is known about a name.

Calm and Quiet never stop a name of which any source says that something breaks without it; where it says which app, or
whose televisions, the name is left alone on those. Silent asks the other way round: a name stays only when the
television, or an app that somebody watches, is known to need it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from enum import Enum

from gateway.model.tag import Category, Need, Tag

CERTAIN = 0.5
"""Below this confidence a tag is a guess from the spelling of a name: it is shown, and Calm and Quiet ignore it."""
AGREED = 0.7
"""From here on several lists agree, or the owner or a measurement says what the name does; see knowledge/README.md."""

SOMETHING_BREAKS = frozenset({Need.REQUIRED, Need.DEGRADES, Need.DISPUTED})
_WATCHES = frozenset({Category.ACR, Category.ADVERTISING, Category.ANALYTICS})
_REPORTS_HOME = frozenset({Category.TELEMETRY, Category.CRASH_REPORTS, Category.RECOMMENDATIONS})
_TV_NEEDS = frozenset(
    {
        Category.ESSENTIAL,
        Category.TIME,
        Category.CONNECTIVITY,
        Category.UPDATE,
        Category.ACCOUNT,
        Category.DNS,
        Category.LOCAL,
    }
)
_VIEWER_NEEDS = frozenset({Category.CONTENT, Category.APP_STORE, Category.CDN, Category.CLOUD})


class Preset(Enum):
    """From the one that nobody notices to the one that asks for patience."""

    CALM = "calm"
    QUIET = "quiet"
    SILENT = "silent"


def blocks(preset: Preset, tag: Tag, needers: Collection[str] = ()) -> bool:
    """True when a device under this preset does not reach a name with this tag, whoever made the device.

    Telemetry that several lists stop already is missed by nobody, so it belongs to Calm. `needers` are the services in
    use on the device, its maker and the makers of its system: what watches, and is needed by services or makers that
    are all none of these, nobody needs here.
    """
    if tag.needed_by:
        if any(each in needers for each in tag.needed_by):
            return False
        tag = replace(tag, need=Need.UNKNOWN)
    if tag.need in (Need.REQUIRED, Need.DISPUTED) or tag.category in _TV_NEEDS:
        return False
    if preset is Preset.SILENT:
        return tag.category not in _VIEWER_NEEDS or tag.need is Need.NOT_NEEDED
    if tag.need in SOMETHING_BREAKS or tag.confidence < CERTAIN:
        return False
    if tag.category in _WATCHES or (tag.category is Category.TELEMETRY and tag.confidence >= AGREED):
        return True
    return preset is Preset.QUIET and (tag.category in _REPORTS_HOME or tag.need is Need.NOT_NEEDED)


def describe(preset: Preset) -> tuple[str, str, str]:
    """(title, what it stops, what it costs), each a text for a person."""
    return _TEXTS[preset]


_TEXTS = {
    Preset.CALM: (
        "Calm",
        (
            "Stops advertising, recognition of what is on your screen, and whoever measures what you watch and do, "
            "the maker included. Leaves alone what your televisions, and the apps used on them, are known to need."
        ),
        "Nothing that we know of. Places for advertisements stay empty.",
    ),
    Preset.QUIET: (
        "Quiet",
        (
            "Stops what Calm stops, and also every other report about how the device is used, crash reports, "
            "recommendations, and whatever somebody has been without and missed nothing."
        ),
        "The home screen suggests less, and the maker learns less about faults it could repair.",
    ),
    Preset.SILENT: (
        "Silent",
        (
            "Lets through only what the device needs to start, keep its clock, update, sign in and play; all else "
            "stops, names that nobody knows included."
        ),
        (
            "Voice control, suggestions and social features stop. An app that we do not know may stay dark until you "
            "allow its names."
        ),
    ),
}
