"""The knowledge base against 690 rows that others labelled; the floors are what it reached.

Many of these rows are evidence of the knowledge base as well, so this measures agreement with the experts where they
agree with each other, and that nothing was mistyped; it does not measure names that nobody listed.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.classifier.service import Classifier
from gateway.model.tag import Category, Need, Tag
from tests.support.shared_data import shared_data

_HARMLESS = (Need.REQUIRED, Need.DEGRADES, Need.DISPUTED)
_EXAMPLES = {
    r"^[a-z0-9]{2,4}-(ad|info)-lgsmartad-com\.aws-prd\.net$": "gb-info-lgsmartad-com.aws-prd.net",
    r"^[a-z]pu\.samsungelectronics\.com$": "zpu.samsungelectronics.com",
    r"^[a-z]{2}-ad-lgsmartad-com\.aws-prd\.net$": "de-ad-lgsmartad-com.aws-prd.net",
    r"^acr-[a-z]{2}-prd\.samsungcloud\.tv$": "acr-eu-prd.samsungcloud.tv",
    r"^acr[0-9]+\.samsungcloudsolution\.com$": "acr12.samsungcloudsolution.com",
    r"^ad[0-9a-f]{32}\.ssm[123]\.internet\.sony\.tv$": "ad0123456789abcdef0123456789abcdef.ssm3.internet.sony.tv",
    r"^ads-[a-z0-9-]+\.delivery\.roku\.com$": "ads-us-east-1.delivery.roku.com",
    r"^fls-(na|eu|fe)\.amazon\.[a-z.]+$": "fls-eu.amazon.co.uk",
    r"^otnprd([89]|1[01])\.samsungcloudsolution\.net$": "otnprd10.samsungcloudsolution.net",
}
_FUNCTIONAL = set(Category) - {c for c in Category if c.tracks} - {Category.UNKNOWN}
_MEANS = {
    "acr": {Category.ACR},
    "ads": {Category.ADVERTISING},
    "telemetry": {Category.TELEMETRY, Category.ANALYTICS, Category.CRASH_REPORTS},
    "ota": {Category.UPDATE},
    "ntp": {Category.TIME},
    "cdn": {Category.CDN, Category.CLOUD, Category.CONNECTIVITY, Category.CONTENT},
    "functional": _FUNCTIONAL,
}


@dataclass(frozen=True)
class Row:
    name: str
    purpose: str
    action: str
    conflict: bool
    tag: Tag

    @property
    def stopped(self) -> bool:
        """Would somebody who blocks all trackers lose this name?"""
        return self.tag.category.tracks and self.tag.need not in _HARMLESS


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(_read_rows())


def _read_rows() -> Iterator[Row]:
    classifier = Classifier.load()
    with shared_data("labels", "tv_labelled_domains.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = _EXAMPLES[row["domain"]] if row["kind"] == "regex" else row["domain"]
            yield Row(name, row["purpose"], row["action"], bool(row["conflict"]), classifier.tag(name))


def _share(hits: int, of: int) -> str:
    return f"{hits} of {of} ({hits / of:.1%})"


def test_nearly_every_labelled_name_has_an_owner(rows: list[Row]) -> None:
    named = [row for row in rows if row.tag.company]
    print("company:", _share(len(named), len(rows)), sorted({r.name for r in rows if not r.tag.company}))
    assert len(named) / len(rows) >= 0.98


def test_the_category_is_the_one_that_experts_gave(rows: list[Row]) -> None:
    judged = [row for row in rows if row.purpose in _MEANS]
    wrong = [row for row in judged if row.tag.category not in _MEANS[row.purpose]]
    print("category:", _share(len(judged) - len(wrong), len(judged)))
    for row in wrong:
        print("  ", row.name, row.purpose, "->", row.tag.category.value)
    print(Counter(row.purpose for row in wrong))
    assert 1 - len(wrong) / len(judged) >= 0.94


def test_no_name_that_experts_keep_is_lost_with_the_trackers(rows: list[Row]) -> None:
    lost = [(r.name, r.tag.category.value, r.tag.need.value) for r in rows if r.action == "keep" and r.stopped]
    print("keep rows lost:", lost)
    assert not [r for r in rows if r.action == "keep" and not r.conflict and r.stopped]


def test_most_names_that_experts_block_go_with_the_trackers(rows: list[Row]) -> None:
    block = [row for row in rows if row.action == "block" and not row.conflict]
    stopped = [row for row in block if row.stopped]
    clear = [row for row in block if row.purpose in ("acr", "ads", "telemetry")]
    caught = [row for row in clear if row.stopped]
    print("block rows stopped:", _share(len(stopped), len(block)))
    print("... with a known purpose:", _share(len(caught), len(clear)))
    for row in clear:
        if not row.stopped:
            print("  ", row.name, row.purpose, "->", row.tag.category.value, row.tag.need.value)
    assert len(stopped) / len(block) >= 0.75
    assert len(caught) / len(clear) >= 0.93
