"""Sentences about changes: why a column is what it is. Used by plans, reports and logs alike."""

from __future__ import annotations

from pgdatahub.inference import Evidence
from pgdatahub.schema import AddColumn, AlterType, CreateTable, SchemaChange


def describe_change(change: SchemaChange, file: str | None = None) -> str:
    """Return one line about a schema change.

    Args:
        change: The change.
        file: The name of the file that asks for it; named before the deciding cell if given.
    """
    if isinstance(change, CreateTable):
        return f"new table with {len(change.columns)} columns"
    if isinstance(change, AddColumn):
        return f"{change.column.name}: new column, {change.column.type.label}"
    text = f"{change.name}: {change.old.label} → {change.new.label}"
    reason = describe_cause(change, file)
    return f"{text} because {reason}" if reason else text


def describe_cause(change: AlterType, file: str | None = None) -> str | None:
    """Return what forces a change of type, such as ``Sheet1!D17 is "n/a" (2 of 10,412 values)``."""
    evidence = deciding_evidence(change)
    if evidence is None or change.cause.observed is None:
        return None
    place = f"{file} › {evidence.cell}" if file else evidence.cell
    return f'{place} is "{evidence.sample}" ({evidence.count:,} of {change.cause.observed.values:,} values)'


def deciding_evidence(change: AlterType) -> Evidence | None:
    """Return the cells that force a change of type; None where a setting does."""
    if change.cause.observed is None:
        return None
    return change.cause.observed.deciding(change.old)
