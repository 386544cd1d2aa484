"""Whose a name is, as an owner list says that a person subscribed to: below our own knowledge, and marked.

The mark is a part of the company's name, "Criteo, by AdGuard companiesdb". So it stands on every page, in history and
in rules, and no list can put names under a company of ours: a rule that blocks Netflix stops nothing of a list's
"Netflix".
"""

from __future__ import annotations

from gateway.classifier.company import Company
from gateway.model.listed import ListedOwner, Owners
from gateway.model.tag import Evidence, Tag

_CONFIDENCE = 0.5
_MARK = ", by "
_MOST_MARKS = 5


class NoOwners:
    """What is known where nobody subscribed to an owner list."""

    def __len__(self) -> int:
        return 0

    def names(self, name: str) -> bool:
        return False

    def find(self, name: str) -> ListedOwner | None:
        return None

    def company(self, company: str, title: str) -> ListedOwner | None:
        return None


def marked(owner: ListedOwner) -> str:
    """The company as people and rules read it."""
    return f"{owner.company}{_MARK}{owner.title}"


def tag_of(owner: ListedOwner) -> Tag:
    """Whose the name is and who says so; an owner list is believed on nothing else."""
    licence = f", under {owner.licence}" if owner.licence else ""
    says = f"An owner list names {owner.company} as the owner of {owner.listed}."
    evidence = Evidence(says, f"{owner.title}, {owner.source}{licence}")
    return Tag(marked(owner), confidence=_CONFIDENCE, evidence=(evidence,))


def described(name: str, owners: Owners) -> Company | None:
    """What there is to read about a company of a list, by its marked name; None when no list has it."""
    parts = name.split(_MARK)
    halves = [(_MARK.join(parts[:at]), _MARK.join(parts[at:])) for at in range(1, min(len(parts), _MOST_MARKS))]
    owner = next(filter(None, (owners.company(*half) for half in halves)), None)
    if owner is None:
        return None
    licence = f" ({owner.licence})" if owner.licence else ""
    site = f" Its site, as the list has it: {owner.site}" if owner.site else ""
    line = f"Named so by the owner list {owner.title}{licence}, {owner.source}, and not known to Telltale itself.{site}"
    return Company(name, "", "", "", line)
