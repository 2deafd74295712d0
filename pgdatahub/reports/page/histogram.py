"""Histograms of columns: counted parts, or estimates from the server's statistics."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Final

from pgdatahub.postgres.tables.column_estimates import ColumnEstimate
from pgdatahub.postgres.tables.column_scan import PARTS, CountedBins, Family

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """A part of a histogram: the values it holds, as text, and its share of all values."""

    label: str
    share: float
    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """A histogram: parts of equal width, in order."""

    bins: tuple[Bin, ...]

    @property
    def tallest(self) -> float:
        """The largest share."""
        return max((one.share for one in self.bins), default=0)


def counted_histogram(family: Family, bins: CountedBins) -> Histogram | None:
    """Return the histogram of counted parts."""
    total = sum(bins.counts)
    if not total:
        return None
    return Histogram(
        bins=tuple(
            Bin(label=_label(family, bins.low, bins.step, at), share=count / total, count=count)
            for at, count in enumerate(bins.counts)
        )
    )


def estimated_histogram(family: Family, estimate: ColumnEstimate) -> Histogram | None:
    """Return the histogram that the server's statistics suggest; None if they have no finite values of the type.

    The values between two neighbouring bounds are as many as between any other two, and spread evenly here.
    """
    try:
        common = [(_position(family, text), share) for text, share in estimate.common]
        bounds = [_position(family, text) for text in estimate.bounds]
    except (ValueError, OverflowError):
        return None
    places = [place for place, _ in common] + bounds
    if not places or not all(map(math.isfinite, places)):
        return None
    low, step, parts = _axis(family, min(places), max(places))
    shares = [0.0] * parts
    rest = max(1 - estimate.nulls - sum(share for _, share in common), 0.0)
    for place, share in common:
        shares[_part(place, low, step, parts)] += share
    each = rest / max(len(bounds) - 1, 1)
    for left, right in pairwise(bounds):
        _spread(shares, left, right, each, low=low, step=step)
    total = sum(shares)
    if not total:
        return None
    return Histogram(
        bins=tuple(
            Bin(label=_label(family, low, step, at), share=share / total, count=None) for at, share in enumerate(shares)
        )
    )


def estimated_extremes(family: Family, estimate: ColumnEstimate) -> tuple[str | None, str | None]:
    """Return the least and the greatest value among the server's samples; None for values without a place on an axis."""
    texts = (*estimate.bounds, *(text for text, _ in estimate.common))
    try:
        ordered = sorted((_position(family, text), text) for text in texts)
    except (ValueError, OverflowError):
        return None, None
    if not ordered or not all(math.isfinite(place) for place, _ in ordered):
        return None, None
    return ordered[0][1], ordered[-1][1]


def _spread(shares: list[float], left: float, right: float, share: float, *, low: float, step: float) -> None:
    """Add the share of the values from ``left`` to ``right`` to the parts that they touch."""
    first, last = _part(left, low, step, len(shares)), _part(right, low, step, len(shares))
    width = right - left
    for at in range(first, last + 1):
        begin, end = low + at * step, low + (at + 1) * step
        overlap = min(right, end) - max(left, begin)
        shares[at] += share * (overlap / width if width > 0 else 1)


def _axis(family: Family, lowest: float, highest: float) -> tuple[float, float, int]:
    """Return the lowest edge, the width and the number of parts, as the query of a scan computes them."""
    unit = {Family.WHOLE: 1.0, Family.DATE: 86_400.0}.get(family, 0.0)
    low, high = lowest - unit / 2, highest + unit / 2
    step = math.ceil((high - low) / unit / PARTS) * unit if unit else (high - low) / PARTS or 1.0
    return low, step, max(min(math.ceil((high - low) / step), PARTS), 1)


def _part(place: float, low: float, step: float, parts: int) -> int:
    return max(min(int((place - low) // step), parts - 1), 0)


def _position(family: Family, text: str) -> float:
    """Return the place of a value on the axis.

    Raises:
        ValueError: The value has none, such as ``infinity``, or a date before the year 1.
    """
    if family in (Family.WHOLE, Family.NUMBER):
        return float(text)
    if family is Family.DATE:
        return (date.fromisoformat(text) - _EPOCH.date()).total_seconds()
    if family is Family.MOMENT:
        return (_moment(text) - _EPOCH).total_seconds()
    raise ValueError(family)


def _moment(text: str) -> datetime:
    # Python before 3.11 reads fractions of three or six digits and offsets with minutes only.
    clock, _, offset = text.partition("+")
    whole, _, fraction = clock.partition(".")
    if offset not in ("", "00"):
        raise ValueError(text)
    found = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    return found + timedelta(microseconds=int(fraction.ljust(6, "0") or 0))


def _label(family: Family, low: float, step: float, at: int) -> str:
    begin, end = low + at * step, low + (at + 1) * step
    if family is Family.WHOLE:
        first, last = round(begin + 0.5), round(end - 0.5)
        return f"{first:,}" if first == last else f"{first:,} to {last:,}"
    if family is Family.DATE:
        first_day, last_day = _day(begin + 43_200), _day(end - 43_200)
        return first_day if first_day == last_day else f"{first_day} to {last_day}"
    if family is Family.MOMENT:
        show = _day if step >= 86_400 else _minute
        return f"{show(begin)} to {show(end)}"
    digits = _digits(step)
    return f"{begin:,.{digits}f} to {end:,.{digits}f}" if digits is not None else f"{begin:.4g} to {end:.4g}"


def _digits(step: float) -> int | None:
    """Return the digits after the point that tell two edges apart; None for sizes that need an exponent."""
    needed = 1 - math.floor(math.log10(step)) if step > 0 else 0
    return max(needed, 0) if -12 < needed < 9 else None


def _day(seconds: float) -> str:
    return _dated(seconds, lambda moment: moment.strftime("%Y-%m-%d").rjust(10, "0"))


def _minute(seconds: float) -> str:
    return _dated(seconds, lambda moment: moment.isoformat(" ", "minutes").removesuffix("+00:00"))


def _dated(seconds: float, show: Callable[[datetime], str]) -> str:
    try:
        return show(_EPOCH + timedelta(seconds=seconds))
    except OverflowError:
        return "beyond the year 9999" if seconds > 0 else "before the year 1"
