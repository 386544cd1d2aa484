"""One shot: fetches subscribed lists, compiles them into one file, and says what came of it.

Reads a `Job` from standard input; without "fetch" only those are fetched that have no copy yet. Writes
`lists/compiled.bin` and `lists/report.json` in the data folder. It runs in a process of its own, so that a hostile or
huge list can cost the resolver nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.application.list_job import Job, read_report
from gateway.control.codec import time_to_json
from gateway.errors import ListError, TelltaleError
from gateway.files import write_atomically
from gateway.linux.process import begin, end_with_parent
from gateway.lists.compiler import ListInput, compile_lists
from gateway.lists.sources import Stamp, fetch
from gateway.settings import Settings, add_arguments, from_arguments


def run(settings: Settings, job: Job, now: datetime) -> dict[str, Any]:
    """Does the job; the report, by subscription id. Raises ListError when nothing could be compiled."""
    folder = settings.lists_folder
    folder.mkdir(parents=True, exist_ok=True)
    earlier = read_report(settings)
    report: dict[str, dict[str, Any]] = {}
    inputs = []
    for number, source, title, action in job.lists:
        entry = {"fetched": None, "error": None, **earlier.get(str(number), {})}
        copy = folder / f"{number}.txt"
        if job.fetch or not copy.exists() or source.startswith("/"):
            entry["tried"] = time_to_json(now)
            try:
                stamp = Stamp(str(entry.get("etag", "")), str(entry.get("last_modified", "")))
                stamp = fetch(source, copy, stamp, allow_private=settings.private_lists).stamp
                entry |= {"fetched": time_to_json(now), "error": None, "failures": 0, **asdict(stamp)}
            except ListError as error:
                entry |= {"error": str(error), "failures": int(entry.get("failures", 0)) + 1}
        if copy.exists():
            inputs.append(ListInput(number, title, action, copy, untitled=_place(source)))
        report[str(number)] = entry
    compiled = compile_lists(inputs, folder / "compiled.bin")
    for each in compiled.lists:
        entry = report[str(each.subscription)]
        entry |= {
            "title": each.title,
            "syntax": each.syntax.value if each.syntax else None,
            "entries": each.entries,
            "skipped": each.skipped,
        }
        if each.error:
            entry["error"] = each.error
    write_atomically(folder / "report.json", [json.dumps(report, indent=1).encode()])
    for stale in set(folder.glob("*.txt")) - {folder / f"{number}.txt" for number, *_ in job.lists}:
        stale.unlink(missing_ok=True)
    return report


def _place(source: str) -> str:
    """What a list is called that neither a person nor its author gave a title."""
    return source.partition("://")[2][:80] or Path(source).name


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when the compiled file is new, 1 when it could not be made, 2 when the settings are wrong."""
    begin("telltale-lists")
    end_with_parent()
    # A hardened unit may forbid it; the lists matter more than their manners.
    with suppress(OSError):
        os.nice(10)
    parser = argparse.ArgumentParser(prog="telltale-lists")
    add_arguments(parser)
    try:
        settings = from_arguments(parser.parse_args(arguments))
        run(settings, Job.from_json(json.load(sys.stdin)), datetime.now(UTC))
    except ListError as error:
        print(error, file=sys.stderr)
        return 1
    except (TelltaleError, KeyError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
