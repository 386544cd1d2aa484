from __future__ import annotations

import pytest

from gateway.catalogue.preset_words import at_home, listed

FIGURES = {"names": 530, "stops": 214, "open": 9, "missed": 0, "needed_by": ["Disney+", "Paramount+"]}


def test_figures_of_a_home_become_a_sentence() -> None:
    assert at_home(FIGURES) == (
        "Here it stops 214 of 530 names, and leaves 9 open for Disney+ and Paramount+. Nothing known breaks."
    )
    assert "leaves" not in at_home({**FIGURES, "open": 0})
    assert at_home({**FIGURES, "missed": 3}).endswith("Known to be missed: 3 of these.")


@pytest.mark.parametrize("figures", [None, {}, {**FIGURES, "names": 0}])
def test_nothing_is_said_before_anything_was_counted(figures: dict[str, object] | None) -> None:
    assert at_home(figures) == ""


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ("A", "A"), ("A B", "A and B"), ("A B C D", "A, B, C and D"), ("A B C D E", "A, B, C, D and E"),
        ("A B C D E F", "A, B, C, D and 2 others"),
    ],
)  # fmt: skip
def test_many_names_are_cut_short(names: str, says: str) -> None:
    assert listed(names.split()) == says
