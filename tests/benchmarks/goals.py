"""What was aimed at, and whether it was reached: computed from the results, not written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks.cases import ONE_PROCESS, OURS, TWO_WORKERS
from tests.benchmarks.measuring import Measurement, medians
from tests.benchmarks.peers import FLOOR, OPENPYXL, POLARS
from tests.benchmarks.results import CaseResult

Results = Mapping[str, CaseResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A goal.

    Attributes:
        text: What is compared.
        limit: The figure to reach.
        measure: Returns the figure; None if one of its parts was not measured.
        unit: What follows the figure.
        at_least: More is better; else less is.
    """

    text: str
    limit: float
    measure: Callable[[Results], float | None]
    unit: str = " ×"
    at_least: bool = False

    def reached(self, figure: float) -> bool:
        """Tell whether a figure is good enough."""
        return figure >= self.limit if self.at_least else figure <= self.limit


def middle(results: Results, case: str, name: str) -> Measurement | None:
    """Return the medians of a contestant in a case; None if it was not measured."""
    runs = results[case].runs.get(name) if case in results else None
    return medians(runs) if runs else None


def _wall(case: str, ours: str, case_of_theirs: str, theirs: str) -> Callable[[Results], float | None]:
    return _ratio(case, ours, case_of_theirs, theirs, lambda found: found.wall)


def _peak(case: str, ours: str, case_of_theirs: str, theirs: str) -> Callable[[Results], float | None]:
    return _ratio(case, ours, case_of_theirs, theirs, lambda found: found.peak)


def _ratio(
    case: str, ours: str, case_of_theirs: str, theirs: str, figure: Callable[[Measurement], float]
) -> Callable[[Results], float | None]:
    def measure(results: Results) -> float | None:
        one, other = middle(results, case, ours), middle(results, case_of_theirs, theirs)
        return figure(one) / figure(other) if one is not None and other is not None else None

    return measure


def _megabytes(case: str) -> Callable[[Results], float | None]:
    def measure(results: Results) -> float | None:
        found = middle(results, case, OURS)
        return None if found is None else found.peak / 1e6

    return measure


GOALS: tuple[Goal, ...] = (
    Goal(text=f"100k × 20, wall, of {POLARS}", limit=0.6, measure=_wall("100k", OURS, "100k", POLARS)),
    Goal(text=f"1M × 20, wall, of {POLARS}", limit=0.5, measure=_wall("1m", OURS, "1m", POLARS)),
    Goal(text=f"1M × 20, memory, of {POLARS}", limit=0.12, measure=_peak("1m", OURS, "1m", POLARS)),
    Goal(text=f"100k × 20, wall, of {OPENPYXL}", limit=1 / 15, measure=_wall("100k", OURS, "100k", OPENPYXL)),
    Goal(text=f"100k × 20, wall, of {FLOOR}", limit=3, measure=_wall("100k", OURS, "100k", FLOOR)),
    Goal(text=f"1M × 20, wall, of {FLOOR}", limit=3, measure=_wall("1m", OURS, "1m", FLOOR)),
    Goal(text="memory of 1M rows, of 100k rows", limit=1.3, measure=_peak("1m", OURS, "100k", OURS)),
    Goal(text="memory with a million distinct texts", limit=300, measure=_megabytes("texts"), unit=" MB"),
    Goal(
        text="eight files: speed of two workers, of one that reads alone",
        limit=1.6,
        measure=_wall("eight_files", ONE_PROCESS, "eight_files", TWO_WORKERS),
        at_least=True,
    ),
)
