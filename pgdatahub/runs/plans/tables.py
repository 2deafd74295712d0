"""Simulations of all tables of a plan, and the plans of the tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import FileError
from pgdatahub.load.known.left_tables import left_imports
from pgdatahub.load.known.older_readings import OlderReadings
from pgdatahub.load.known.possible_tables import tables_by_file
from pgdatahub.load.results import unknown_rows
from pgdatahub.load.staging.staged_file import StagedFile
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.results import FileResult
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.older_rows import tables_of_older_readings
from pgdatahub.postgres.proofs.unknown_rows import find_all_unknown
from pgdatahub.readers.reading_rules import READING_VERSIONS
from pgdatahub.runs.plans.answers import compare_older, is_unplaced, tables_of
from pgdatahub.runs.plans.entries import file_plan, result_plan, table_plan
from pgdatahub.runs.plans.parts import simulate_file
from pgdatahub.runs.plans.result import FilePlan, TablePlan
from pgdatahub.runs.plans.simulation import TableSimulation

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


class TableSimulations:
    """The simulations of a plan's tables.

    Attributes:
        left: The imports in tables that the settings do not name for their files any more.
        unplaced: The plans of files without a table.
    """

    def __init__(self, stages: Stages, config: Config) -> None:
        self.stages = stages
        self.config = config
        self.left: list[ImportRow] = []
        self.unplaced: list[FilePlan] = []
        self._simulations: dict[TableName, TableSimulation] = {}

    def of(self, table: TableName, connection: Connection | None, history: History | None) -> TableSimulation:
        """Return the simulation of a table, over a connection."""
        simulation = self._simulations.setdefault(
            table,
            TableSimulation(table=table, stages=self.stages, config=self.config, connection=None, history=None),
        )
        simulation.connection, simulation.history = connection, history
        return simulation

    def simulate(
        self,
        connection: Connection | None,
        history: History | None,
        read: Sequence[tuple[SourceFile, StagedFile | FileResult]],
        *,
        files: Sequence[SourceFile],
        skipped: Collection[str],
    ) -> Iterator[TablePlan]:
        """Yield the plan of each table, in the order of a run.

        Args:
            connection: The database; None for a plan without one.
            history: Its history; None if it has none.
            read: The files with their rows or results.
            files: All files of the plan.
            skipped: The locations of the files that were skipped before reading.
        """
        schema = self.config.schema_name
        by_file = tables_by_file(connection, [source for source, _ in read if source.location not in skipped], schema)
        left = {table for found in by_file.values() for table in found}
        unknown = find_all_unknown(connection, history, left) if connection is not None else {}
        older = tables_of_older_readings(connection, history, left, READING_VERSIONS) if connection and history else {}
        compare = OlderReadings(stages=self.stages, config=self.config, history=history) if history else None
        answers = []
        for source, answer in read:
            possible = by_file.get(source.location, frozenset())
            for table in sorted(possible & unknown.keys()):
                answer = unknown_rows(source, unknown[table], schema) or answer
            if connection is not None and compare is not None and not possible.isdisjoint(older):
                answer = compare_older(compare, connection, answer)
            answers.append(answer)
        tables = dict.fromkeys(table for answer in answers for table in tables_of(answer))
        if connection is not None and history is not None:
            staged = {
                (one.source.location, one.file_sha256): one.tables for one in answers if isinstance(one, StagedFile)
            }
            self.left = left_imports(connection, history, files, schema, read=staged)
        all_tables = dict.fromkeys((*tables, *(past.table for past in self.left)))
        simulations = {table: self.of(table, connection, history) for table in all_tables}
        refused: dict[TableName, FileError] = {}
        for table, simulation in simulations.items():
            try:
                simulation.begin()
            except FileError as error:
                refused[table] = error
        plans: dict[TableName, list[FilePlan]] = {table: [] for table in tables}
        for answer in answers:
            if isinstance(answer, FileResult):
                if is_unplaced(answer):
                    self.unplaced.append(result_plan(answer, answer.by_table[0]))
                    continue
                for part in answer.by_table:
                    plans[part.table].append(result_plan(answer, part))
                continue
            for simulated in simulate_file(answer, simulations, refused):
                plans[simulated.source.table].append(file_plan(simulated))
        for table, planned in plans.items():
            yield table_plan(simulations[table], tuple(planned))

    @property
    def changed(self) -> list[ImportRow]:
        """Stored imports as the simulated files leave them, if they change them and leave their rows."""
        return [past for simulation in self._simulations.values() for past in simulation.changed]

    @property
    def simulated(self) -> Collection[TableName]:
        """The tables that the files may change."""
        return self._simulations.keys()

    @property
    def all(self) -> Sequence[TableSimulation]:
        """The simulations of all tables."""
        return tuple(self._simulations.values())

    def after(self, past: ImportRow) -> ImportRow | None:
        """Return an import as the simulated files leave it; None if they remove it."""
        simulation = self._simulations.get(past.table)
        return past if simulation is None else simulation.after(past)
