"""Plan entries: tables, files and changes of a plan, built from the simulated files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from pgdatahub.load.results import failed
from pgdatahub.model.explain import deciding_evidence, describe_cause, describe_type, type_evidence
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult, Outcome, PartResult
from pgdatahub.model.schema import AddColumn, AlterType, ColumnSchema, CreateTable, SchemaChange, SchemaPlan
from pgdatahub.postgres.keyed.setup import render_rule
from pgdatahub.postgres.tables import catalog, ddl
from pgdatahub.runs.plans.result import FilePlan, PlannedChange, PlannedColumn, TablePlan
from pgdatahub.runs.plans.simulation import SimulatedFile, TableSimulation


def table_plan(simulation: TableSimulation, files: tuple[FilePlan, ...]) -> TablePlan:
    """Return the plan of a table whose files were simulated."""
    columns = simulation.current.columns if simulation.current is not None else ()
    connection, table = simulation.connection, simulation.table
    # A table whose rows are hidden from the role has no columns here.
    exists = simulation.stored is not None or (connection is not None and catalog.is_table(connection, table))
    size = catalog.table_bytes(connection, table) if connection is not None and exists else 0
    rewriting = [file for file in files if any(change.kind == "alter_type" for change in file.changes)]
    return TablePlan(
        table=str(table),
        exists=exists,
        bytes=size,
        rewritten=len(rewriting),
        columns=tuple(PlannedColumn(name=one.name, type=one.type.sql, label=one.type.label) for one in columns),
        files=files,
    )


def result_plan(result: FileResult, part: PartResult) -> FilePlan:
    """Return the plan of a file, for one table, that is skipped or fails before its simulation."""
    return FilePlan(
        file=result.source.identity,
        location=result.source.location,
        action="fail" if result.outcome is Outcome.FAILED else "skip",
        reason=part.reason,
        failure=result.failure,
        notices=result.notices,
        sheets_left_out=result.sheets_left_out,
    )


def file_plan(simulated: SimulatedFile) -> FilePlan:
    """Return the plan of a simulated file."""
    source, staged = simulated.source, simulated.staged
    file = FilePlan(file=source.identity, location=source.location, action="load", notices=simulated.notices)
    if staged is not None:
        file = replace(
            file,
            rows=staged.rows,
            sheets=staged.sheets,
            counts=staged.counts,
            examples=staged.examples,
            sheets_left_out=staged.sheets_left_out,
            quarantined=staged.quarantined,
            faults=staged.faults,
        )
    if simulated.error is not None:
        return replace(file, action="fail", failure=failed(source, simulated.error).failure)
    if simulated.skip is not None or simulated.plan is None:
        return replace(file, action="skip", reason=simulated.skip)
    return replace(
        file,
        changes=tuple(planned for change in simulated.plan.changes for planned in _planned(change, source)),
        statements=tuple(map(ddl.readable, _statements(simulated, simulated.plan))),
    )


def _statements(simulated: SimulatedFile, plan: SchemaPlan) -> list[ddl.Statement]:
    rule = simulated.source.options.rule
    if rule is None:
        return ddl.render(plan)
    further = render_rule(plan, rule, begins=simulated.begins_rule, own_index=simulated.own_index)
    return [*ddl.render(plan, indexes=False), *further]


def _planned(change: SchemaChange, source: SourceFile) -> Iterator[PlannedChange]:
    if isinstance(change, CreateTable):
        yield from (_planned_column("create_table", column, source) for column in change.columns)
    elif isinstance(change, AddColumn):
        yield _planned_column("add_column", change.column, source)
    else:
        yield _planned_type(change, source)


def _planned_column(
    kind: Literal["create_table", "add_column"], column: ColumnSchema, source: SourceFile
) -> PlannedChange:
    evidence = type_evidence(column)
    return PlannedChange(
        kind=kind,
        column=column.name,
        header=column.header,
        old=None,
        new=column.type.label,
        file=source.identity,
        because=describe_type(column, source.name),
        cell=evidence.cell if evidence else None,
        sample=evidence.sample if evidence else None,
        count=evidence.count if evidence else None,
        values=column.observed.values if column.observed else None,
    )


def _planned_type(change: AlterType, source: SourceFile) -> PlannedChange:
    evidence = deciding_evidence(change)
    return PlannedChange(
        kind="alter_type",
        column=change.name,
        header=change.cause.header,
        old=change.old.label,
        new=change.new.label,
        file=source.identity,
        because=describe_cause(change, source.name),
        cell=evidence.cell if evidence else None,
        sample=evidence.sample if evidence else None,
        count=evidence.count if evidence else None,
        values=change.cause.observed.values if change.cause.observed else None,
    )
