"""Simulation of one file with all its parts: none is loaded if one of them fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pgdatahub.errors import FileError
from pgdatahub.load.evolve import Evolution
from pgdatahub.load.known.dedup import decide, decide_gone
from pgdatahub.load.known.dedup_facts import DedupDecision, PartFacts
from pgdatahub.load.known.skip_reasons import PLANNED_RUN
from pgdatahub.load.staging.staged_file import StagedFile
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.part_rows import imports_elsewhere
from pgdatahub.runs.plans.simulation import SimulatedFile, TableSimulation


def simulate_file(
    staged: StagedFile, simulations: Mapping[TableName, TableSimulation], refused: Mapping[TableName, FileError]
) -> list[SimulatedFile]:
    """Simulate loading a file, and return the result of each part.

    Args:
        staged: The file.
        simulations: The tables, which change only if all parts can be loaded.
        refused: The tables that no file can be loaded into, with the reason.
    """
    return _FileSimulation(staged=staged, simulations=simulations, refused=refused).run()


@dataclass(slots=True, kw_only=True)
class _FileSimulation:
    staged: StagedFile
    simulations: Mapping[TableName, TableSimulation]
    refused: Mapping[TableName, FileError]
    errors: dict[TableName, FileError] = field(default_factory=dict)
    _gone: list[tuple[SourceFile, DedupDecision]] = field(default_factory=list)

    def run(self) -> list[SimulatedFile]:
        staged = self.staged
        parts = {part.source.table: part for part in staged.parts}
        sources = {one.table: one for one in (*staged.known, *(part.source for part in staged.parts))}
        self.errors = {table: self.refused[table] for table in parts if table in self.refused}
        decisions: dict[TableName, DedupDecision] = {}
        if not self.errors:
            decisions = self._decide(sources)
        evolutions: dict[TableName, Evolution] = {}
        for table, found in decisions.items():
            if found.skip is None and table in parts:
                try:
                    evolutions[table] = self.simulations[table].evolve(parts[table], found)
                except FileError as error:
                    self.errors[table] = error
        if self.errors:
            return [
                SimulatedFile(
                    source=sources[table],
                    staged=parts.get(table),
                    error=self.errors.get(table),
                    skip=None if table in self.errors else "another part of the file fails",
                )
                for table in staged.order
            ]
        results = []
        for table, found in decisions.items():
            simulation = self.simulations[table]
            if table in evolutions:
                results.append(simulation.take(parts[table], found, evolutions[table]))
            else:
                simulation.settle(sources[table], found, staged.file_sha256)
                results.append(SimulatedFile(source=sources[table], staged=parts.get(table), skip=found.skip))
        notices = (*staged.notices, *self._settle_gone())
        first = next((index for index, one in enumerate(results) if one.plan is not None), None)
        if first is not None:
            results[first] = replace(results[first], notices=(*notices, *results[first].notices))
        return results

    def _decide(self, sources: Mapping[TableName, SourceFile]) -> dict[TableName, DedupDecision]:
        """Return the decision on each part; add an error if there is none."""
        staged = self.staged
        contents = {part.source.table: part.content_sha256 for part in staged.parts}
        try:
            facts: list[PartFacts] = [
                self.simulations[table].facts(sources[table], staged.file_sha256, contents.get(table))
                for table in staged.order
            ]
            self._gone = self._decide_gone()
            decisions = decide(
                facts,
                file_sha256=staged.file_sha256,
                run_id=PLANNED_RUN,
                routing=staged.source.routing,
                tables=staged.tables,
            )
        except FileError as error:
            self.errors[staged.order[0]] = error
            return {}
        return dict(zip(staged.order, decisions, strict=True))

    def _decide_gone(self) -> list[tuple[SourceFile, DedupDecision]]:
        """Return the tables in which the file has imports and no part any more, with the decision on each."""
        source = self.staged.source
        some = self.simulations[self.staged.order[0]]
        if not (source.routing or source.leaves) or some.connection is None or some.history is None:
            return []
        elsewhere: dict[TableName, list[ImportRow]] = {}
        for past in imports_elsewhere(some.connection, some.history, source, self.staged.tables):
            elsewhere.setdefault(past.table, []).append(past)
        return [
            (there, decide_gone(there, elsewhere[there.table], file_sha256=self.staged.file_sha256))
            for there in (replace(source, table=table) for table in elsewhere)
        ]

    def _settle_gone(self) -> list[str]:
        """Simulate the tables that the file left, and return notices."""
        for there, decision in self._gone:
            if there.table in self.simulations:
                self.simulations[there.table].settle(there, decision, self.staged.file_sha256)
        return [decision.notice for _, decision in self._gone if decision.notice]
