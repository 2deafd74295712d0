"""Goals, and whether they were reached: computed from the results, not written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks.cases import EARLIER, NO_RULES, ONE_RANGE, ONE_WORKER, OURS, TEN_RULES, THIRTY_RANGES
from tests.benchmarks.measuring import Measurement, medians
from tests.benchmarks.peers import DUCKDB, FLOOR, OPENPYXL, POLARS
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
        """Return whether a figure is good enough."""
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


def _total(case: str, theirs: str) -> Callable[[Results], float | None]:
    return _ratio(case, OURS, case, theirs, lambda found: found.total)


GOALS: tuple[Goal, ...] = (
    Goal(text=f"100k × 20, wall, of {POLARS}", limit=0.5, measure=_wall("100k", OURS, "100k", POLARS)),
    Goal(text=f"100k × 20, wall, of {DUCKDB}", limit=0.55, measure=_wall("100k", OURS, "100k", DUCKDB)),
    Goal(text=f"100k × 20, wall, of {FLOOR}", limit=2.2, measure=_wall("100k", OURS, "100k", FLOOR)),
    Goal(text=f"100k × 20, wall, of {OPENPYXL}", limit=1 / 15, measure=_wall("100k", OURS, "100k", OPENPYXL)),
    Goal(text=f"1M × 20, wall, of {POLARS}", limit=0.33, measure=_wall("1m", OURS, "1m", POLARS)),
    Goal(text=f"1M × 20, wall, of {FLOOR}", limit=1.2, measure=_wall("1m", OURS, "1m", FLOOR)),
    Goal(text="1M × 20, memory", limit=130, measure=_megabytes("1m"), unit=" MB"),
    Goal(text="memory of 1M rows, of 100k rows", limit=1.2, measure=_peak("1m", OURS, "100k", OURS)),
    Goal(text=f"200 columns, wall, of {POLARS}", limit=0.55, measure=_wall("wide", OURS, "wide", POLARS)),
    Goal(text=f"sparse, wall, of {DUCKDB}", limit=0.9, measure=_wall("sparse", OURS, "sparse", DUCKDB)),
    Goal(text=f"a million distinct texts, wall, of {POLARS}", limit=0.6, measure=_wall("texts", OURS, "texts", POLARS)),
    Goal(text="memory with a million distinct texts", limit=250, measure=_megabytes("texts"), unit=" MB"),
    Goal(text=f"1,000 small files, CPU and server, of {DUCKDB}", limit=1.0, measure=_total("small_files", DUCKDB)),
    Goal(
        text="eight files, wall, of the version before the core",
        limit=0.36,
        measure=_wall("eight_files", ONE_WORKER, "eight_files", EARLIER),
    ),
    Goal(
        text="thirty ranges on one sheet, wall, of one range",
        limit=1.5,
        measure=_wall("ranges", THIRTY_RANGES, "ranges", ONE_RANGE),
    ),
    Goal(
        text="ten rules on nine columns, wall, of none",
        limit=1.1,
        measure=_wall("contract", TEN_RULES, "contract", NO_RULES),
    ),
)
"""From the issue that brought the compiled core, and what was reached before it."""
