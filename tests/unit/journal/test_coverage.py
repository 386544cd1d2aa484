from __future__ import annotations

from gateway.journal.coverage import DAY, FOREVER, HOUR, MINUTE, Kept, Stretch, cover

EVERYTHING = Kept(0, 0)


def test_a_whole_day_is_covered_by_one_bucket() -> None:
    assert cover(DAY, 2 * DAY, EVERYTHING) == (Stretch(DAY, DAY, 2 * DAY),)


def test_the_ends_of_a_stretch_are_covered_by_finer_buckets() -> None:
    assert cover(DAY - 61, 2 * DAY + 1, EVERYTHING) == (
        Stretch(MINUTE, DAY - 61, DAY - 60),
        Stretch(HOUR, DAY - 60, DAY),
        Stretch(DAY, DAY, 2 * DAY),
        Stretch(MINUTE, 2 * DAY, 2 * DAY + 1),
    )


def test_a_fine_chart_is_made_of_fine_buckets() -> None:
    assert cover(0, DAY, EVERYTHING, coarsest=MINUTE) == (Stretch(MINUTE, 0, DAY),)


def test_what_is_kept_by_the_hour_is_widened_to_whole_hours() -> None:
    assert cover(90, 130, Kept(DAY, 0)) == (Stretch(HOUR, 60, 180),)


def test_what_is_kept_by_the_day_is_widened_to_whole_days_even_for_a_fine_chart() -> None:
    assert cover(10, DAY + 70, Kept(DAY, DAY), coarsest=MINUTE) == (
        Stretch(DAY, 0, DAY),
        Stretch(MINUTE, DAY, DAY + 70),
    )


def test_an_empty_stretch_needs_nothing() -> None:
    assert cover(5, 5, EVERYTHING) == ()
    assert cover(7, 5, EVERYTHING) == ()


def test_all_time_is_a_single_stretch_of_days() -> None:
    assert cover(0, FOREVER, EVERYTHING) == (Stretch(DAY, 0, FOREVER),)
