"""Back to the beginning: what pgdatahub made goes, what it did not make is as if it had never come, history included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import UndoError
from pgdatahub.model.events import Notice, NullReporter, Reporter
from pgdatahub.model.schema import METADATA_TABLES, DropTable, TableName
from pgdatahub.postgres import locks
from pgdatahub.postgres.database import Database, open_database
from pgdatahub.postgres.ddl import lineage_index
from pgdatahub.postgres.dependents import dependents
from pgdatahub.postgres.dump import dump, find_dump_programs
from pgdatahub.postgres.engine import transaction
from pgdatahub.postgres.history import History
from pgdatahub.postgres.inventory import count_rows, database_name, take_inventory
from pgdatahub.postgres.undo_ddl import carry_out
from pgdatahub.runs.pause_file import remove_pause
from pgdatahub.undo.backup import backup_file
from pgdatahub.undo.check import make_plan
from pgdatahub.undo.execute import execute, lock
from pgdatahub.undo.plan import Refusal, UndoPlan, UndoRequest
from pgdatahub.undo.select import Choice

if TYPE_CHECKING:
    from pgdatahub.postgres.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetTable:
    """One table of a reset.

    Attributes:
        table: The table.
        rows: How many rows it has, counted.
        undo: What is taken back from it; None if it is dropped, since pgdatahub made it.
        refusals: Why it cannot be.
    """

    table: TableName
    rows: int
    undo: UndoPlan | None = None
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPlan:
    """What a reset does.

    Attributes:
        database: The database's name, to be typed by who agrees.
        destination: Where it is, without secrets.
        tables: The tables that the history names and that are there.
        history: The metadata tables go.
    """

    database: str
    destination: str
    tables: tuple[ResetTable, ...]
    history: bool

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """All that stands in the way."""
        return tuple(refusal for table in self.tables for refusal in table.refusals)

    @property
    def nothing(self) -> bool:
        """There is nothing to reset."""
        return not self.tables and not self.history


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetResult:
    """What a reset came to: done or not, and the backup if there is one."""

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
    """Drop the tables that pgdatahub made, take its rows back from others, and drop its history.

    Args:
        config: The settings.
        backup: First write all of these tables to a file in the state directory, and check it.
        confirm: Is asked, with no transaction open; without it nobody is asked.
        reporter: Is told of the embedded server.

    Raises:
        UndoError: Something stands in the way; nothing was done.
        DatabaseError: There is no database, or no program that can make the backup.
    """
    tell = reporter or NullReporter()
    with open_database(config, lambda line: tell(Notice(text=line))) as database:
        with transaction(database.engine, read_only=True) as connection:
            plan = _plan(connection, config, database)
        if plan.nothing:
            return ResetResult(plan=plan, done=False)
        _refuse(plan)
        if backup:
            # Before anybody is asked: whoever agrees does so because there will be a backup.
            find_dump_programs(database.server_version, config.pg_bindir)
            backup_file(config, plan.database)
        if confirm is not None and not confirm(plan):
            return ResetResult(plan=plan, done=False)
        with transaction(database.engine) as connection:
            for table in plan.tables:
                lock(connection, table.table)
            locks.wait_for_turn(connection, locks.metadata_lock_key(config.schema_name))
            now = _plan(connection, config, database)
            _refuse(now)
            if confirm is not None and now != plan:
                raise UndoError("the tables changed after they were shown; nothing was done", hint="try again")
            written = _write_backup(config, database, now) if backup else None
            _carry_out(connection, History(config.schema_name), now)
        remove_pause(config)
        return ResetResult(plan=now, done=True, backup=written)


def _plan(connection: Connection, config: Config, database: Database) -> ResetPlan:
    history = History(config.schema_name)
    known = history.exists(connection)
    inventories = take_inventory(connection, history) if known else ()
    return ResetPlan(
        database=database_name(connection),
        destination=database.description,
        tables=tuple(_plan_table(connection, history, one.table) for one in inventories if one.exists),
        history=known,
    )


def _plan_table(connection: Connection, history: History, table: TableName) -> ResetTable:
    rows = count_rows(connection, table)
    if history.provenance(connection, table).created:
        found = dependents(connection, table, own_index=lineage_index(table))
        others = sorted({one.description for one in found if not one.part_of_table})
        refusals = tuple(
            Refusal(subject=str(table), reason=f"{one} depends on it", hint="drop that first") for one in others
        )
        return ResetTable(table=table, rows=rows, refusals=refusals)
    choice = Choice(table=table, imports=tuple(history.select_imports(connection, table=table)))
    # A reset is asked for by name, so that rows changed by hand go with their import, and are said to.
    request = UndoRequest(rows=bool(choice.loaded), schema=True, force=True)
    plan = make_plan(connection, history, choice, request, warn_of_reload=False)
    return ResetTable(table=table, rows=rows, undo=plan, refusals=plan.refusals)


def _refuse(plan: ResetPlan) -> None:
    if plan.refusals:
        first, *others = plan.refusals
        reason = "; ".join([first.reason, *(f"{one.subject}: {one.reason}" for one in others)])
        raise UndoError(reason, where=first.subject, hint=first.hint)


def _write_backup(config: Config, database: Database, plan: ResetPlan) -> Path:
    file = backup_file(config, plan.database)
    metadata = [TableName(schema=config.schema_name, name=name) for name in METADATA_TABLES]
    programs = find_dump_programs(database.server_version, config.pg_bindir)
    # The tables are locked against changes, and pg_dump only reads.
    dump(database, [*(table.table for table in plan.tables), *metadata], file, programs)
    return file


def _carry_out(connection: Connection, history: History, plan: ResetPlan) -> None:
    for table in plan.tables:
        if table.undo is None:
            locks.lock_table(connection, table.table, exclusively=True)
            carry_out(connection, table.table, [DropTable()])
        else:
            execute(connection, history, table.undo)
    history.drop(connection)
