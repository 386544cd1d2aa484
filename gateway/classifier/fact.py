"""What a rule says about every name that it means."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.tag import Category, Evidence, Need


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """Shared by all names of one rule. `company` is None where nobody knows the owner.

    `identifies` is the maker whose televisions alone ask for these names; `cadence` is how many seconds lie between two
    contacts, where that was published. `service` is the service that the name is a part of; `needed_by` are the
    services and the makers whose devices lose something without it, and empty where that is every device. `asked_idle`
    is true where devices ask for the name with nobody in front of them: it belongs to its service, and is no sign that
    somebody uses it.
    """

    company: str | None
    category: Category
    need: Need
    confidence: float
    evidence: tuple[Evidence, ...]
    brand: str | None = None
    symptom: str = ""
    identifies: str | None = None
    cadence: int | None = None
    service: str | None = None
    needed_by: tuple[str, ...] = ()
    asked_idle: bool = False

    @property
    def hosts(self) -> bool:
        """True for a CDN or a cloud: it carries what others send, and is not the one who receives it."""
        return self.category in (Category.CDN, Category.CLOUD)
