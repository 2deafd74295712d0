"""The observed columns of an import in the JSON form of ``etl_imports.observed``.

A TEXT column does not show whether its ``1`` was a number; this record does, and so an undo can narrow the column
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pgdatahub.model.schema import TableName, TableSchema, observed_column
from pgdatahub.postgres.history.damaged_rows import JsonFormError, as_object, parsed
from pgdatahub.values.cells import Kind
from pgdatahub.values.evidence import NOTHING, Evidence, Observed
from pgdatahub.values.numbers import canonical_number, parse_number
from pgdatahub.values.sql_types import SqlType


def observed_to_json(observed: TableSchema) -> dict[str, Any]:
    """Return the observed columns of an import as JSON can hold them; integers beyond 2^53 as text."""
    return {
        column.name: {
            "header": column.header,
            "type": column.type.sql,
            "floor": column.configured_type.name,
            **_evidence_to_json(column.observed or NOTHING),
        }
        for column in observed.columns
    }


def _evidence_to_json(observed: Observed) -> dict[str, Any]:
    return {
        "largest": canonical_number(observed.largest).decode(),
        "largest_cell": observed.largest_cell,
        "evidence": {
            kind.value: {"count": evidence.count, "cell": evidence.cell, "sample": evidence.sample}
            for kind, evidence in observed.evidence.items()
        },
    }


def observed_in(table: TableName, row: Mapping[str, Any]) -> TableSchema:
    """Return the observed columns of a row of ``etl_imports`` with ``id``, ``observed`` and, if known, ``identity``.

    Raises:
        HistoryDamagedError: A user changed the row.
    """
    return parsed(row, "observed", lambda: _observed_from_json(table, row["observed"]))


def _observed_from_json(table: TableName, content: Any) -> TableSchema:
    columns = {name: as_object(column) for name, column in as_object(content).items()}
    return TableSchema(
        table=table,
        columns=tuple(
            observed_column(
                name=name,
                header=column["header"],
                configured_type=SqlType[column["floor"]],
                observed=Observed(
                    evidence={Kind(kind): _evidence(**evidence) for kind, evidence in column["evidence"].items()},
                    largest=int(parse_number(column["largest"].encode())),
                    largest_cell=column["largest_cell"],
                ),
            )
            for name, column in columns.items()
        ),
    )


def _evidence(*, count: int, cell: str, sample: str) -> Evidence:
    if not isinstance(count, int) or count < 0:
        raise JsonFormError(f"a count of its JSON is {count}")
    return Evidence(count=count, cell=cell, sample=sample)
