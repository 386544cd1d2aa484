"""The second sign: what a name must say in words before anybody reads that it looks like a tracker.

The weights alone are right too seldom among names that homes really ask for, because few of those are trackers. What
misleads them are names of infrastructure and names that say nothing (`go.`, `a.`, `www3.`). So a high probability is
shown only where a word says it too, and never of a name that serves by its kind.
"""

from __future__ import annotations

import re

from gateway.classifier.learned.words import CLEAR

SHOWN = 0.8
"""From this probability on a name with a clear word looks like a tracker; measured in README.md beside this file."""

_WORDS = re.compile(r"[a-z]+")
_INFRASTRUCTURE = re.compile(
    r"(?:^|[.-])(?:[a-z]?ns|[a-z]?dns|mx|smtp|imap|pop3|mail|[av]?dsl|ftp|vpn|ntp|ocsp|crl|bgp|ldap|kdc|gtm"
    r"|autodiscover|calendars?|support|docs|blog|forum|wiki|careers|jobs)\d*(?:[.-]|$)"
)


def shows(probability: float, name: str, registrable: str) -> bool:
    """Whether a name below this registrable domain may be said to look like a tracker."""
    if probability < SHOWN:
        return False
    below = name[: -len(registrable) - 1]
    return not CLEAR.isdisjoint(_WORDS.findall(below)) and not _INFRASTRUCTURE.search(below)
