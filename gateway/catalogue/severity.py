"""How bad a finding is: what stops filtering or recording is an error, the rest a warning."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Severity(Enum):
    """For alerts and for comparing homes; the words are those of the API."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


_PARTS_THAT_MATTER: Final = ("control", "journal", "network", "rules")


def severity_of(part: str, *, healthy: bool) -> Severity:
    """Of a finding on a part of the box, "upstream udp://192.0.2.1" or "network filtering"."""
    if healthy:
        return Severity.OK
    return Severity.ERROR if part.partition(" ")[0] in _PARTS_THAT_MATTER else Severity.WARNING
