"""From the corpus to weights. Fold 0 is never trained on; what is chosen is chosen on folds 1 to 4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from gateway.classifier.learned.features import read
from gateway.classifier.learned.weights import LinearModel, Weights, compress
from gateway.model.tag import Category
from tests.training.corpus import FOLDS, Sample
from tests.training.fit import Recipe, Row, calibrate, fit, margin_of
from tests.training.traffic import Seen

HELD_OUT = 0
_COUNTS = {"lists": 0.6, "companies": 0.3, "published": 1.0, "captures": 4.0, "knowledge": 4.0, "labels": 4.0}
_SEEN_COUNTS = 3.0
_SEEN_PER_DOMAIN = 15
_FEWEST_NAMES = 2
_RECIPE = Recipe(passes=5)


def train(corpus: Sequence[Sample], traffic: Sequence[Seen] = (), held_out: int = HELD_OUT) -> Weights:
    """Both heads. Each is calibrated on names of its training folds that the weights in question had not seen: the
    first on names that were really looked up, with their base rate, and on names of televisions, balanced, where there
    is no traffic.
    """
    known = [sample for sample in corpus if sample.fold != held_out]
    kinds = [
        sample for sample in known if sample.kind in (Category.ADVERTISING, Category.ANALYTICS, Category.TELEMETRY)
    ]
    asked = list(_training(traffic, known, held_out))
    if asked:
        tracks = _seen_head(known, asked)
    else:
        tracks = _head(known, [sample.tracks for sample in known], lambda sample: sample.television)
    advertises = _head(kinds, [sample.kind is Category.ADVERTISING for sample in kinds], lambda sample: True)
    trained = (
        f"{len(known)} names, {sum(sample.tracks for sample in known)} of them trackers, of "
        f"{len({s.registrable for s in known})} domains; {sum(s.television for s in known)} are names of televisions, "
        f"{sum(not s.scored for s in known)} are published; and {len(asked)} names that were looked up, "
        f"{sum(seen.tracks for seen in asked)} of them trackers; domains of fold {held_out} of {FOLDS} were left out; "
        f"seed {_RECIPE.seed}"
    )
    return Weights(tracks, advertises, trained)


def fit_tracks(corpus: Sequence[Sample], traffic: Sequence[Seen], held_out: int) -> tuple[list[float], float]:
    """The first head alone and not calibrated, which changes no order: seconds instead of a minute for all folds."""
    known = [sample for sample in corpus if sample.fold != held_out]
    listed = _balanced(_lines(known, [sample.tracks for sample in known]))
    return fit(listed + [_row(seen) for seen in _training(traffic, known, held_out)], _RECIPE)


def _training(traffic: Sequence[Seen], known: Sequence[Sample], held_out: int) -> Iterator[Seen]:
    """Names to learn from: a few of each domain, none that is doubtful, or known from elsewhere, or of the home that
    others measure with.
    """
    taken, of_domain = {sample.name for sample in known}, Counter[str]()
    for seen in traffic:
        if seen.fold == held_out or seen.place == "home" or seen.doubtful or seen.name in taken:
            continue
        of_domain[seen.registrable] += 1
        if of_domain[seen.registrable] <= _SEEN_PER_DOMAIN:
            yield seen


def _row(seen: Seen) -> Row:
    return Row(read(seen.name, seen.registrable), seen.tracks, _SEEN_COUNTS)


def _seen_head(known: Sequence[Sample], asked: Sequence[Seen]) -> LinearModel:
    """The names of lists count as many trackers as others; names that were looked up keep their base rate."""
    rows = [(seen.fold, _row(seen)) for seen in asked]
    listed = list(zip(known, _lines(known, [sample.tracks for sample in known]), strict=True))
    margins: list[float] = []
    truths: list[bool] = []
    for fold in sorted({at for at, _ in rows}):
        others = _balanced(row for sample, row in listed if sample.fold != fold)
        weights, bias = fit(others + [row for at, row in rows if at != fold], _RECIPE)
        for at, row in rows:
            if at == fold:
                margins.append(margin_of(row.buckets, weights, bias))
                truths.append(row.positive)
    every = _balanced(row for _, row in listed) + [row for _, row in rows]
    weights, bias = fit(every, _RECIPE)
    return compress(_common(weights, every), bias, calibrate(margins, truths, [1.0] * len(truths)))


def _lines(samples: Sequence[Sample], truths: Sequence[bool]) -> list[Row]:
    return [
        Row(read(sample.name, sample.registrable), truth, _COUNTS[sample.source])
        for sample, truth in zip(samples, truths, strict=True)
    ]


def _head(samples: Sequence[Sample], truths: Sequence[bool], calibrates: Callable[[Sample], bool]) -> LinearModel:
    rows = _lines(samples, truths)
    margins: list[float] = []
    known: list[bool] = []
    for fold in sorted({sample.fold for sample in samples}):
        weights, bias = fit(_balanced(row for row, s in zip(rows, samples, strict=True) if s.fold != fold), _RECIPE)
        for row, sample in zip(rows, samples, strict=True):
            if sample.fold == fold and calibrates(sample):
                margins.append(margin_of(row.buckets, weights, bias))
                known.append(row.positive)
    share = sum(known) / len(known)
    counts = [0.5 / share if truth else 0.5 / (1 - share) for truth in known]
    weights, bias = fit(_balanced(rows), _RECIPE)
    return compress(_common(weights, rows), bias, calibrate(margins, known, counts))


def _common(weights: Sequence[float], rows: Iterable[Row]) -> list[float]:
    """The weights, without those that one name alone has taught: they say nothing of others, and fill the file."""
    names = Counter(bucket for row in rows for bucket in set(row.buckets))
    return [weight if names[bucket] >= _FEWEST_NAMES else 0.0 for bucket, weight in enumerate(weights)]


def _balanced(rows: Iterable[Row]) -> list[Row]:
    """Both sorts count alike, however many names there are of each."""
    rows = list(rows)
    totals = {sort: sum(row.weight for row in rows if row.positive is sort) for sort in (True, False)}
    half = sum(totals.values()) / 2
    return [Row(row.buckets, row.positive, row.weight * half / totals[row.positive]) for row in rows]
