"""The unit of work: the files of one transaction. A unit goes to whoever works on it, its outcome comes back as data.

Both are plain values that survive pickling, so that it makes no difference whether a unit is worked on in this process,
in another, or on another machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgdatahub.errors import DatabaseError, ExecutorError, SpoolError
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.flow import FileResult, SourceFile
from pgdatahub.model.schema import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Files that are loaded in one transaction: one, or all of a folder. They are of one table."""

    sources: tuple[SourceFile, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(source.size for source in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOutcome:
    """What became of a unit.

    Attributes:
        unit: The unit.
        results: For each file that was done with; the others are as they were.
        problem: What ends the run.
        died: How the process that worked on it died; nothing is known of the files then.
    """

    unit: Unit
    results: tuple[FileResult, ...] = ()
    problem: DatabaseError | SpoolError | ExecutorError | None = None
    died: str | None = None


def perform(unit: Unit, pipeline: Pipeline) -> UnitOutcome:
    """Work on a unit.

    Args:
        unit: The unit.
        pipeline: Loads the files.
    """
    try:
        results = pipeline.process_together(unit.sources)
    except (DatabaseError, SpoolError) as problem:
        return UnitOutcome(unit=unit, problem=problem)
    return UnitOutcome(unit=unit, results=results)


def make_units(sources: Iterable[SourceFile], *, by_folder: bool) -> list[Unit]:
    """Return the units of a run, in the order of their first files.

    Args:
        sources: The files in their order.
        by_folder: One for each folder (and table), instead of one for each file.
    """
    if not by_folder:
        return [Unit(sources=(source,)) for source in sources]
    folders: dict[tuple[TableName, str], list[SourceFile]] = {}
    for source in sources:
        folders.setdefault((source.table, source.identity.rpartition("/")[0]), []).append(source)
    return [Unit(sources=tuple(files)) for files in folders.values()]


def largest_first(units: Sequence[Unit]) -> list[Unit]:
    """Return units in the order for several workers: a large one that comes last keeps one busy and the others idle."""
    return sorted(units, key=lambda unit: -unit.size)
