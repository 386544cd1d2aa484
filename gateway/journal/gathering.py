"""What the resolver left, made ready to be written: in order of time, and a storm of equal lookups as one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from gateway.journal.pacing import handfuls, paced
from gateway.model.lookup import Facts, LogBatch, LogRow

# A LogRow and how often the same happened.
Counted: TypeAlias = tuple[float, str, Facts, float, int]

# A television that asks twice stands there twice; one that asks a hundred times a second once, with the number.
FEW = 4
_when = itemgetter(0)


def gather(rows: Sequence[LogRow], batches: Iterable[LogBatch] = ()) -> list[Counted]:
    """All of them by time. What one client got more than four times within a second becomes one row: the first, with
    the number of them. No row stands for lookups of two different seconds.
    """
    moments: dict[int, list[LogBatch]] = {}
    for batch in batches:
        moments.setdefault(int(batch.when), []).append(batch)
    gathered: list[Counted] = []
    for moment in moments.values():
        _thresh(moment, gathered)
    _fold_storms(rows, gathered)
    gathered.sort(key=_when)
    return gathered


class Rush:
    """What the fast path answers while thousands ask: counted as it comes, and of each second what was alike is one
    row, however few. Such a row tells when it was first counted, to a round of the writer.
    """

    def __init__(self) -> None:
        self._counts: dict[int, Counter[tuple[str, Facts]]] = {}
        self._first: dict[int, dict[tuple[str, Facts], LogBatch]] = {}
        self.lookups = 0

    def add(self, batches: Iterable[LogBatch]) -> None:
        began: dict[int, LogBatch] = {}
        for batch in paced(batches):
            second = int(batch.when)
            if second not in began:
                began[second] = batch
                self._counts.setdefault(second, Counter())
            self._counts[second].update(batch.pairs())
            self.lookups += len(batch.facts)
        for second, batch in began.items():
            # Once a round and not once a batch: thousands are known already.
            first = self._first.setdefault(second, {})
            first.update(dict.fromkeys(self._counts[second].keys() - first.keys(), batch))

    def over(self, before: int | None = None) -> list[Counted]:
        """The rows of the seconds before this one, or of all; they are forgotten here."""
        rows: list[Counted] = []
        for second in [each for each in self._counts if before is None or each < before]:
            counts, first = self._counts.pop(second), self._first.pop(second)
            rows += [(first[pair].when, *pair, first[pair].latency, count) for pair, count in paced(counts.items())]
            self.lookups -= counts.total()
        return rows


def _thresh(moment: list[LogBatch], into: list[Counted]) -> None:
    # For every query that the fast path answered: counted by C, looked at once.
    counts: Counter[tuple[str, Facts]] = Counter()
    for batch in paced(moment):
        counts.update(batch.pairs())
    add = into.append
    for batch in paced(moment):
        when, latency = batch.when, batch.latency
        for pair in batch.pairs():
            count = counts[pair]
            if count > FEW:
                add((when, *pair, latency, count))
                counts[pair] = 0
            elif count:
                add((when, *pair, latency, 1))


def _fold_storms(rows: Sequence[LogRow], into: list[Counted]) -> None:
    """Every row has facts of its own here, so that alike are those with the same content."""
    busy = {
        who
        for who, count in Counter((row[1], row[2].name) for some in handfuls(rows) for row in some).items()
        if count > FEW
    }
    storms: dict[tuple[Any, ...], list[LogRow]] = {}
    for some in handfuls(rows):
        if not busy:
            into += [(*row, 1) for row in some]
            continue
        for row in some:
            when, client, facts, latency = row
            if (client, facts.name) in busy:
                content = facts.qtype, facts.rcode, facts.source, facts.verdict, facts.targets
                storms.setdefault((int(when), client, facts.name, *content), []).append(row)
            else:
                into.append((when, client, facts, latency, 1))
    for storm in storms.values():
        if len(storm) > FEW:
            when, client, facts, latency = min(storm, key=_when)
            into.append((when, client, facts, latency, len(storm)))
        else:
            into += [(*row, 1) for row in storm]
