from __future__ import annotations

import json
from array import array
from pathlib import Path

import pytest

from gateway.classifier.learned.features import BUCKETS
from gateway.classifier.learned.weights import BUILT_IN, LinearModel, Weights, compress, load, parse, write
from gateway.errors import SettingsError


def shipped() -> str:
    return BUILT_IN.read_text(encoding="ascii")


def test_the_shipped_weights_are_whole_small_and_say_what_they_were_made_of() -> None:
    weights = load()
    assert BUILT_IN.stat().st_size <= 300_000
    assert len(weights.tracks.weights) == len(weights.advertises.weights) == BUCKETS
    assert "seed" in weights.trained


def test_what_is_written_is_what_is_read_and_the_same_every_time() -> None:
    assert write(load()) == write(parse(shipped())) == shipped()


def test_weights_become_the_nearest_of_255_steps() -> None:
    floats = [0.0] * BUCKETS
    floats[:3] = [1.0, -2.54, 0.01]
    head = compress(floats, 0.5, (1.0, 0.0))
    assert list(head.weights[:4]) == [50, -127, 0, 0]
    assert head.scale == pytest.approx(0.02)


def test_log_odds_are_the_scaled_sum_over_the_root_of_their_number() -> None:
    head = LinearModel(array("b", [10, 20, -30]), 0.1, 0.5, 2.0, -0.25)
    assert head.log_odds([0, 1, 1, 1]) == pytest.approx(2.0 * (0.5 + 0.1 * 70 / 2) - 0.25)
    assert head.log_odds([]) == pytest.approx(0.75)
    assert head.share(2, 4) == pytest.approx(-3.0)


def changed(**values: object) -> str:
    first, _, rest = shipped().partition("\n")
    return json.dumps({**json.loads(first), **values}) + "\n" + rest


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "cannot be read|Expecting"),
        ("[]\n", "cannot be read"),
        ("[" * 100_000 + "\n", "."),
        (changed(version=2), "another version"),
        (changed(buckets=16), "another version"),
        (changed(sha256="0" * 64), "checksum"),
        (changed(heads=[[1, 2, 3, 4]]), "cannot be read"),
        (changed(heads=[[1, 2, 3]] * 2), "."),
        (changed(heads=[[float("nan"), 2, 3, 4]] * 2), "not finite"),
        (shipped()[:-500], "."),
    ],
)
def test_damaged_weights_are_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(text)


def test_a_flipped_letter_is_noticed() -> None:
    text = shipped()
    at = len(text) // 2
    with pytest.raises(ValueError, match="checksum"):
        parse(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])


def test_a_file_that_is_missing_damaged_or_huge_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="install Telltale again"):
        load(tmp_path / "none.txt")
    broken = tmp_path / "weights.txt"
    broken.write_text("{}\n")
    with pytest.raises(SettingsError, match="damaged"):
        load(broken)
    broken.write_text("x" * 300_001)
    with pytest.raises(SettingsError, match="more than 300000 bytes"):
        load(broken)


def test_two_heads_of_zeros_need_little_room() -> None:
    head = compress([0.0] * BUCKETS, 0.0, (1.0, 0.0))
    assert len(write(Weights(head, head, ""))) < 2_000
