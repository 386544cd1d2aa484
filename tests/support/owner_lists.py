"""Owner lists as companiesdb writes them, made up."""

from __future__ import annotations

import json
from collections.abc import Mapping


def trackers(names: Mapping[str, str]) -> str:
    """`trackers.json` in which each name belongs to this company."""
    return json.dumps(
        {
            "timeUpdated": "2026-07-20T11:02:11.184Z",
            "categories": {"4": "advertising"},
            "trackers": {
                company: {"name": f"{company}'s tracker", "categoryId": 4, "companyId": company}
                for company in set(names.values())
            },
            "trackerDomains": dict(names),
        }
    )


def companies(*known: str) -> str:
    """`companies.json` with these companies."""
    about = {
        company: {"name": company, "websiteUrl": f"https://{company.split()[0].lower()}.example/"} for company in known
    }
    return json.dumps({"timeUpdated": "2026-07-20T11:02:11.184Z", "companies": about})
