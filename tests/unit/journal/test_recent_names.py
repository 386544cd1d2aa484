from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from gateway.journal.reader import Reader
from gateway.model.lookup import Facts
from gateway.model.response import Source
from tests.unit.journal.home import BLOCKED, NOON, PHONE, TELEVISION, record, row

TV, TEL = "mac:02:00:00:00:00:02", "mac:02:00:00:00:00:03"


def test_what_each_device_asked_these_companies_for_and_was_not_refused(tmp_path: Path) -> None:
    refused = Facts("ads.example", 1, 0, Source.POLICY, BLOCKED)
    record(
        tmp_path / "journal.sqlite",
        [
            row("ads.example", 0, client=TELEVISION),
            row("ads.example", 60, client=TELEVISION),
            (NOON.timestamp() + 90, PHONE, refused, 0.001),
            row("log.tv.example", 100, client=TELEVISION),
        ],
    )
    with closing(Reader(tmp_path / "journal.sqlite")) as reader:
        assert reader.recent_names(NOON, {"Ads Inc"}) == ((TV, "ads.example", NOON + timedelta(seconds=60)),)
        assert reader.recent_names(NOON + timedelta(seconds=61), {"Ads Inc"}) == ()
        assert reader.recent_names(NOON, {"Nobody"}) == reader.recent_names(NOON, set()) == ()


def test_what_was_asked_for_lately_the_latest_first(tmp_path: Path) -> None:
    seconds = (("old.example", 0, TELEVISION), ("b.example", 60, TELEVISION), ("b.example", 90, PHONE))
    record(tmp_path / "journal.sqlite", [row(name, at, client=client) for name, at, client in seconds])
    with closing(Reader(tmp_path / "journal.sqlite")) as reader:
        assert reader.asked_names(NOON, 10) == ((TEL, "b.example"), (TV, "b.example"), (TV, "old.example"))
        assert reader.asked_names(NOON + timedelta(seconds=30), 1) == ((TEL, "b.example"),)
