"""Units of work: the files of one transaction, and the outcome.

Units and outcomes are plain values that can be pickled, so this process, another process and another machine work alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pgdatahub.errors import DatabaseError, ExecutorError, SpoolError
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.events import Event
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult
from pgdatahub.model.schema import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Files of one table that are loaded in one transaction: one file, or all files of a folder."""

    sources: tuple[SourceFile, ...]

    @property
    def size(self) -> int:
        """Size of the files in bytes."""
        return sum(source.size for source in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOutcome:
    """Outcome of a unit.

    Attributes:
        unit: The unit.
        results: Results of the finished files; the other files are unchanged.
        problem: Error that ends the run.
        died: Cause of the worker's death; the results are unknown then.
        events: Events of a worker that cannot send them while it works.
    """

    unit: Unit
    results: tuple[FileResult, ...] = ()
    problem: DatabaseError | SpoolError | ExecutorError | None = None
    died: str | None = None
    events: tuple[Event, ...] = ()


def perform(unit: Unit, pipeline: Callable[[], Pipeline]) -> UnitOutcome:
    """Work on a unit, and return its outcome.

    Args:
        unit: The unit.
        pipeline: Returns the pipeline that loads the files, and connects to the database if necessary.
    """
    try:
        return UnitOutcome(unit=unit, results=pipeline().process_together(unit.sources))
    except (DatabaseError, SpoolError, ExecutorError) as problem:
        return UnitOutcome(unit=unit, problem=problem)


def make_units(sources: Iterable[SourceFile], *, by_folder: bool) -> list[Unit]:
    """Return the units of a run, in the order of their first files.

    Args:
        sources: The files in their order.
        by_folder: Make one unit for each folder (and table), instead of one for each file.
    """
    if not by_folder:
        return [Unit(sources=(source,)) for source in sources]
    folders: dict[tuple[TableName, str], list[SourceFile]] = {}
    for source in sources:
        folders.setdefault((source.table, source.identity.rpartition("/")[0]), []).append(source)
    return [Unit(sources=tuple(files)) for files in folders.values()]


def spread_tables(units: Sequence[Unit]) -> list[Unit]:
    """Return units so that all tables advance alike, each with its largest unit first.

    Files of one table take turns at the server, so workers that all have files of one table are idle. A large unit at the end
    would keep one worker busy and the others idle.
    """
    totals: Counter[TableName] = Counter()
    for unit in units:
        totals[unit.sources[0].table] += unit.size
    before: Counter[TableName] = Counter()
    ranked: list[tuple[float, int, int]] = []
    for position, unit in sorted(enumerate(units), key=lambda item: -item[1].size):
        table = unit.sources[0].table
        # The share of the table's bytes that come before; the first units of all tables are sorted by size.
        ranked.append((before[table] / (totals[table] or 1), -unit.size, position))
        before[table] += unit.size
    return [units[position] for _, _, position in sorted(ranked)]
