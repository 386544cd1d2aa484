"""All mutants of some modules against the tests of each: first that the tests pass, then that they notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tests.mutation.mutants import Key, Mutant, Program
from tests.mutation.targets import Target
from tests.mutation.trial import Trial
from tests.mutation.trials import Ending, Outcome, run

_AT_LEAST_SECONDS = 2.0
_TIMES = 10


class Broken(Exception):
    """The tests of a target fail, or are none, before anything is changed: what they say of mutants means nothing."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What each test of a target reaches (numbers of statements, see `Program`) and costs (seconds of a processor)."""

    target: Target
    reached: Mapping[str, frozenset[int]]
    seconds: Mapping[str, float]

    def tests_of(self, mutant: Mutant) -> dict[str, float]:
        """The tests that come by the mutant, the quickest first, and how many seconds of a processor each may take; all
        tests for what runs on import.
        """
        there = [name for name, numbers in self.reached.items() if not mutant.statement or mutant.statement in numbers]
        there.sort(key=lambda name: self.seconds[name])
        return {name: _AT_LEAST_SECONDS + _TIMES * self.seconds[name] for name in there}


@dataclass(frozen=True, slots=True)
class Result:
    target: Target
    mutant: Mutant
    ending: Ending
    equivalent: str | None
    """The reason why it is listed as equivalent."""

    @property
    def counts(self) -> bool:
        return self.equivalent is None

    @property
    def killed(self) -> bool:
        return self.ending.outcome is Outcome.KILLED


def baselines(targets: Sequence[Target], jobs: int) -> list[Baseline]:
    """Raises Broken."""
    found = {}
    for number, ending in run([partial(_watched, target) for target in targets], jobs):
        target = targets[number]
        if ending.outcome is not Outcome.SURVIVED or not ending.tests:
            raise Broken(f"The tests of {target.module} do not pass as it is: {ending.because}.\n{ending.printed}")
        reached = {name: frozenset(test["reached"]) for name, test in ending.tests.items()}
        seconds = {name: float(test["seconds"]) for name, test in ending.tests.items()}
        found[target] = Baseline(target, reached, seconds)
    return [found[target] for target in targets]


def results(ready: Sequence[Baseline], equivalents: Mapping[Key, str], jobs: int) -> Iterator[Result]:
    """Every mutant's result, as they come; those that no test comes by survive without a trial."""
    pairs = [(baseline, mutant) for baseline in ready for mutant in _program(baseline.target).mutants]
    for number, ending in run([partial(_mutated, baseline, mutant) for baseline, mutant in pairs], jobs):
        baseline, mutant = pairs[number]
        yield Result(baseline.target, mutant, ending, equivalents.get(mutant.key))


def unknown(equivalents: Mapping[Key, str], targets: Sequence[Target]) -> list[Key]:
    """Listed mutants of these modules that do not exist any more."""
    known = {mutant.key for target in targets for mutant in _program(target).mutants}
    modules = {target.module for target in targets}
    return [key for key in equivalents if key.module in modules and key not in known]


def _program(target: Target) -> Program:
    return Program(target.module, target.path.read_text())


def _watched(target: Target) -> Trial:
    code = _program(target).probed(str(target.path))
    return Trial(target.module, code, target.files, None, watched=True)


def _mutated(baseline: Baseline, mutant: Mutant) -> Trial:
    target = baseline.target
    program = _program(target)
    same = next(each for each in program.mutants if each.key == mutant.key)
    return Trial(target.module, program.code(same, str(target.path)), target.files, baseline.tests_of(mutant))
