"""A job comes through a pipe as it went in; a report that somebody damaged is no report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.application.list_job import Job, read_report
from gateway.model.verdict import Action
from gateway.settings import Settings


def test_a_job_is_the_same_at_the_other_end() -> None:
    job = Job(((3, "https://example.org/a.txt", "A", Action.BLOCK), (4, "/own.txt", "", Action.ALLOW)), fetch=True)
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '"x"', "\x00\xff"])
def test_a_damaged_report_is_none(tmp_path: Path, text: str) -> None:
    settings = Settings(data=tmp_path)
    assert read_report(settings) == {}
    settings.lists_folder.mkdir()
    (settings.lists_folder / "report.json").write_bytes(text.encode("latin-1"))
    assert read_report(settings) == {}


def test_what_is_no_entry_is_left_out(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    settings.lists_folder.mkdir()
    (settings.lists_folder / "report.json").write_text('{"1": {"entries": 5}, "2": [], "3": null}')
    assert read_report(settings) == {"1": {"entries": 5}}
