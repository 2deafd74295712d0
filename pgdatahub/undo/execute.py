"""Execution of an undo plan, in the caller's transaction.

The caller makes the plan twice, once to show it and once under the locks, and executes only a plan that is still the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pgdatahub.errors import DatabaseError, PgDataHubError, PrivilegeError, UndoError
from pgdatahub.model.imports import ChangeRow, ChangeType, Status
from pgdatahub.model.schema import (
    DropColumn,
    DropTable,
    RestoreType,
    SchemaStep,
)
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.rules import TableRule, find_rule, forget_rule, record_xid, store_rule
from pgdatahub.postgres.keyed.undo import remove_imports
from pgdatahub.postgres.rows.import_rows import delete_rows
from pgdatahub.postgres.server.engine import translated_errors
from pgdatahub.postgres.tables import catalog, locks
from pgdatahub.postgres.tables.view_definitions import put_up, take_down
from pgdatahub.postgres.undo_ddl import carry_out
from pgdatahub.undo.companion import end_after_undo, ends_rule
from pgdatahub.undo.plan import UndoPlan
from pgdatahub.undo.select import Choice
from pgdatahub.undo.views import views_to_recreate
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def lock(connection: Connection, history: History, choices: Sequence[Choice]) -> None:
    """Take the locks of a load, in the same order; a wait for another load has no timeout, a wait for a query has one."""
    take_turns(connection, history, choices)
    locks.limit_lock_waits(connection)
    for choice in sorted(choices, key=lambda choice: locks.lock_key(choice.table)):
        if catalog.reflect(connection, choice.table) is not None:
            locks.lock_table(connection, choice.table)
            rule = find_rule(connection, history.schema, choice.table)
            if rule is not None and catalog.is_table(connection, rule.companion):
                locks.lock_table(connection, rule.companion)


def take_turns(connection: Connection, history: History, choices: Sequence[Choice]) -> None:
    """Wait for other loads of the files and into the tables: first the files that can have several tables."""
    identities = {past.identity for choice in choices for past in choice.imports if past.routing is not None}
    files = {locks.file_lock_key(history.schema, identity) for identity in identities}
    tables = {locks.lock_key(choice.table) for choice in choices}
    for key in (*sorted(files), *sorted(tables)):
        locks.wait_for_turn(connection, key)


def execute(connection: Connection, history: History, plan: UndoPlan) -> None:
    """Execute a plan that was made under the locks.

    Raises:
        UndoError: The server refused; the message has the reason.
        DatabaseError: The database takes no changes: it was lost, or is read-only or full.
    """
    moment = history.now(connection)
    try:
        with translated_errors():
            for one in plan.tables:
                _execute(connection, history, one, moment)
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # deferred foreign keys refuse here, not at COMMIT
    except UndoError:
        raise
    except PgDataHubError as error:
        if isinstance(error, DatabaseError) and not isinstance(error, PrivilegeError):
            raise
        where = error.where or str(plan.table)
        raise UndoError(f"nothing was undone: {error.message}", where=where, hint=error.hint) from error


def _execute(connection: Connection, history: History, plan: UndoPlan, moment: datetime) -> None:
    exists = catalog.reflect(connection, plan.table) is not None
    if plan.rule is not None and exists:
        _take_out(connection, history, plan, plan.rule, moment)
    elif plan.imports:
        for reverted in plan.imports:
            deleted = delete_rows(connection, reverted.past) if exists else 0
            if deleted != reverted.rows:
                raise UndoError(
                    f"{count(deleted, 'row', 'was', 'were')} deleted where {reverted.rows:,} were expected",
                    where=reverted.past.identity,
                )
        _mark(connection, history, plan, moment)
    if plan.steps:
        views = take_down(connection, views_to_recreate(connection, plan))
        locks.lock_table(connection, plan.table, exclusively=True)
        rule = plan.rule
        if rule is not None and ends_rule(rule, plan.steps):
            end_after_undo(connection, history.schema, rule)
            rule = None
        carry_out(connection, plan.table, plan.steps, rule=rule)
        if rule is not None:
            if any(isinstance(step, DropTable) for step in plan.steps):
                forget_rule(connection, history.schema, plan.table)
            else:
                _forget_columns(connection, history, rule, plan.steps)
        put_up(connection, views, plan.table)
        history.schema_changes.add_undone(connection, [_undone(step, plan, moment) for step in plan.steps])


def _take_out(connection: Connection, history: History, plan: UndoPlan, rule: TableRule, moment: datetime) -> None:
    """Revert imports of a keyed table or a snapshot: the greatest rows that remain take the places of their rows."""
    if not plan.imports:
        return
    # The order of what remains is that of the history without these imports.
    _mark(connection, history, plan, moment)
    going = [reverted.past for reverted in plan.imports]
    deleted = remove_imports(connection, history.imports, history.schema, rule, going, samples=plan.samples)
    if deleted != plan.rows:
        raise UndoError(
            f"{count(deleted, 'row', 'was', 'were')} deleted where {plan.rows:,} were expected", where=str(plan.table)
        )


def _forget_columns(connection: Connection, history: History, rule: TableRule, steps: Sequence[SchemaStep]) -> None:
    """Record that columns were dropped, and that this transaction may have rewritten rows."""
    dropped = {step.name for step in steps if isinstance(step, DropColumn)}
    columns = tuple(name for name in rule.columns if name not in dropped)
    store_rule(connection, history.schema, replace(rule, columns=columns))
    record_xid(connection, history.schema, rule.table)


def _mark(connection: Connection, history: History, plan: UndoPlan, moment: datetime) -> None:
    status = Status.HELD if plan.hold else Status.REVERTED
    history.mark(connection, [reverted.past.id for reverted in plan.imports], status, moment)


def _undone(step: SchemaStep, plan: UndoPlan, moment: datetime) -> ChangeRow:
    kind, column, old, new = ChangeType.DROP_TABLE, None, None, None
    if isinstance(step, DropColumn):
        kind, column, old = ChangeType.DROP_COLUMN, step.name, step.type
    elif isinstance(step, RestoreType):
        kind, column, old, new = ChangeType.RESTORE_TYPE, step.name, step.old.sql, step.new.sql
    return ChangeRow(
        id=0,
        table=plan.table,
        change_type=kind.value,
        column=column,
        old_type=old,
        new_type=new,
        source_file=", ".join(plan.source_files),
        changed_at=moment,
        import_id=plan.imports[0].past.id if len(plan.imports) == 1 else None,
        cell=None,
        sample=None,
    )
