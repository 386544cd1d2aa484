"""A guess, marked as one, about names that nobody listed.

Words that stand for something a television needs are looked at first: to call an update server a tracker costs more
than the other way round.
"""

from __future__ import annotations

import re

from gateway.model.tag import Category

OWN_GUESS = "Telltale's own guess"
"""The source of what nobody published: evidence from it is shown as a guess."""

_WORDS: tuple[tuple[Category, frozenset[str]], ...] = (
    (Category.TIME, frozenset({"ntp", "time", "clock", "synctime", "timesync"})),
    (Category.UPDATE, frozenset({"ota", "fota", "update", "updates", "upgrade", "firmware", "softwareupdate"})),
    (
        Category.CONNECTIVITY,
        frozenset({"connectivitycheck", "captive", "captiveportal", "connectivity", "networktest"}),
    ),
    (Category.ACCOUNT, frozenset({"auth", "login", "signin", "account", "accounts", "sso", "oauth", "idp", "drm"})),
    (Category.ACR, frozenset({"acr"})),
    (Category.CRASH_REPORTS, frozenset({"crash", "crashes", "crashlytics", "bugsnag", "sentry", "minidump"})),
    (
        Category.ADVERTISING,
        frozenset({"ad", "ads", "adserver", "adservice", "adservices", "advertising", "adx", "adtech"}),
    ),
    (
        Category.ANALYTICS,
        frozenset({"analytics", "metrics", "smetrics", "stats", "tracking", "tracker", "beacon", "beacons", "pixel"}),
    ),
    (Category.TELEMETRY, frozenset({"telemetry", "log", "logs", "logging", "diagnostics", "usage", "collector"})),
    (Category.VOICE, frozenset({"voice", "asr", "speech"})),
    (Category.RECOMMENDATIONS, frozenset({"recommend", "recommendation", "recommendations", "personalization"})),
    (Category.APP_STORE, frozenset({"appstore", "apps", "store", "market"})),
    (Category.DNS, frozenset({"dns", "doh", "dot", "resolver"})),
    (Category.CDN, frozenset({"cdn", "static", "img", "image", "images", "assets"})),
    (Category.CONTENT, frozenset({"video", "vod", "stream", "streaming", "media", "hls", "epg"})),
)
_SPLIT = re.compile(r"[^a-z]+")
_LOCAL_TOPS = frozenset({"local", "lan", "internal", "localhost", "home", "localdomain", "test", "invalid", "onion"})
_LOCAL_ZONES = (".home.arpa", ".in-addr.arpa", ".ip6.arpa")


def guess_category(name: str, registrable: str | None) -> tuple[Category, str] | None:
    """(category, the word that gave it away) from the labels below the registrable domain, or None.

    Labels nearer to the registrable domain are made by the same people for more names, so the leftmost label, which
    names the single service, speaks first.
    """
    below = name[: -len(registrable)] if registrable and name.endswith(registrable) else ""
    labels = [_SPLIT.split(label) for label in below.split(".")]
    for words in labels:
        for category, telling in _WORDS:
            for word in words:
                if word in telling:
                    return category, word
    return None


def is_local(name: str) -> bool:
    """True for names that never leave the home: single labels, RFC 6761 and 8375 zones, reverse look-ups."""
    return "." not in name or name.rpartition(".")[2] in _LOCAL_TOPS or name.endswith(_LOCAL_ZONES)
