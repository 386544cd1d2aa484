"""What the dashboard would show of unlisted names that were really looked up, and how often it would be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.classifier.learned.model import Model
from gateway.classifier.learned.weights import Weights
from gateway.classifier.service import Classifier
from tests.training.recipe import HELD_OUT
from tests.training.scores import calibration
from tests.training.traffic import Seen

PLACES = ("popular", "laboratory", "gadgets", "home")
_BINS = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """Of `names` names `trackers` are trackers, and `doubtful` are called so by one list alone that speaks of
    other things. `looks` of them are shown as "looks like"; of those `right` are trackers and `half_right` doubtful.
    """

    place: str
    names: int
    trackers: int
    doubtful: int
    looks: int
    right: int
    half_right: int
    wrong: tuple[str, ...]
    calibration: list[tuple[int, float, float]]

    @property
    def precision(self) -> float:
        """The share of trackers of what is shown, counting every doubtful name as a mistake."""
        return self.right / self.looks if self.looks else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.trackers if self.trackers else 0.0


def shown(weights: Weights, traffic: Iterable[Seen], classifier: Classifier, fold: int = HELD_OUT) -> list[Shown]:
    """Of names of this fold: one row for all by their spelling alone, one for those that the knowledge base does not
    list, whom alone the model is asked about, and one for each place where such were seen.
    """
    model = Model(weights)
    return _rows([_asked(model, seen) for seen in traffic if seen.fold == fold], classifier)


def cross_shown(of_folds: Sequence[Weights], traffic: Sequence[Seen], classifier: Classifier) -> list[Shown]:
    """The same of all folds, each judged by the weights that have not seen it."""
    asked = []
    for fold, weights in enumerate(of_folds):
        model = Model(weights)
        asked += [_asked(model, seen) for seen in traffic if seen.fold == fold]
    return _rows(asked, classifier)


def _asked(model: Model, seen: Seen) -> tuple[Seen, float, bool]:
    look = model.look(seen.name, seen.registrable)
    return seen, look.probability, look.shown


def _rows(asked: list[tuple[Seen, float, bool]], classifier: Classifier) -> list[Shown]:
    unlisted = [each for each in asked if not classifier.is_listed(each[0].name)]
    places = [(place, [each for each in unlisted if each[0].place == place]) for place in PLACES]
    return [_row("every name", asked), _row("unlisted", unlisted), *(_row(f"unlisted, {at}", of) for at, of in places)]


def _row(place: str, here: list[tuple[Seen, float, bool]]) -> Shown:
    looks = [seen for seen, _, looks_like in here if looks_like]
    return Shown(
        place,
        len(here),
        sum(seen.tracks for seen, _, _ in here),
        sum(seen.doubtful for seen, _, _ in here),
        len(looks),
        sum(seen.tracks for seen in looks),
        sum(seen.doubtful for seen in looks),
        tuple(sorted(seen.name for seen in looks if not seen.tracks)),
        calibration([said for _, said, _ in here], [seen.tracks for seen, _, _ in here], _BINS),
    )


def as_lines(rows: Sequence[Shown]) -> str:
    """A markdown table, the calibration of unlisted names, and what was shown and is no tracker by the lists."""
    lines = [
        "| names looked up | names | trackers | doubtful | shown | right | doubtful | precision | recall |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (row.place, row.names, row.trackers, row.doubtful, row.looks, row.right, row.half_right)
        lines.append(f"| {' | '.join(map(str, cells))} | {row.precision:.3f} | {row.recall:.2f} |")
    lines += ["", "| names | said | were |", "|---|---|---|"]
    lines += [f"| {names} | {said:.2f} | {was:.2f} |" for names, said, was in rows[1].calibration]
    return "\n".join([*lines, "", f"shown, and no tracker by the lists: {', '.join(rows[0].wrong)}"])
