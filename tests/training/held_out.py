"""Scores on domains that the weights have never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.classifier.learned.features import read
from gateway.classifier.learned.model import Model
from gateway.classifier.learned.weights import Weights
from tests.training.corpus import FOLDS, Sample, number
from tests.training.fit import margin_of, probability
from tests.training.recipe import HELD_OUT, fit_tracks
from tests.training.scores import area_under_curve, calibration, calibration_error, precision_at, precision_over
from tests.training.traffic import Seen

SURE = 0.8


@dataclass(frozen=True, slots=True)
class Score:
    """`precision` is at a recall of one half; `sure` is (precision, recall) of what the dashboard would show."""

    group: str
    trackers: int
    others: int
    auc: float
    precision: float
    sure: tuple[float, float]
    error: float
    calibration: list[tuple[int, float, float]]


def score(weights: Weights, corpus: Sequence[Sample], fold: int = HELD_OUT) -> list[Score]:
    """One row for all real service names, as many trackers as others, and one for names of televisions alone.

    A service name has at least one label below its registrable domain: that is what the model is asked about.
    """
    model = Model(weights)
    return _rows([_said(model, sample) for sample in corpus if sample.fold == fold and _asked(sample)])


def cross_score(corpus: Sequence[Sample], of_folds: Sequence[Weights]) -> list[Score]:
    """The same of all folds, each judged by the weights that have not seen it, and then the first row of each."""
    answers, folds = [], []
    for fold, weights in enumerate(of_folds):
        model = Model(weights)
        here = [_said(model, sample) for sample in corpus if sample.fold == fold and _asked(sample)]
        answers += here
        folds.append(replace(_rows(here)[0], group=f"all service names, fold {fold}"))
    return _rows(answers) + folds


def areas(corpus: Sequence[Sample], traffic: Sequence[Seen] = ()) -> list[float]:
    """The AUC of all real service names in each fold, judged by weights of the other four."""
    found = []
    for fold in range(FOLDS):
        weights, bias = fit_tracks(corpus, traffic, fold)
        asked = [sample for sample in corpus if sample.fold == fold and _asked(sample)]
        margins = [(sample, margin_of(read(sample.name, sample.registrable), weights, bias)) for sample in asked]
        found.append(_rows([(sample, probability(margin)) for sample, margin in margins])[0].auc)
    return found


def _asked(sample: Sample) -> bool:
    return sample.scored and sample.name != sample.registrable


def _said(model: Model, sample: Sample) -> tuple[Sample, float]:
    return sample, model.look(sample.name, sample.registrable).probability


def _rows(answers: list[tuple[Sample, float]]) -> list[Score]:
    others = [answer for answer in answers if not answer[0].tracks]
    trackers = sorted(
        (answer for answer in answers if answer[0].tracks), key=lambda answer: number("held out " + answer[0].name)
    )
    return [
        _score("all service names", [*trackers[: len(others)], *others]),
        _score("all, every tracker", answers),
        _score("television names", [answer for answer in answers if answer[0].television]),
    ]


def _score(group: str, answers: Sequence[tuple[Sample, float]]) -> Score:
    said = [probability for _, probability in answers]
    truths = [sample.tracks for sample, _ in answers]
    return Score(
        group,
        sum(truths),
        len(truths) - sum(truths),
        area_under_curve(said, truths),
        precision_at(0.5, said, truths),
        precision_over(SURE, said, truths),
        calibration_error(said, truths),
        calibration(said, truths),
    )


def as_table(scores: Sequence[Score]) -> str:
    """A markdown table, and what was said against what was, in fifths of the scale."""
    lines = [
        "| names | trackers | others | AUC | precision at recall 0.5 | at 0.8: precision, recall | calibration error |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in scores:
        cells = (
            f"{row.group}|{row.trackers}|{row.others}|{row.auc:.3f}|{row.precision:.3f}|"
            f"{row.sure[0]:.3f}, {row.sure[1]:.2f}|{row.error:.3f}"
        )
        lines.append(f"| {' | '.join(cells.split('|'))} |")
    for row in scores:
        bins = "; ".join(f"{n} names said {said:.2f}, were {was:.2f}" for n, said, was in row.calibration)
        lines.append(f"{row.group}: {bins}")
    return "\n".join(lines)
