"""Counts by time: a day each, or a week or a month where the days are many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

from pgdatahub.reports.page.content import Period

_MOST_BARS: Final = 120
Begin: TypeAlias = "Callable[[date], date]"


@dataclass(slots=True)
class _Sum:
    files: int = 0
    rows: int = 0
    aside: int = 0
    failed: int = 0
    changes: int = 0


@dataclass(slots=True, kw_only=True)
class Calendar:
    """Sums by day, which :meth:`periods` joins to longer times."""

    days: dict[date, _Sum] = field(default_factory=dict)

    def _on(self, moment: datetime) -> _Sum:
        return self.days.setdefault(moment.date(), _Sum())

    def load(self, moment: datetime, *, rows: int, aside: int) -> None:
        """Count a file that was loaded."""
        day = self._on(moment)
        day.files += 1
        day.rows += rows
        day.aside += aside

    def fail(self, moment: datetime) -> None:
        """Count a file that did not load."""
        self._on(moment).failed += 1

    def change(self, moment: datetime) -> None:
        """Count a change of a schema."""
        self._on(moment).changes += 1

    def periods(self) -> tuple[str, tuple[Period, ...]]:
        """Return the length of a period and all periods from the first to the last one, those without a file included."""
        if not self.days:
            return "day", ()
        first, last = min(self.days), max(self.days)
        if (last - first).days < _MOST_BARS:
            return "day", self._joined(lambda day: day, _days(first, last))
        if (last - first).days < 7 * _MOST_BARS:
            monday = first - timedelta(days=first.weekday())
            return "week", self._joined(lambda day: day - timedelta(days=day.weekday()), _days(monday, last, 7))
        return "month", self._joined(lambda day: day.replace(day=1), _months(first, last))

    def _joined(self, begin: Begin, starts: Iterable[date]) -> tuple[Period, ...]:
        sums: dict[date, _Sum] = {start: _Sum() for start in starts}
        for day, one in self.days.items():
            into = sums[begin(day)]
            into.files += one.files
            into.rows += one.rows
            into.aside += one.aside
            into.failed += one.failed
            into.changes += one.changes
        return tuple(
            Period(
                label=start.isoformat(),
                files=one.files,
                rows=one.rows,
                aside=one.aside,
                failed=one.failed,
                changes=one.changes,
            )
            for start, one in sums.items()
        )


def _days(first: date, last: date, step: int = 1) -> Iterator[date]:
    for number in range(0, (last - first).days + 1, step):
        yield first + timedelta(days=number)


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)
