"""The knowledge base against what others labelled: 690 rows where the shared data lie, 58 of them elsewhere.

Many of these rows are evidence of the knowledge base as well, so this measures agreement with the experts where they
agree with each other, and that nothing was mistyped; test_unseen_names measures names that nobody listed.

"Would block" means the preset Quiet, which contains Calm. A row is outside the conflicts when neither the row nor
another row of the same name says otherwise, when the row does not itself say what breaks, when our rule does not cite
both sides (a list that blocks the name, and a public report of what stopped), and when it says more than that a device
in a laboratory went on for a while (IoTrim's "non-required": YouTube's videos are among them).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.classifier.loader import load_knowledge
from gateway.classifier.presets import Preset, blocks
from gateway.classifier.service import Classifier
from gateway.model.tag import Category, Need, Tag
from tests.support.labels import is_public_report, read_labels

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
_MAKERS = {
    **{name.casefold(): name for name in ("Samsung", "Roku", "Amazon", "Google", "Sony", "Vizio", "Hisense", "LG")},
    **{name.casefold(): name for name in ("Philips", "Panasonic", "Toshiba", "Sharp", "Xiaomi", "Foxtel")},
    "firetv": "Amazon",
    "echodot": "Amazon",
    "roku-tv": "Roku",
    "google-home": "Google",
    "xioami": "Xiaomi",
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
    contested: bool
    tag: Tag

    @property
    def blocked(self) -> bool:
        return blocks(Preset.QUIET, self.tag)

    @property
    def judged(self) -> bool:
        """Is there one verdict of the experts to compare with?"""
        return not self.contested and self.tag.need is not Need.DISPUTED and not self.missed

    @property
    def missed(self) -> bool:
        """Did somebody report in public what stops without it?"""
        return self.tag.need is Need.DEGRADES and any(is_public_report(e.source) for e in self.tag.evidence)

    @property
    def agrees(self) -> bool:
        return self.blocked == (self.action == "block")

    @property
    def reason(self) -> str:
        said = " ".join(f"[{e.source.partition(',')[0]}] {e.says}" for e in self.tag.evidence)
        return f"{self.tag.category.value}, need {self.tag.need.value} ({self.tag.symptom or 'no symptom'}); {said}"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(_read_rows())


def _read_rows() -> Iterator[Row]:
    classifier = Classifier.load()
    table = read_labels()
    said = defaultdict(set)
    for row in table:
        said[row["domain"]].add(row["action"].removesuffix("-aggressive"))
    for row in table:
        name = _EXAMPLES[row["domain"]] if row["kind"] == "regex" else row["domain"]
        action = row["action"].removesuffix("-aggressive")
        contested = (
            bool(row["conflict"])
            or len(said[row["domain"]]) > 1
            or row["purpose"].startswith("non-required")
            or (row["action"] == "block-aggressive" and bool(row["breaks"]))
        )
        maker = _MAKERS.get(row["vendor"], "")
        yield Row(name, row["purpose"], action, contested, classifier.tag(name, (), maker))


def _share(hits: int, of: int) -> str:
    return f"{hits} of {of} ({hits / of:.1%})"


def test_nearly_every_labelled_name_has_an_owner(rows: list[Row]) -> None:
    named = [row for row in rows if row.tag.company]
    print("company:", _share(len(named), len(rows)), sorted({r.name for r in rows if not r.tag.company}))
    assert len(named) / len(rows) >= 0.98


def test_the_category_is_the_one_that_experts_gave(rows: list[Row]) -> None:
    judged = [row for row in rows if row.purpose in _MEANS]
    wrong = [row for row in judged if row.tag.category not in _MEANS[row.purpose]]
    table = Counter((row.purpose, row.tag.category.value) for row in judged)
    print("label -> ours:")
    for (purpose, category), number in sorted(table.items()):
        print(f"  {purpose:12} {category:20} {number:4}{'' if Category(category) in _MEANS[purpose] else '  *'}")
    print("category:", _share(len(judged) - len(wrong), len(judged)))
    for row in wrong:
        print(f"  {row.name}: label {row.purpose}; ours {row.reason}")
    assert 1 - len(wrong) / len(judged) >= 0.95


@pytest.mark.parametrize("preset", [Preset.CALM, Preset.QUIET])
def test_no_name_that_experts_keep_is_lost_under_calm_and_quiet(rows: list[Row], preset: Preset) -> None:
    assert [r.name for r in rows if r.action == "keep" and blocks(preset, r.tag)] == []


@pytest.mark.slow
def test_whoever_made_the_device_no_name_that_experts_keep_is_lost(rows: list[Row]) -> None:
    classifier = Classifier.load()
    kept = [row.name for row in rows if row.action == "keep"]
    makers = load_knowledge().companies
    assert len(kept) >= len(rows) / 5
    assert len(makers) >= 200
    lost = [
        (maker, name, preset.value)
        for name in kept
        for maker in makers
        for preset in (Preset.CALM, Preset.QUIET)
        if blocks(preset, classifier.sure_tag(name, maker))
    ]
    assert lost == []


def test_outside_the_conflicts_quiet_blocks_what_experts_block(rows: list[Row]) -> None:
    judged = [row for row in rows if row.judged]
    table = Counter((row.action, "blocked" if row.blocked else "left alone") for row in judged)
    print("experts -> Quiet:", dict(table), "; conflicts left out:", len(rows) - len(judged))
    for row in judged:
        if not row.agrees:
            print(f"  {row.name}: experts {row.action} ({row.purpose}); ours {row.reason}")
    agreed = sum(row.agrees for row in judged)
    print("block/keep:", _share(agreed, len(judged)))
    assert agreed / len(judged) >= 0.97


def test_the_conflicts_left_out_are_few(rows: list[Row]) -> None:
    assert sum(row.judged for row in rows) / len(rows) >= 0.8
