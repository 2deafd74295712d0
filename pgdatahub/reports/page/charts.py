"""Geometry of the charts: bars in a picture that stretches to its place, 100 units high."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pgdatahub.reports.page.content import Period
from pgdatahub.reports.page.histogram import Histogram

_GAP: Final = 0.16
_FEWEST: Final = 24
"""The fewest places for bars: one day is a bar, not a wall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle of a chart."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """The bars of one kind, the value of the full height, and the units of the width."""

    bars: tuple[Bar, ...]
    most: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodChart:
    """The files of each period, with those that failed above those that loaded; and the changes of schemas."""

    loaded: Bars
    failed: Bars
    changes: Bars


def period_chart(periods: Sequence[Period]) -> PeriodChart:
    """Return the charts of periods."""
    most = max((one.files + one.failed for one in periods), default=0)
    most_changes = max((one.changes for one in periods), default=0)
    width = max(len(periods), _FEWEST)
    return PeriodChart(
        loaded=Bars(bars=_bars([(0, one.files) for one in periods], most), most=most, width=width),
        failed=Bars(bars=_bars([(one.files, one.failed) for one in periods], most), most=most, width=width),
        changes=Bars(bars=_bars([(0, one.changes) for one in periods], most_changes), most=most_changes, width=width),
    )


def histogram_chart(histogram: Histogram) -> Bars:
    """Return the bars of a histogram."""
    heights = [(0.0, one.share) for one in histogram.bins]
    return Bars(bars=_bars(heights, histogram.tallest), most=0, width=max(len(heights), 8))


def _bars(values: Sequence[tuple[float, float]], most: float) -> tuple[Bar, ...]:
    """Return a bar for each value above 0, upon the value below it; the smallest can still be seen."""
    return tuple(
        Bar(
            x=round(at + _GAP / 2, 2),
            y=round(100 - 100 * below / most - max(100 * value / most, 2), 2),
            width=1 - _GAP,
            height=round(max(100 * value / most, 2), 2),
        )
        for at, (below, value) in enumerate(values)
        if value > 0
    )
