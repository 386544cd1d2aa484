"""From the corpus to weights. Fold 0 is never trained on; what is chosen is chosen on folds 1 to 4."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gateway.classifier.learned.features import read
from gateway.classifier.learned.weights import LinearModel, Weights, compress
from gateway.model.tag import Category
from tests.training.corpus import FOLDS, Sample
from tests.training.fit import Recipe, Row, calibrate, fit, margin_of

HELD_OUT = 0
_COUNTS = {"lists": 0.6, "companies": 0.3, "published": 1.0, "captures": 4.0, "knowledge": 4.0, "labels": 4.0}
_RECIPE = Recipe(passes=5)


def train(corpus: Sequence[Sample], held_out: int = HELD_OUT) -> Weights:
    """Both heads. Each is calibrated on names of its training folds that the weights in question had not seen."""
    seen = [sample for sample in corpus if sample.fold != held_out]
    kinds = [sample for sample in seen if sample.kind in (Category.ADVERTISING, Category.ANALYTICS, Category.TELEMETRY)]
    tracks = _head(seen, [sample.tracks for sample in seen], lambda sample: sample.television)
    advertises = _head(kinds, [sample.kind is Category.ADVERTISING for sample in kinds], lambda sample: True)
    trackers = sum(sample.tracks for sample in seen)
    trained = (
        f"{len(seen)} names, {trackers} of them trackers, of {len({s.registrable for s in seen})} domains; "
        f"{sum(s.television for s in seen)} are names of televisions, {sum(not s.scored for s in seen)} are published; "
        f"domains of fold {held_out} of {FOLDS} were left out; seed {_RECIPE.seed}"
    )
    return Weights(tracks, advertises, trained)


def fit_tracks(corpus: Sequence[Sample], held_out: int) -> tuple[list[float], float]:
    """The first head alone and not calibrated, which changes no order: seconds instead of a minute for all folds."""
    seen = [sample for sample in corpus if sample.fold != held_out]
    return fit(_balanced(_lines(seen, [sample.tracks for sample in seen])), _RECIPE)


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
    return compress(weights, bias, calibrate(margins, known, counts))


def _balanced(rows: Iterable[Row]) -> list[Row]:
    """Both sorts count alike, however many names there are of each."""
    rows = list(rows)
    totals = {sort: sum(row.weight for row in rows if row.positive is sort) for sort in (True, False)}
    half = sum(totals.values()) / 2
    return [Row(row.buckets, row.positive, row.weight * half / totals[row.positive]) for row in rows]
