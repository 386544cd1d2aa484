"""The overview as JSON: the right hours, in bars that a chart can hold; and a journal that is missing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from gateway.control.client import ControlClient
from gateway.journal.preparation import prepare
from gateway.journal.reader import Reader
from tests.support.dashboard import QUICK, FakeControl, home
from tests.support.promise import keeps
from web.api.overview import MOST_HOURS, step_of
from web.application import create_app
from web.auth import AuthStore


@pytest.mark.parametrize("hours", [1, 2, 3, 6, 7, 24, 25, 96, 168, 336, 337, 720, MOST_HOURS])
def test_the_chart_has_neither_too_few_bars_nor_too_many(hours: int) -> None:
    bars = hours * 3600 / step_of(hours)
    assert 14 < bars <= 400
    assert step_of(hours) % 60 == 0


def test_the_range_is_as_long_as_was_asked_for(tmp_path: Path) -> None:
    answer = home(tmp_path).owner().get("/api/v1/overview?hours=6").json
    since, until = (datetime.fromisoformat(answer[key]) for key in ("since", "until"))
    assert (until - since).total_seconds() == 6 * 3600
    assert answer["step"] == 300


@pytest.mark.parametrize("begun", [True, False], ids=["empty journal", "no journal"])
def test_a_real_journal_without_a_lookup(tmp_path: Path, begun: bool) -> None:
    if begun:
        prepare(tmp_path / "journal.sqlite")
    control = FakeControl()
    app = create_app(data=tmp_path, control=cast(ControlClient, control), hasher=QUICK, effect=control.effect)
    program = app.test_client()
    headers = {"Authorization": f"Bearer {AuthStore(tmp_path / 'web.json', hasher=QUICK).create_token('tests')}"}
    for path, operation in [
        ("lookups?name=*.samsung.com&verdict=block", "getLookups"),
        ("overview?hours=1", "getOverview"),
        (f"overview?hours={MOST_HOURS}", "getOverview"),
        ("companies", "getCompanies"),
        ("names?category=acr", "getNames"),
        ("devices", "getDevices"),
        ("status", "getStatus"),
    ]:
        answer = program.get(f"/api/v1/{path}", headers=headers)
        keeps(answer, operation)
        fine = begun or path in ("devices", "status")
        assert answer.status_code == (200 if fine else 503), (path, answer.text)
    assert program.get("/api/v1/status", headers=headers).json["journal"]["healthy"] is begun
    if begun:
        answer = program.get("/api/v1/lookups?before=nonsense", headers=headers)
        assert (answer.status_code, answer.json["field"]) == (400, "before")
    cast(Reader, app.extensions["telltale"].reader).close()
