"""What a campaign found, honestly: how many of how many, and each that nobody noticed."""

from __future__ import annotations

from collections.abc import Sequence

from tests.mutation.campaign import Result
from tests.mutation.mutants import Key
from tests.mutation.trials import Outcome

OVERALL, EACH = 0.92, 0.88
"""Shares of the mutants that have to be killed: of all modules together, and of each."""


class Report:
    """`gone` are mutants on the list of equivalents that do not exist any more."""

    def __init__(self, gone: Sequence[Key] = ()) -> None:
        self._gone = gone
        self._results: list[Result] = []

    def add(self, result: Result) -> None:
        self._results.append(result)

    def good(self) -> bool:
        modules = {result.target.module for result in self._results}
        enough = _share(self._results) >= OVERALL and all(_share(self._of(module)) >= EACH for module in modules)
        return bool(modules) and enough and not self._gone and not self._wrongly_listed()

    def text(self, modules: Sequence[str]) -> str:
        lines = []
        for module in modules:
            lines += [self.line(result) for result in self._of(module) if result.counts and not result.killed]
        for result in self._wrongly_listed():
            lines.append(f"listed as equivalent, but noticed by {result.ending.because}: {_spelled(result.mutant.key)}")
        lines += [f"listed as equivalent, but not in the module: {_spelled(key)}" for key in self._gone]
        width = max(map(len, modules))
        lines += [f"{module:{width}}  {_sentence(self._of(module))}" for module in modules]
        return "\n".join([*lines, f"{'overall':{width}}  {_sentence(self._results)}"])

    def line(self, result: Result) -> str:
        where = f"{result.target.path.name}:{result.mutant.line}"
        listed = "" if result.equivalent is None else " (equivalent)"
        said = f"{result.ending.outcome.value}{listed} ({result.ending.because}) {where} {_spelled(result.mutant.key)}"
        return said + (f"\n{result.ending.printed}" if result.ending.outcome is Outcome.UNCLEAR else "")

    def _of(self, module: str) -> list[Result]:
        found = [result for result in self._results if result.target.module == module]
        return sorted(found, key=lambda result: (result.mutant.line, result.mutant.key))

    def _wrongly_listed(self) -> list[Result]:
        return [result for result in self._results if result.killed and not result.counts]


def _spelled(key: Key) -> str:
    nth = f" (no. {key.nth})" if key.nth > 1 else ""
    return f"{key.function or 'on import'}{nth}\n    - {key.before}\n    + {key.after}"


def _share(results: Sequence[Result]) -> float:
    counted = [result for result in results if result.counts]
    return sum(result.killed for result in counted) / len(counted) if counted else 1.0


def _sentence(results: Sequence[Result]) -> str:
    counted = [result for result in results if result.counts]
    left_out = len(results) - len(counted)
    said = f"killed {sum(result.killed for result in counted)} of {len(counted)} = {100 * _share(results):.1f} %"
    return said + (f", and {left_out} equivalent are left out" if left_out else "")
