"""Reset of a database: drop the tables that pgdatahub made, revert its imports in other tables, drop its history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import ContentionError, UndoError
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.schema import QUARANTINE, DropTable, TableName
from pgdatahub.postgres.database import UNMADE, Database, is_unmade, open_database
from pgdatahub.postgres.dump import find_dump_programs
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.inventory import count_rows, database_name, take_inventory
from pgdatahub.postgres.keyed.rules import find_rule
from pgdatahub.postgres.rekey import drop_companions
from pgdatahub.postgres.server.engine import transaction, translated_errors
from pgdatahub.postgres.tables import catalog, locks
from pgdatahub.postgres.tables.ddl import import_index
from pgdatahub.postgres.tables.dependents import dependents
from pgdatahub.postgres.undo_ddl import carry_out
from pgdatahub.runs.pause_file import remove_pause
from pgdatahub.undo.backup import backup_file, metadata_tables, write_backup
from pgdatahub.undo.check import make_plan
from pgdatahub.undo.companion import end_after_undo
from pgdatahub.undo.execute import execute, lock
from pgdatahub.undo.move import imports_of_others
from pgdatahub.undo.plan import Refusal, UndoPlan, UndoRequest
from pgdatahub.undo.select import Choice

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetTable:
    """One table of a reset.

    Attributes:
        table: The table.
        rows: Number of its rows, counted.
        undo: Plan of the undo in the table; None if the table is dropped because pgdatahub made it.
        refusals: Reasons against the reset.
    """

    table: TableName
    rows: int
    undo: UndoPlan | None = None
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPlan:
    """Plan of a reset.

    Attributes:
        database: The database's name, which the user types to confirm.
        destination: Description of the database, without secrets.
        tables: The existing tables in the history.
        history: True if the metadata tables exist and are dropped.
        quarantined: Number of rows in ``etl_quarantine``: rows that were set aside, and those with emptied cells.
    """

    database: str
    destination: str
    tables: tuple[ResetTable, ...]
    history: bool
    quarantined: int = 0

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """All reasons against the reset."""
        return tuple(refusal for table in self.tables for refusal in table.refusals)

    @property
    def nothing(self) -> bool:
        """True if the plan changes nothing."""
        return not self.tables and not self.history


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetResult:
    """Result of a reset: the plan, done or not, and the backup."""

    plan: ResetPlan
    done: bool
    backup: Path | None = None


def reset(
    config: Config,
    *,
    backup: bool = False,
    confirm: Callable[[ResetPlan], bool] | None = None,
    reporter: Reporter | None = None,
) -> ResetResult:
    """Drop the tables that pgdatahub made, revert its imports in other tables, and drop its history.

    Args:
        config: The settings.
        backup: First write all of these tables to a file in the state directory, and check the file.
        confirm: Called with the plan, with no transaction open; None resets without asking.
        reporter: Receives notices on the embedded server.

    Raises:
        UndoError: The plan has refusals; nothing was done.
        DatabaseError: The database does not answer, or the program pg_dump is not found.
    """
    announce = announcer(reporter)
    if is_unmade(config, announce):
        return ResetResult(plan=ResetPlan(database="", destination=UNMADE, tables=(), history=False), done=False)
    with open_database(config, announce) as database:
        with transaction(database.engine, read_only=True) as connection:
            plan = _plan(connection, config, database)
        if plan.nothing:
            return ResetResult(plan=plan, done=False)
        _refuse(plan)
        if backup:
            # Before the user is asked, because the user agrees on condition of a backup.
            find_dump_programs(database.server_version, config.pg_bindir)
            backup_file(config, plan.database)
        if confirm is not None and not confirm(plan):
            return ResetResult(plan=plan, done=False)
        with transaction(database.engine) as connection:
            history = History(config.schema_name)
            lock(connection, history, [Choice(table=table.table, imports=()) for table in plan.tables])
            locks.wait_for_turn(connection, locks.metadata_lock_key(config.schema_name))
            locks.limit_lock_waits(connection)  # for queries of the tables that are dropped; the wait ended the limit
            now = _plan(connection, config, database)
            _refuse(now)
            if confirm is not None and now != plan:
                raise UndoError("the tables changed after they were shown; nothing was done", hint="try again")
            written = _write_backup(connection, config, database, now) if backup else None
            _carry_out(connection, history, now, metadata_tables(connection, config))
        remove_pause(config)
        return ResetResult(plan=now, done=True, backup=written)


def _plan(connection: Connection, config: Config, database: Database) -> ResetPlan:
    history = History(config.schema_name)
    known = history.exists(connection)
    if known and database.shared and imports_of_others(connection, config):
        raise UndoError(
            "the database also has files of other projects, since earlier versions shared it",
            where=database.address.database,
            hint="pgdatahub db move gives this project its own database, which reset can drop",
        )
    inventories = take_inventory(connection, history) if known else ()
    return ResetPlan(
        database=database_name(connection),
        destination=database.description,
        tables=tuple(_plan_table(connection, history, one.table) for one in inventories if one.exists),
        history=known,
        quarantined=_count_quarantined(connection, history),
    )


def _count_quarantined(connection: Connection, history: History) -> int:
    """Return the number of rows in ``etl_quarantine``, those of imports that are not loaded included."""
    if not history.quarantine.is_readable(connection):
        return 0
    return count_rows(connection, TableName(schema=history.schema, name=QUARANTINE))


def _plan_table(connection: Connection, history: History, table: TableName) -> ResetTable:
    rows = count_rows(connection, table)
    if history.schema_changes.provenance(connection, table).created:
        found = dependents(connection, table, own_indexes=[import_index(table)])
        rule = find_rule(connection, history.schema, table)
        if rule is not None and catalog.is_table(connection, rule.companion):
            rows += count_rows(connection, rule.companion)
            found = (*found, *dependents(connection, rule.companion))
        others = sorted({one.description for one in found if not one.part_of_table})
        refusals = tuple(
            Refusal(subject=str(table), reason=f"{one} depends on it", hint="drop that first") for one in others
        )
        return ResetTable(table=table, rows=rows, refusals=refusals)
    choice = Choice(table=table, imports=tuple(history.select_imports(connection, table=table)))
    # The user names the database to confirm, so rows changed by hand are deleted too, and the notes report them.
    request = UndoRequest(rows=bool(choice.loaded), schema=True, force=True)
    plan = make_plan(connection, history, choice, request, warn_of_reload=False)
    return ResetTable(table=table, rows=rows, undo=plan, refusals=plan.refusals)


def _refuse(plan: ResetPlan) -> None:
    if plan.refusals:
        first, *others = plan.refusals
        reason = "; ".join([first.reason, *(f"{one.subject}: {one.reason}" for one in others)])
        raise UndoError(reason, where=first.subject, hint=first.hint)


def _write_backup(connection: Connection, config: Config, database: Database, plan: ResetPlan) -> Path:
    file = backup_file(config, plan.database)
    # The tables are locked against changes; pg_dump only reads.
    write_backup(
        config, database, [*(table.table for table in plan.tables), *metadata_tables(connection, config)], file
    )
    return file


def _carry_out(connection: Connection, history: History, plan: ResetPlan, metadata: Sequence[TableName]) -> None:
    for dropped in (*(table.table for table in plan.tables if table.undo is None), *metadata):
        try:
            with translated_errors():
                locks.lock_table(connection, dropped, exclusively=True)
        except ContentionError as error:
            raise error.located(str(dropped)) from None
    for table in plan.tables:
        if table.undo is None:
            carry_out(connection, table.table, [DropTable()])
        else:
            execute(connection, history, table.undo)
            if table.undo.rule is not None:
                end_after_undo(connection, history.schema, table.undo.rule)
    drop_companions(connection, history.schema)
    history.drop(connection)
