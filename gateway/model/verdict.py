"""What was decided about a name, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Action(Enum):
    """The two things that can happen to a lookup."""

    # Each member is one object; the hash of its name, which Enum takes, is a call of Python every time.
    __hash__ = object.__hash__

    ALLOW = "allow"
    BLOCK = "block"


class Reason(Enum):
    """Why, strongest first; the same word is used by the engine, the journal and the dashboard."""

    # Each member is one object; the hash of its name, which Enum takes, is a call of Python every time.
    __hash__ = object.__hash__

    PAUSED = "paused"
    DEVICE_RULE = "device rule"
    RULE = "rule"
    KEEP_LIST = "keep-list"
    ALLOW_LIST = "allow list"
    PRESET = "preset"
    NEEDED = "needed"
    BLOCK_LIST = "block list"
    REBINDING = "rebinding"
    LOCAL = "local name"
    NOTHING = "no rule"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`matched` is the text of the rule or list entry that decided; `rule` is the id of a user's rule.

    `lists` are the titles of every list that names the name; `company` and `category` are set when a rule on them
    decided, `category` also when a preset did; `via` is the CNAME, HTTPS or SVCB target that decided, when it was not
    the question's own name. `passing` is true where the next lookup of the same device may change it, `kept` where
    nobody speaks of the name, and a source says that something breaks without it: what a preset stops elsewhere is open
    where this name leads to it.
    """

    action: Action
    reason: Reason
    matched: str | None = None
    rule: int | None = None
    lists: tuple[str, ...] = ()
    company: str | None = None
    category: str | None = None
    via: str | None = None
    passing: bool = field(default=False, compare=False)
    kept: bool = field(default=False, compare=False)

    @property
    def blocked(self) -> bool:
        return self.action is Action.BLOCK

    def stops_at(self, target: Verdict) -> bool:
        """Whether a name with this verdict is stopped because of the verdict on where it leads."""
        if self.reason is not Reason.NOTHING or not target.blocked:
            return False
        return not (self.kept and target.reason is Reason.PRESET)


ALLOWED = Verdict(Action.ALLOW, Reason.NOTHING)
KEPT = Verdict(Action.ALLOW, Reason.NOTHING, kept=True)
