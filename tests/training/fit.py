"""Logistic regression by stochastic gradient descent: plain Python, one seed, the same weights everywhere.

AdaGrad (Duchi et al., JMLR 2011) with an L2 penalty that is paid only by the weights of the name at hand.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.classifier.learned.features import BUCKETS


@dataclass(frozen=True, slots=True)
class Row:
    """One name for the trainer: its buckets, whether it is of the sort that is looked for, and how much it counts."""

    buckets: Sequence[int]
    positive: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train; the defaults are what was chosen on the training folds."""

    passes: int = 8
    rate: float = 0.5
    penalty: float = 1e-5
    seed: int = 20261123


def fit(rows: Sequence[Row], recipe: Recipe = Recipe()) -> tuple[list[float], float]:
    """(a weight for each bucket, the bias). A bucket of a name with n buckets is worth 1/√n."""
    weights, squares = [0.0] * BUCKETS, [1e-3] * BUCKETS
    bias, bias_squares = 0.0, 1e-3
    lot = random.Random(recipe.seed)
    order = list(range(len(rows)))
    for _ in range(recipe.passes):
        lot.shuffle(order)
        for at in order:
            row = rows[at]
            value = 1 / math.sqrt(len(row.buckets) or 1)
            margin = bias + value * sum([weights[b] for b in row.buckets])
            error = row.weight * (probability(margin) - row.positive)
            pull = error * value
            bias_squares += error * error
            bias -= recipe.rate * error / math.sqrt(bias_squares)
            for b in row.buckets:
                gradient = pull + recipe.penalty * weights[b]
                squares[b] += gradient * gradient
                weights[b] -= recipe.rate * gradient / math.sqrt(squares[b])
    return weights, bias


def margin_of(buckets: Sequence[int], weights: Sequence[float], bias: float) -> float:
    """The log-odds before calibration."""
    return bias + sum([weights[b] for b in buckets]) / math.sqrt(len(buckets) or 1)


def calibrate(margins: Sequence[float], truths: Sequence[bool], weights: Sequence[float]) -> tuple[float, float]:
    """Slope and offset that make probabilities of margins (Platt, 1999), by gradient descent."""
    spread = math.sqrt(sum(m * m for m in margins) / len(margins)) or 1.0
    slope, offset = 1.0, 0.0
    for _ in range(400):
        gs = go = 0.0
        for margin, truth, weight in zip(margins, truths, weights, strict=True):
            error = weight * (probability(slope * margin / spread + offset) - truth)
            gs, go = gs + error * margin / spread, go + error
        slope, offset = slope - 2 * gs / sum(weights), offset - 2 * go / sum(weights)
    return slope / spread, offset


def probability(margin: float) -> float:
    """The logistic function, without overflow."""
    if margin >= 0:
        return 1 / (1 + math.exp(-margin))
    power = math.exp(margin)
    return power / (1 + power)
