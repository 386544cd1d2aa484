"""The geometry of a stacked chart over time: whole numbers and coordinates, drawn by a template. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from web.present import counted, iso

WIDTH = 720
HEIGHT = 200
_LEAST = 2.0
_MAX_COLUMNS = 400

SERIES: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("acr", "screen recognition", frozenset({"acr"})),
    ("advertising", "advertising", frozenset({"advertising"})),
    ("analytics", "analytics", frozenset({"analytics"})),
    ("telemetry", "telemetry", frozenset({"telemetry"})),
    ("content", "films, apps and voice", frozenset({"content", "recommendations", "app store", "voice", "social"})),
    (
        "upkeep",
        "updates, clock and account",
        frozenset({"update", "time", "connectivity check", "essential", "crash reports", "account"}),
    ),
    ("carriage", "content delivery and servers", frozenset({"cdn", "cloud", "dns", "local"})),
    ("unknown", "unknown purpose", frozenset()),
)
"""Key, words and categories of each layer, lowest first: what watches the viewer stands on the ground line."""

_SERIES_OF: Mapping[str, str] = {category: key for key, _, members in SERIES for category in members}
_WORDS = {key: words for key, words, _ in SERIES}


class BarLike(Protocol):
    """Lookups of one category in one step of time, as the journal counts them."""

    @property
    def start(self) -> datetime: ...
    @property
    def category(self) -> str: ...
    @property
    def lookups(self) -> int: ...
    @property
    def blocked(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Segment:
    """One layer of one column: `y` and `height` in units of the drawing, y growing downwards."""

    series: str
    words: str
    y: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Column:
    """One step of time. `x` and `width` in units of the drawing; `blocked_y` is the height of the blocked line."""

    start: datetime
    label: str
    x: float
    width: float
    lookups: int
    blocked: int
    segments: tuple[Segment, ...]
    blocked_y: float
    says: str

    @property
    def iso(self) -> str:
        return iso(self.start)


@dataclass(frozen=True, slots=True)
class Layer:
    """One entry of the legend."""

    key: str
    words: str
    total: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole drawing of WIDTH by HEIGHT units; `top` is what its upper edge stands for."""

    columns: tuple[Column, ...]
    layers: tuple[Layer, ...]
    top: int
    lookups: int
    blocked: int
    blocked_line: str
    labels: tuple[Column, ...]
    says: str

    @property
    def empty(self) -> bool:
        return self.lookups == 0


def nice_top(largest: int) -> int:
    """The smallest even, round number that is not below `largest`; 2 for nothing at all."""
    power = 1
    while True:
        for step in (2, 3, 4, 5, 6, 8, 10):
            if step * power >= largest and step * power % 2 == 0:
                return step * power
        power *= 10


def draw_chart(
    bars: Iterable[BarLike], since: datetime, until: datetime, step: int, *, zone: tzinfo | None = None
) -> Chart:
    """Columns of `step` seconds over [since, until), aligned to the step; what lies outside is left out.

    Negative counts are zero. A column that is not empty is at least two units high, so that one lookup beside a
    million can still be seen.
    """
    step = max(1, step)
    first = int(since.timestamp()) // step
    last = max(first, -(-int(until.timestamp()) // step) - 1)
    first = max(first, last - _MAX_COLUMNS + 1)
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    blocked: dict[int, int] = defaultdict(int)
    for bar in bars:
        slot = int(bar.start.timestamp()) // step
        if first <= slot <= last:
            counts[slot][_SERIES_OF.get(bar.category, "unknown")] += max(0, bar.lookups)
            blocked[slot] += max(0, bar.blocked)
    slots = range(first, last + 1)
    totals = [sum(counts[slot].values()) for slot in slots]
    top = nice_top(max(totals))
    width = WIDTH / len(slots)
    columns = tuple(
        _column(slot * step, step, (index * width, width), counts[slot], blocked[slot], top=top, zone=zone)
        for index, slot in enumerate(slots)
    )
    layers = tuple(
        Layer(key, words, total) for key, words, _ in SERIES if (total := sum(counts[slot][key] for slot in slots))
    )
    lookups, stopped = sum(totals), sum(blocked[slot] for slot in slots)
    return Chart(
        columns, layers, top, lookups, stopped, _line(columns), _labels(columns),
        f"{counted(lookups, 'lookup')}, {counted(stopped, 'of them', 'of them')} blocked"
        + (": " + ", ".join(f"{layer.words} {layer.total:,}" for layer in layers) if layers else ""),
    )  # fmt: skip


def _column(
    start: int,
    step: int,
    place: tuple[float, float],
    counts: Mapping[str, int],
    blocked: int,
    *,
    top: int,
    zone: tzinfo | None,
) -> Column:
    x, width = place
    total = sum(counts.values())
    height = max(total / top * HEIGHT, _LEAST) if total else 0.0
    segments, y = [], float(HEIGHT)
    for key, words, _ in SERIES:
        if count := counts.get(key, 0):
            part = height * count / total
            y -= part
            segments.append(Segment(key, words, round(y, 2), round(part, 2), count))
    at = datetime.fromtimestamp(start, UTC)
    label = _label(at, step, zone)
    gap = min(width * 0.18, 3.0)
    parts = "; ".join(f"{segment.words} {segment.count:,}" for segment in segments)
    says = f"{label}: {counted(total, 'lookup')}, {blocked:,} blocked" + (f" ({parts})" if parts else "")
    blocked_y = HEIGHT - (max(min(blocked / top, 1.0) * HEIGHT, _LEAST) if blocked else 0.0)
    return Column(
        at,
        label,
        round(x + gap / 2, 2),
        round(width - gap, 2),
        total,
        blocked,
        tuple(segments),
        round(blocked_y, 2),
        says,
    )


def _label(at: datetime, step: int, zone: tzinfo | None) -> str:
    local = at.astimezone(zone)
    if step >= 86400:
        return f"{local.day} {local:%b}"
    if step > 3600:
        return f"{local:%a %H:%M}"
    return f"{local:%H:%M}"


def _labels(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Five columns at most whose times stand below the chart, evenly spread, the first and last among them."""
    last = len(columns) - 1
    if last < 4:
        return tuple(columns)
    return tuple(columns[round(last * index / 4)] for index in range(5))


def _line(columns: Sequence[Column]) -> str:
    """The path of the blocked line: a step for each column."""
    if not any(column.blocked for column in columns):
        return ""
    width = WIDTH / len(columns)
    points = [
        f"{'M' if index == 0 else 'L'}{index * width:.2f} {column.blocked_y:g}H{(index + 1) * width:.2f}"
        for index, column in enumerate(columns)
    ]
    return "".join(points)


@dataclass(frozen=True, slots=True)
class Spark:
    """A small chart without axes: one path of bars, and the sentence for those who do not see it."""

    path: str
    says: str


def draw_spark(values: Sequence[int], width: int = 120, height: int = 28) -> Spark:
    """Bars for these counts, oldest first, scaled to the largest."""
    largest = max(values, default=0)
    step = width / max(1, len(values))
    parts = []
    for index, value in enumerate(values):
        if value > 0:
            tall = max(value / largest * height, 1.5)
            parts.append(f"M{index * step:.1f} {height}v-{tall:.1f}h{step * 0.75:.1f}v{tall:.1f}z")
    return Spark("".join(parts), f"{counted(sum(max(0, v) for v in values), 'lookup')}, {largest:,} at most")


def slots_since(now: datetime, span: timedelta, step: int) -> datetime:
    """Where a chart of `span` that ends with the running step begins, aligned to the step."""
    last = -(-int(now.timestamp()) // step)
    return datetime.fromtimestamp((last - int(span.total_seconds()) // step) * step, UTC)
