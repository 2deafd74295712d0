"""The companion of a keyed table or a snapshot in an undo: what depends on it, and its end with the last import.

An undo of the last import drops columns that the rule needs, and the rule with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pgdatahub.errors import UndoError
from pgdatahub.model.schema import DropColumn, DropTable, SchemaStep, TableSchema
from pgdatahub.postgres.history.inventory import count_rows
from pgdatahub.postgres.keyed.flag import made_flag
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.rekey import end_rule
from pgdatahub.postgres.tables import catalog
from pgdatahub.postgres.tables.dependents import Dependent, dependents
from pgdatahub.undo.plan import Refusal
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def ends_rule(rule: TableRule | None, steps: Iterable[SchemaStep]) -> bool:
    """Return whether the steps of an undo end the rule of their table."""
    return rule is not None and any(isinstance(step, DropColumn) and rule.needs(step.name) for step in steps)


def refuse_end(
    connection: Connection, current: TableSchema, rule: TableRule, found: Iterable[Dependent]
) -> Iterator[Refusal]:
    """Return the objects that depend on what is dropped with the rule: the companion and the flag.

    Args:
        connection: A connection in any transaction.
        current: The table.
        rule: Its rule.
        found: The objects that depend on the table.
    """
    of_companion = dependents(connection, rule.companion)
    for one in sorted({one.description for one in of_companion if not one.part_of_table}):
        yield Refusal(subject=str(rule.companion), reason=f"{one} depends on it", hint="drop that first")
    flag = made_flag(current, rule)
    for one in sorted({one.description for one in found if flag is not None and one.column == flag}):
        yield Refusal(subject=f"{rule.table}.{flag}", reason=f"{one} depends on it", hint="drop that first")


def refuse_changes(connection: Connection, rule: TableRule, steps: Iterable[SchemaStep]) -> Iterator[Refusal]:
    """Return the objects of users that block the steps of an undo in the companion, which stays."""
    beside = dependents(connection, rule.companion)
    for step in steps:
        if isinstance(step, DropTable):
            continue
        of_column = [one for one in beside if one.column == step.name]
        drops = isinstance(step, DropColumn)
        blocking = {one.description for one in of_column if (not one.part_of_table if drops else one.blocks_alter)}
        for one in sorted(blocking):
            yield Refusal(
                subject=f"{rule.companion}.{step.name}", reason=f"{one} depends on it", hint="drop that first"
            )


def describe_end(current: TableSchema, rule: TableRule) -> str:
    """Return the note that names what is dropped with the rule."""
    flag = made_flag(current, rule)
    dropped = str(rule.companion) if flag is None else f"{rule.companion} and the column {flag}"
    what = f"key ({', '.join(rule.rule.key)})" if rule.rule.is_merge else f"mode: {rule.rule.mode}"
    return f"no file of {rule.table} is left, so its {what} ends: drops {dropped}"


def end_after_undo(connection: Connection, history_schema: str, rule: TableRule) -> None:
    """End the rule of a table whose imports were all taken out.

    Raises:
        UndoError: The companion still has rows; the rows of their keys were deleted by hand.
    """
    left = count_rows(connection, rule.companion) if catalog.is_table(connection, rule.companion) else 0
    if left:
        raise UndoError(
            f"{count(left, 'row')} of no file {'is' if left == 1 else 'are'} in {rule.companion} only:"
            " a user deleted what replaced them",
            where=str(rule.table),
            hint=f"put them into {rule.table}, or delete them from {rule.companion}",
        )
    end_rule(connection, history_schema, rule)
