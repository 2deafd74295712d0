"""Simulation of one file with all its parts: none is loaded if one of them fails."""

from __future__ import annotations

from collections.abc import Mapping

from pgdatahub.errors import FileError
from pgdatahub.load.dedup import DedupDecision, decide
from pgdatahub.load.evolve import Evolution
from pgdatahub.load.skip_reasons import PLANNED_RUN
from pgdatahub.load.staging import Staged, StagedFile
from pgdatahub.model.schema import TableName
from pgdatahub.runs.plan_simulation import SimulatedFile, TableSimulation


def simulate_file(
    staged: StagedFile, simulations: Mapping[TableName, TableSimulation], refused: Mapping[TableName, FileError]
) -> list[SimulatedFile]:
    """Simulate loading a file, and return the result of each part.

    Args:
        staged: The file.
        simulations: The tables, which change only if all parts can be loaded.
        refused: The tables that no file can be loaded into, with the reason.
    """
    errors: dict[TableName, FileError] = {
        part.source.table: refused[part.source.table] for part in staged.parts if part.source.table in refused
    }
    decisions = _decisions(staged, simulations, errors)
    evolutions: dict[TableName, Evolution] = {}
    for part, found in zip(staged.parts, decisions, strict=True):
        table = part.source.table
        if found.skip is None and table not in errors:
            try:
                evolutions[table] = simulations[table].evolve(part, found)
            except FileError as error:
                errors[table] = error
    if errors:
        return [_failed(part, errors.get(part.source.table)) for part in staged.parts]
    results = []
    for part, found in zip(staged.parts, decisions, strict=True):
        simulation = simulations[part.source.table]
        if found.skip is None:
            results.append(simulation.take(part, found, evolutions[part.source.table]))
        else:
            simulation.settle(part.source, found, staged.file_sha256)
            results.append(SimulatedFile(source=part.source, staged=part, skip=found.skip))
    return results


def _decisions(
    staged: StagedFile, simulations: Mapping[TableName, TableSimulation], errors: dict[TableName, FileError]
) -> tuple[DedupDecision, ...]:
    """Return the decision on each part; add an error if there is none."""
    nothing = tuple(DedupDecision() for _ in staged.parts)
    if errors:
        return nothing
    try:
        facts = [
            simulations[part.source.table].facts(part.source, staged.file_sha256, part.content_sha256)
            for part in staged.parts
        ]
        return decide(facts, file_sha256=staged.file_sha256, run_id=PLANNED_RUN)
    except FileError as error:
        errors[staged.parts[0].source.table] = error
        return nothing


def _failed(part: Staged, error: FileError | None) -> SimulatedFile:
    if error is None:
        return SimulatedFile(source=part.source, staged=part, skip="another part of the file fails")
    return SimulatedFile(source=part.source, staged=part, error=error)
