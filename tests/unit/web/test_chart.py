"""The chart: whatever is counted, it fits the drawing and the numbers are the journal's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal.views import Bar
from gateway.model.tag import Category
from web.chart import HEIGHT, SERIES, WIDTH, draw_chart, draw_spark, nice_top, slots_since

SINCE = datetime(2026, 11, 22, 20, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=24)


def bar(hour: int, category: str = "advertising", lookups: int = 10, blocked: int = 0) -> Bar:
    return Bar(SINCE + timedelta(hours=hour), category, lookups, blocked)


def test_a_day_without_lookups_is_an_empty_chart() -> None:
    chart = draw_chart([], SINCE, UNTIL, 3600, zone=UTC)
    assert chart.empty
    assert len(chart.columns) == 24
    assert chart.layers == ()
    assert chart.blocked_line == ""
    assert chart.top == 2
    assert chart.says == "0 lookups, 0 of them blocked"


def test_layers_stand_on_each_other_and_fill_the_column() -> None:
    chart = draw_chart([bar(3, "acr", 4), bar(3, "content", 4, 1), bar(3, "time", 2)], SINCE, UNTIL, 3600, zone=UTC)
    column = chart.columns[3]
    assert [segment.series for segment in column.segments] == ["acr", "content", "upkeep"]
    assert column.segments[0].y + column.segments[0].height == HEIGHT
    assert column.segments[1].y + column.segments[1].height == column.segments[0].y
    assert column.segments[2].y == 0
    assert (column.lookups, column.blocked) == (10, 1)
    assert (
        column.says
        == "23:00: 10 lookups, 1 blocked (screen recognition 4; films, apps and voice 4; updates, clock and account 2)"
    )


def test_one_lookup_beside_a_million_can_still_be_seen() -> None:
    chart = draw_chart([bar(0, lookups=1, blocked=1), bar(1, lookups=10**12)], SINCE, UNTIL, 3600, zone=UTC)
    assert chart.columns[0].segments[0].height == 2
    assert chart.columns[0].blocked_y == HEIGHT - 2
    assert chart.top == 10**12
    assert chart.columns[1].segments[0].y == 0


def test_what_lies_outside_is_left_out_and_negative_counts_are_zero() -> None:
    chart = draw_chart([bar(-1), bar(24), bar(5, lookups=-7, blocked=-1)], SINCE, UNTIL, 3600, zone=UTC)
    assert chart.empty
    assert chart.blocked == 0


def test_the_blocked_line_is_a_step_for_each_column() -> None:
    chart = draw_chart([bar(0, lookups=10, blocked=5)], SINCE, SINCE + timedelta(hours=2), 3600, zone=UTC)
    assert chart.blocked_line == "M0.00 100H360.00L360.00 200H720.00"


def test_labels_fit_the_step() -> None:
    hours = draw_chart([], SINCE, UNTIL, 3600, zone=UTC)
    assert [column.label for column in hours.labels] == ["20:00", "02:00", "08:00", "13:00", "19:00"]
    days = draw_chart([], SINCE - timedelta(days=29), UNTIL, 86400, zone=UTC)
    assert days.labels[0].label == "24 Oct"
    assert draw_chart([], SINCE, UNTIL, 6 * 3600, zone=UTC).labels[0].label == "Sun 18:00"


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 2), (1, 2), (3, 4), (7, 8), (9, 10), (11, 20), (245, 300), (10**9 + 1, 2 * 10**9)]
)
def test_the_top_of_the_axis_is_round(largest: int, top: int) -> None:
    assert nice_top(largest) == top


def test_every_category_has_one_layer() -> None:
    named = [category for _, _, members in SERIES for category in members]
    assert len(named) == len(set(named))
    assert {category.value for category in Category} - set(named) == {"unknown"}


@given(
    st.lists(
        st.tuples(st.integers(-5, 30), st.sampled_from([*Category]), st.integers(-5, 10**15), st.integers(-5, 10**15)),
        max_size=40,
    ),
    st.sampled_from([60, 3600, 21600, 86400]),
)
def test_nothing_ever_leaves_the_drawing(counts: list[tuple[int, Category, int, int]], step: int) -> None:
    bars = [bar(hour, category.value, lookups, blocked) for hour, category, lookups, blocked in counts]
    chart = draw_chart(bars, SINCE, UNTIL, step, zone=UTC)
    for column in chart.columns:
        assert 0 <= column.x <= column.x + column.width <= WIDTH + 0.01
        assert 0 <= column.blocked_y <= HEIGHT
        assert all(-0.05 <= segment.y <= segment.y + segment.height <= HEIGHT + 0.05 for segment in column.segments)
    assert chart.lookups == sum(layer.total for layer in chart.layers)


def test_a_very_long_range_keeps_its_newest_columns() -> None:
    chart = draw_chart([], UNTIL - timedelta(days=3650), UNTIL, 60, zone=UTC)
    assert len(chart.columns) == 400
    assert chart.columns[-1].start == UNTIL - timedelta(minutes=1)


def test_a_spark_scales_to_its_largest() -> None:
    spark = draw_spark([0, 1, 4, -2], width=40, height=8)
    assert spark.path == "M10.0 8v-2.0h7.5v2.0zM20.0 8v-8.0h7.5v8.0z"
    assert spark.says == "5 lookups, 4 at most"
    assert draw_spark([]).path == draw_spark([0, 0]).path == ""


def test_a_chart_ends_with_the_running_step() -> None:
    now = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
    assert slots_since(now, timedelta(hours=24), 3600) == datetime(2026, 11, 22, 21, tzinfo=UTC)
    assert len(draw_chart([], slots_since(now, timedelta(hours=24), 3600), now, 3600, zone=UTC).columns) == 24
