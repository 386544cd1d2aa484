"""Everything that people decided, and a place to decide more."""

from __future__ import annotations

from gateway.model.tag import Category
from web import present
from web.views.chooser import says_something
from web.views.frame import page, pages, rule_index


@pages.get("/rules")
def rules() -> str:
    """My rules, the newest first, and a switch for each kind of tracking."""
    found = rule_index()
    mine = sorted(found, key=lambda rule: str(rule.get("made")), reverse=True)
    return page(
        "rules.html",
        "rules",
        rule_index=found,
        rules=[rule for rule in mine if not present.is_pause(rule) and says_something(rule)],
        pause_rules=[rule for rule in mine if present.is_pause(rule)],
        switches=[
            {
                "category": category.value,
                "line": present.CATEGORY_LINES[category.value],
                "rule": found.of("category", category.value),
            }
            for category in Category
            if category.tracks
        ],
    )
