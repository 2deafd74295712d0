"""Sentences that explain schema changes, for plans, reports and logs."""

from __future__ import annotations

from pgdatahub.model.schema import AddColumn, AlterType, ColumnSchema, CreateTable, SchemaChange
from pgdatahub.values.counting import count
from pgdatahub.values.evidence import Evidence, Observed
from pgdatahub.values.sql_types import SqlType


def describe_change(change: SchemaChange, file: str | None = None) -> str:
    """Describe a schema change in one line.

    Args:
        change: The change.
        file: The name of the file that needs the change, to put before the deciding cell.
    """
    if isinstance(change, CreateTable):
        return f"new table with {count(len(change.columns), 'column')}"
    if isinstance(change, AddColumn):
        text = f"{change.column.name}: new column, {change.column.type.label}"
        reason = describe_type(change.column, file)
        return f"{text} because {reason}" if reason else text
    text = f"{change.name}: {change.old.label} → {change.new.label}"
    reason = describe_cause(change, file)
    return f"{text} because {reason}" if reason else text


def describe_cause(change: AlterType, file: str | None = None) -> str | None:
    """Describe the cell that forces a change of type, such as ``Sheet1!D17 is "n/a" (2 of 10,412 values)``."""
    evidence = deciding_evidence(change)
    if evidence is None or change.cause.observed is None:
        return None
    return _describe_evidence(evidence, change.cause.observed, file)


def describe_type(column: ColumnSchema, file: str | None = None) -> str | None:
    """Describe the cell that forces an observed column's type; None if all values are of one kind."""
    evidence = type_evidence(column)
    if evidence is None or column.observed is None:
        return None
    if evidence.count == column.observed.values and not evidence.is_largest:
        return None
    return _describe_evidence(evidence, column.observed, file)


def _describe_evidence(evidence: Evidence, observed: Observed, file: str | None) -> str:
    place = f"{file} › {evidence.cell}" if file else evidence.cell
    return f'{place} is "{evidence.sample}" ({_share(evidence, observed)})'


def _share(evidence: Evidence, observed: Observed) -> str:
    values = count(observed.values, "value")
    if evidence.is_largest and evidence.count > 1:
        return f"the largest of {evidence.count:,} integers"
    return f"{evidence.count:,} of {values}" if observed.values > 1 else "the only value"


def type_evidence(column: ColumnSchema) -> Evidence | None:
    """Return the evidence that forces an observed column's type; None if a setting gives the type, or no cell forces it."""
    if column.observed is None or column.configured_type is not SqlType.UNDECIDED:
        return None
    return column.observed.deciding(SqlType.UNDECIDED)


def deciding_evidence(change: AlterType) -> Evidence | None:
    """Return the evidence that forces a change of type; None if a setting forces the change."""
    if change.cause.observed is None:
        return None
    return change.cause.observed.deciding(change.old)
