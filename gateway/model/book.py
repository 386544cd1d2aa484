"""Everything that people decided, as one value: it is stored whole, so that it is never half true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.model.rule import Rule
from gateway.model.verdict import Action


@dataclass(frozen=True, slots=True)
class Subscription:
    """A list that a person subscribed to. `source` is an http(s) URL or an absolute path on this machine.

    `action` says whether its plain entries block or allow; `title` is what people see.
    """

    id: int
    source: str
    title: str
    action: Action
    added: datetime
    enabled: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """`revision` grows by one with every change; of two books the one with the higher revision is the true one.

    `next_id` is the id that the next rule or subscription gets; ids are never given twice.
    """

    revision: int = 0
    next_id: int = 1
    rules: tuple[Rule, ...] = ()
    lists: tuple[Subscription, ...] = ()
