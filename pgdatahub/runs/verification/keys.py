"""Differences of a keyed table or a snapshot: damage of its two tables, and rows in the wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgdatahub.errors import SchemaError
from pgdatahub.postgres.keyed.intact import check_both
from pgdatahub.postgres.keyed.retyped import retyped
from pgdatahub.postgres.keyed.rows import count_misplaced
from pgdatahub.runs.verification.findings import misplaced_rows
from pgdatahub.runs.verification.result import Difference, DifferenceKind

if TYPE_CHECKING:
    from pgdatahub.postgres.keyed.rules import TableRule
    from pgdatahub.postgres.server.connection import Connection


def keyed_differences(connection: Connection, history_schema: str, rule: TableRule | None) -> Iterator[Difference]:
    """Yield the damage of a keyed table or its companion, else the difference of rows that should be in the table."""
    if rule is None:
        return
    try:
        rule = check_both(connection, rule)
    except SchemaError as error:
        yield Difference(kind=DifferenceKind.TABLE, text=error.message, hint=error.hint)
        return
    different = retyped(connection, rule.table, rule.companion)
    for one in different:
        yield Difference(
            kind=DifferenceKind.TABLE,
            text=f"the column {one.name} is {one.shown} in {rule.table} and {one.beside} in {rule.companion}: a user changed it",
            hint=f"the next load or revert gives {rule.companion} the type of {rule.table}",
        )
    if not different:
        yield from misplaced_rows(count_misplaced(connection, history_schema, rule), rule.companion)
