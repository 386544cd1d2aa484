"""Who a name belongs to and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Category(Enum):
    """What a name is for. ACR is automatic content recognition: the television says what is on its screen."""

    # Each member is one object; the hash of its name, which Enum takes, is a call of Python every time.
    __hash__ = object.__hash__

    ACR = "acr"
    ADVERTISING = "advertising"
    ANALYTICS = "analytics"
    TELEMETRY = "telemetry"
    CRASH_REPORTS = "crash reports"
    VOICE = "voice"
    RECOMMENDATIONS = "recommendations"
    CONTENT = "content"
    APP_STORE = "app store"
    ACCOUNT = "account"
    UPDATE = "update"
    TIME = "time"
    CONNECTIVITY = "connectivity check"
    CDN = "cdn"
    CLOUD = "cloud"
    DNS = "dns"
    SOCIAL = "social"
    ESSENTIAL = "essential"
    LOCAL = "local"
    UNKNOWN = "unknown"

    @property
    def tracks(self) -> bool:
        """True for what a person means by "tracker": the four categories that watch the viewer."""
        return self in _TRACKING


_TRACKING = frozenset({Category.ACR, Category.ADVERTISING, Category.ANALYTICS, Category.TELEMETRY})


class Party(Enum):
    """Whose name it is, seen from the device (Ren et al., IMC 2019): its maker, a helper, somebody else.

    A platform runs devices for many makers, who sell them under their own names; the study counts it as a helper.
    """

    # Each member is one object; the hash of its name, which Enum takes, is a call of Python every time.
    __hash__ = object.__hash__

    FIRST = "first"
    SUPPORT = "support"
    PLATFORM = "platform"
    THIRD = "third"
    LOCAL = "local"
    UNKNOWN = "unknown"


class Need(Enum):
    """What a television loses when the name is blocked."""

    # Each member is one object; the hash of its name, which Enum takes, is a call of Python every time.
    __hash__ = object.__hash__

    REQUIRED = "required"
    DEGRADES = "degrades"
    NOT_NEEDED = "not needed"
    DISPUTED = "disputed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to believe a tag: what it says and where it was published (`source`, with its date when known)."""

    says: str
    source: str
    date: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """`company` is the owner's name, None when nobody knows; `hosted_at` the CDN or cloud that only carries it.

    `rule` is the pattern of the knowledge base that decided; `symptom` is what a person sees when the name is blocked;
    `via` is the CNAME target that says more than the name itself; `confidence` lies in 0..1. `service` is the service
    that the name is a part of; with `needed_by`, only these services, and devices of these makers, lose something
    without it.
    """

    company: str | None = None
    category: Category = Category.UNKNOWN
    party: Party = Party.UNKNOWN
    need: Need = Need.UNKNOWN
    brand: str | None = None
    symptom: str = ""
    hosted_at: str | None = None
    via: str | None = None
    rule: str | None = None
    confidence: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    service: str | None = None
    needed_by: tuple[str, ...] = ()


UNTAGGED = Tag()
