"""`python -m tests.mutation [module ...]`: would the tests notice a small fault in the modules that matter most?

Own code, because no library fits: mutmut changes functions only, and not the tables and limits that stand outside of
them; cosmic-ray writes each mutant into the file that is being worked on, one after the other; both stop a mutant by
the clock on the wall, so that a busy machine kills what would have survived.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence

from tests.mutation import equivalents
from tests.mutation.campaign import Broken, baselines, results, unknown
from tests.mutation.mutants import Key
from tests.mutation.report import Report
from tests.mutation.targets import LIBRARIES, ROOT, TARGETS, Target
from tests.mutation.trial import preload


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 when too many mutants survive or the list of equivalents is not true, 2 when nothing counts."""
    options = _parse(arguments)
    targets = [target for target in TARGETS if not options.modules or target.module in options.modules]
    start = time.monotonic()
    preload(LIBRARIES)
    status = mutate(targets, equivalents.read(), options.jobs, verbose=options.verbose)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{time.monotonic() - start:.0f} s, {options.jobs} trials at once, {used.ru_utime + used.ru_stime:.0f} s of CPU"
    )
    return status


def mutate(targets: Sequence[Target], listed: Mapping[Key, str], jobs: int, *, verbose: bool = False) -> int:
    """Prints what became of the mutants of these modules; the exit status of `main`."""
    report = Report(unknown(listed, targets))
    try:
        ready = baselines(targets, jobs)
    except Broken as error:
        print(error)
        return 2
    for result in results(ready, listed, jobs):
        report.add(result)
        if verbose:
            print(report.line(result), flush=True)
    print(report.text([target.module for target in targets]))
    return 0 if report.good() else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    known = [target.module for target in TARGETS]
    parser.add_argument("modules", nargs="*", metavar="module", help=f"of {', '.join(known)}; all without one")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="how many beside each other")
    parser.add_argument("--verbose", action="store_true", help="say of every mutant which test noticed it")
    options = parser.parse_args(arguments)
    if strangers := set(options.modules) - set(known):
        parser.error(f"{', '.join(sorted(strangers))} is not mutated; known are: {', '.join(known)}")
    return options


if __name__ == "__main__":
    # The same sets in the same order every time.
    if os.environ.get("PYTHONHASHSEED") != "0":
        command = [sys.executable, "-m", "tests.mutation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # and end the trials that are under way
    sys.exit(main())
