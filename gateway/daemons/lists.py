"""One shot: fetches subscribed lists, compiles them into one file, and says what came of it.

Reads a `Job` from standard input; without "fetch" only those are fetched that have no copy yet. Writes
`lists/compiled.bin` and `lists/report.json` in the data folder. It runs in a process of its own, so that a hostile or
huge list can cost the resolver nothing: its memory is limited, and when the machine has none left, it goes first.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.application.list_job import OWNER_SYNTAX, Job, JobEnd, read_report
from gateway.classifier.public_suffix import public_suffix
from gateway.control.codec import time_to_json
from gateway.errors import ListError, TelltaleError
from gateway.files import is_folder, move_aside, write_atomically
from gateway.linux.memory import Ending, be_ended_first, count_of_ended, limit_data, wait_for
from gateway.linux.process import begin, end_with_parent
from gateway.lists.bounds import COMPILER_MEMORY
from gateway.lists.compiled import CompiledLists
from gateway.lists.compiler import ListInput, compile_lists
from gateway.lists.copies import ListCopy
from gateway.lists.owner_copies import OwnerCopies
from gateway.lists.owner_file import OWNERS, OwnerInput, write_owners
from gateway.lists.owner_list import is_owner_list
from gateway.settings import Settings, add_arguments, from_arguments

_NEARLY = 0.5


def run(settings: Settings, job: Job, now: datetime) -> dict[str, Any]:
    """Does the job; the report, by subscription id. Raises ListError when nothing could be compiled, or when that would
    lose names that are in force.
    """
    folder = settings.lists_folder
    _make(folder)
    earlier = read_report(settings)
    report: dict[str, dict[str, Any]] = {}
    inputs: list[ListInput] = []
    owners: list[OwnerInput] = []
    lost: list[ListError] = []
    for number, source, title, action in job.lists:
        entry = report[str(number)] = {"fetched": None, "error": None, **earlier.get(str(number), {})}
        copy = ListCopy(folder, number, entry)
        if job.fetch or not copy.is_whole or source.startswith("/"):
            _fetch(copy, entry, source, settings, now)
        if copy.is_whole and is_owner_list(copy.path):
            copies = OwnerCopies(copy, folder, number, source, entry)
            read = copies.read(title, _is_suffix, fetch=job.fetch, allow_private=settings.private_lists)
            owners += [read] if read else []
            entry["syntax"] = OWNER_SYNTAX
        elif copy.is_whole:
            inputs.append(ListInput(number, title, action, copy.path, untitled=_place(source)))
        elif copy.is_damaged:
            lost.append(_lost(title or str(entry.get("title") or source), entry))
            entry["error"] = str(lost[-1])
    if not lost or not _has_compiled(folder):
        _compile(inputs, folder, report)
        write_owners(owners, folder / OWNERS)
    write_atomically(folder / "report.json", [json.dumps(report, indent=1).encode()])
    for stale in {*folder.glob("*.txt"), *folder.glob("*.held"), *folder.glob("*.companies")}:
        if stale.stem not in report:
            stale.unlink(missing_ok=True)
    if lost:
        raise lost[0]
    return report


def _make(folder: Path) -> None:
    if os.path.lexists(folder) and not is_folder(folder):
        move_aside(folder)
    folder.mkdir(parents=True, exist_ok=True)


def _fetch(copy: ListCopy, entry: dict[str, Any], source: str, settings: Settings, now: datetime) -> None:
    entry["tried"] = time_to_json(now)
    try:
        copy.fetch(source, allow_private=settings.private_lists)
        entry |= {"fetched": time_to_json(now), "error": None, "failures": 0}
    except ListError as error:
        entry |= {"error": str(error), "failures": int(entry.get("failures", 0)) + 1}


def _lost(title: str, entry: dict[str, Any]) -> ListError:
    if entry["held"]:
        return ListError("lists.copy-damaged-new-shrunken", title=title, entries=f"{entry['held']['entries']:,}")
    return ListError("lists.copy-damaged", title=title, error=str(entry["error"]))


def _has_compiled(folder: Path) -> bool:
    try:
        CompiledLists.open(folder / "compiled.bin")
    except ListError:
        return False
    return True


def _compile(inputs: list[ListInput], folder: Path, report: dict[str, dict[str, Any]]) -> None:
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


def _is_suffix(name: str) -> bool:
    return public_suffix(name) == name


def _place(source: str) -> str:
    """What a list is called that neither a person nor its author gave a title."""
    return source.partition("://")[2][:80] or Path(source).name


def main(arguments: list[str] | None = None) -> int:
    """The exit status is one of `gateway.application.list_job.JobEnd`.

    The work is done by a child, which may be ended at any moment; this process stays small and says why it was.
    """
    begin("telltale-lists")
    end_with_parent()
    parser = argparse.ArgumentParser(prog="telltale-lists")
    add_arguments(parser)
    try:
        settings = from_arguments(parser.parse_args(arguments))
        job = Job.from_json(json.load(sys.stdin))
    except (TelltaleError, KeyError, ValueError) as error:
        print(error, file=sys.stderr)
        return JobEnd.WRONG
    ended_before = count_of_ended()
    child = os.fork()
    if not child:
        os._exit(_work(settings, job))
    return end_of(wait_for(child), count_of_ended() > ended_before)


def _work(settings: Settings, job: Job) -> int:
    end_with_parent()
    be_ended_first()
    limit_data(COMPILER_MEMORY)
    # A hardened unit may forbid it; the lists matter more than their manners.
    with suppress(OSError):
        os.nice(10)
    try:
        run(settings, job, datetime.now(UTC))
    except ListError as error:
        print(error, file=sys.stderr, flush=True)
        return JobEnd.FAILED
    except MemoryError:
        return JobEnd.TOO_MUCH_MEMORY
    except BaseException:  # noqa: BLE001 - the forked half must never go on to what the other half has to do
        traceback.print_exc()
        return JobEnd.WRONG
    return JobEnd.DONE


def end_of(ending: Ending, memory_ran_out: bool) -> int:
    """The JobEnd for how the child ended. `memory_ran_out`: the kernel has ended some process for that meanwhile."""
    if not ending.signal:
        return ending.status
    if ending.signal == signal.SIGKILL and memory_ran_out:
        return JobEnd.NO_MEMORY
    # C++ does not survive a refusal, and is refused the double of what it has.
    if ending.signal != signal.SIGKILL and ending.peak >= COMPILER_MEMORY * _NEARLY:
        return JobEnd.TOO_MUCH_MEMORY
    print(signal.Signals(ending.signal).name, file=sys.stderr)
    return JobEnd.ENDED


if __name__ == "__main__":
    sys.exit(main())
