"""Calm and Quiet are worth switching on: how much of what television lists agree on they stop.

A name counts when at least two of the lists and label sources that lie beside the checkout call it a television
tracker. What somebody reports as needed is left out: the reports of the shared data, the names that one of the sources
keeps (or below which it keeps one), and the public reports listed here with their address. The makers of the devices
are those of the labels, else the one whose televisions alone ask for the name.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from gateway.classifier.presets import Preset, blocks
from gateway.classifier.service import Classifier
from gateway.model.name import ancestors
from tests.support.shared_data import need_shared_data, shared_data

need_shared_data()

_STRICT = "https://github.com/Okazakee/tv-dns-blocklist/blob/main/blocklist-strict.txt"
_REPORTED = {
    "api.distribution.hulu.com": _STRICT,
    "tv-static.scdn.co": _STRICT,
    "xml.opera.com": _STRICT,
    "osb-apps-v2.samsungqbe.com": "https://github.com/blocklistproject/Lists/issues/219",
    "sas.samsungcloudsolution.com": "https://github.com/notracking/hosts-blocklists/issues/717",
    "notice.samsungcloudsolution.com": "https://github.com/notracking/hosts-blocklists/issues/717",
    "pavv.co.kr": "https://github.com/Perflyst/PiHoleBlocklist/issues/39",
    "samsungelectronics.com": "https://github.com/Perflyst/PiHoleBlocklist/issues/142",
    "hbbtvapp.sonnenklar.tv": "https://github.com/notracking/hosts-blocklists/issues/546",
    "hbbtv01p.anixe.net": "https://github.com/notracking/hosts-blocklists/issues/546",
    "msg-em.hismarttv.com": _STRICT,
    "msg-na.hismarttv.com": _STRICT,
}
_MAKERS = {"firetv": "Amazon", "echodot": "Amazon", "roku-tv": "Roku", "google-home": "Google", "xioami": "Xiaomi"}
_ADBLOCK = re.compile(r"(@@)?\|\|([a-z0-9._-]+)\^")


def _named(*parts: str) -> Iterator[tuple[str, bool]]:
    """(name, whether it is blocked) of a list of plain names or of adblock rules."""
    for line in shared_data(*parts).read_text(encoding="utf-8").splitlines():
        if found := _ADBLOCK.match(line):
            yield found[2], not found[1]
        elif plain := re.fullmatch(r"([a-z0-9-]+\.[a-z0-9._-]+)\s*(#.*)?", line):
            yield plain[1], True


@pytest.fixture(scope="module")
def agreed() -> dict[str, str]:
    """name -> maker, or "", of every name of the measure."""
    blocked, kept, makers = defaultdict(set), set(_REPORTED), {}
    for file, source in (
        ("perflyst-SmartTV.txt", "Perflyst"),
        ("perflyst-AmazonFireTV.txt", "Perflyst"),
        ("perflyst-SmartTV-AGH.txt", "Dandelion Sprout"),
        ("native.roku.adblock.txt", "hagezi"),
    ):
        for name, blocks_it in _named("lists", file):
            if blocks_it:
                blocked[name].add(source)
            else:
                kept |= {name, *ancestors(name)}
    classifier = Classifier.load()
    known = {company.name.casefold(): company.name for company in classifier.companies()}
    with shared_data("labels", "tv_labelled_domains.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = row["domain"]
            if row["action"] == "keep" or row["conflict"]:
                kept |= {name, *ancestors(name)}
            elif row["kind"] != "regex":
                blocked[name] |= {source.strip().partition("/")[0] for source in row["sources"].split(";")}
            makers[name] = _MAKERS.get(row["vendor"]) or known.get(row["vendor"].casefold(), "")
    with shared_data("labels", "reported_needed.csv").open(encoding="utf-8", newline="") as file:
        kept |= {row["name"] for row in csv.DictReader(file)}
    return {
        name: makers.get(name) or classifier.maker_of(name) or ""
        for name, sources in sorted(blocked.items())
        if len(sources) >= 2 and name not in kept
    }


@pytest.mark.parametrize(("preset", "least"), [(Preset.CALM, 0.6), (Preset.QUIET, 0.88)])
def test_a_preset_stops_most_of_what_two_lists_call_a_television_tracker(
    agreed: dict[str, str], preset: Preset, least: float
) -> None:
    classifier = Classifier.load()
    left = [name for name, maker in agreed.items() if not blocks(preset, classifier.sure_tag(name, maker))]
    share = 1 - len(left) / len(agreed)
    print(f"{preset.value}: {len(agreed) - len(left)} of {len(agreed)} ({share:.1%}); left alone: {left}")
    assert len(agreed) >= 130
    assert share >= least


def test_what_is_left_out_as_reported_is_called_needed_or_disputed_here() -> None:
    classifier = Classifier.load()
    for name in _REPORTED:
        tag = classifier.sure_tag(name)
        assert tag.need.value in {"degrades", "disputed", "required"}, name
        assert not blocks(Preset.QUIET, tag), name
