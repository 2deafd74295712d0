"""Another key for a loaded table, or none, as the settings of its folders say; in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.config.key_rule import KeyRule
from pgdatahub.errors import ConfigError, PgDataHubError, TransientDatabaseError, UndoError
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.inventory import count_rows
from pgdatahub.postgres.keyed.names import companion_name
from pgdatahub.postgres.keyed.rules import TableRule, find_rule
from pgdatahub.postgres.proofs.unknown_rows import find_unknown_rows
from pgdatahub.postgres.rekey import rekey as change_key
from pgdatahub.postgres.server.engine import transaction, translated_errors
from pgdatahub.postgres.tables import catalog
from pgdatahub.undo.execute import lock
from pgdatahub.undo.select import Choice, open_history
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.config.options import FolderOptions
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class RekeyPlan:
    """Plan of another key.

    Attributes:
        table: The table.
        old: The rule in force; None for a table of all rows.
        new: The rule of the settings.
        rows: The number of rows in the table now.
        beside: The number of rows in its companion now.
    """

    table: TableName
    old: KeyRule | None
    new: KeyRule | None
    rows: int
    beside: int

    @property
    def nothing(self) -> bool:
        """True if the table has the rule of the settings and needs no change."""
        return self.old is None and self.new is None

    @property
    def companion(self) -> TableName:
        """The companion that the table has under a rule."""
        return companion_name(self.table)


@dataclass(frozen=True, slots=True, kw_only=True)
class RekeyResult:
    """Result of another key.

    Attributes:
        destination: The database, without secrets.
        plan: The plan.
        done: False after a dry run or the user's no.
        rows: The number of rows in the table afterwards; after a dry run, as they would be.
        beside: The number of rows in its companion afterwards.
    """

    destination: str
    plan: RekeyPlan
    done: bool
    rows: int
    beside: int


class _DryRunError(Exception):
    """Signal that the transaction is to be rolled back."""


def rekey(
    config: Config,
    table: str,
    *,
    confirm: Callable[[RekeyPlan], bool] | None = None,
    dry_run: bool = False,
    reporter: Reporter | None = None,
) -> RekeyResult:
    """Give a loaded table the key of its folders' settings, change its key, or remove it.

    Also a table that has the key already is put in order: each key's greatest row comes into the table.

    Args:
        config: The settings.
        table: The table, as ``name`` or ``schema.name``.
        confirm: Called with the plan, with no transaction open; None goes on without asking.
        dry_run: Do everything and roll it back.
        reporter: Receives notices on the embedded server.

    Raises:
        ConfigError: The history does not know the table, or its folders have different settings.
        UndoError: The rows do not allow it; nothing was done.
        DatabaseError: The database does not answer.
    """
    with open_history(config, announcer(reporter)) as (database, history):
        with transaction(database.engine) as connection:
            history.ensure(connection)
            plan = _plan(connection, history, config, table)
        if plan.nothing:
            return RekeyResult(
                destination=database.description, plan=plan, done=False, rows=plan.rows, beside=plan.beside
            )
        if not dry_run and confirm is not None and not confirm(plan):
            return RekeyResult(
                destination=database.description, plan=plan, done=False, rows=plan.rows, beside=plan.beside
            )
        counts = plan.rows, plan.beside
        try:
            with transaction(database.engine) as connection:
                lock(connection, history, [Choice(table=plan.table, imports=())])
                now = _plan(connection, history, config, table)
                if confirm is not None and now != plan:
                    raise UndoError("the table changed after the plan was shown; nothing was done", hint="try again")
                counts = _carry_out(connection, history, now)
                if dry_run:
                    raise _DryRunError
        except _DryRunError:
            pass
        return RekeyResult(
            destination=database.description, plan=plan, done=not dry_run, rows=counts[0], beside=counts[1]
        )


def _carry_out(connection: Connection, history: History, plan: RekeyPlan) -> tuple[int, int]:
    """Change the key, and return the numbers of rows afterwards."""
    old = find_rule(connection, history.schema, plan.table)
    unknown = find_unknown_rows(connection, history, plan.table)
    if unknown is not None:
        raise UndoError(
            f"the table has {count(unknown.rows, 'row')} of imports that the history does not know, so they have no order",
            where=str(plan.table),
            hint="run --adopt, or delete them",
        )
    try:
        with translated_errors():
            new = change_key(connection, history, plan.table, old, plan.new)
    except (UndoError, TransientDatabaseError):
        raise
    except PgDataHubError as error:
        raise UndoError(f"nothing was done: {error.message}", where=error.where, hint=error.hint) from error
    return _counts(connection, plan.table, new)


def _counts(connection: Connection, table: TableName, rule: TableRule | None) -> tuple[int, int]:
    has_companion = rule is not None and catalog.is_table(connection, rule.companion)
    beside = count_rows(connection, rule.companion) if rule is not None and has_companion else 0
    return count_rows(connection, table), beside


def _plan(connection: Connection, history: History, config: Config, wanted: str) -> RekeyPlan:
    imports = [past for past in history.select_imports(connection) if wanted in (past.table.name, str(past.table))]
    tables = sorted({past.table for past in imports})
    if not tables:
        raise ConfigError(f"the history knows no table {wanted!r}", hint="pgdatahub status lists the tables")
    if len(tables) > 1:
        raise ConfigError(f"several schemas have a table {wanted!r}", hint=f"name one of {', '.join(map(str, tables))}")
    (table,) = tables
    if catalog.reflect(connection, table) is None:
        raise UndoError("the table is gone", where=str(table))
    rule = find_rule(connection, history.schema, table)
    if rule is not None and rule.table != table:
        raise ConfigError(f"{table} is the companion of {rule.table}", hint=f"pgdatahub rekey {rule.table.name}")
    rows, beside = _counts(connection, table, rule)
    old = None if rule is None else rule.rule
    return RekeyPlan(table=table, old=old, new=_wanted_rule(config, imports), rows=rows, beside=beside)


def _wanted_rule(config: Config, imports: list[ImportRow]) -> KeyRule | None:
    """Return the rule of the folders that the table's imports are from.

    Raises:
        ConfigError: The folders have different rules.
    """
    loaded = [past for past in imports if past.status == Status.LOADED] or imports
    found: dict[KeyRule | None, str] = {}
    for past in loaded:
        folder = past.identity.rpartition("/")[0]
        for options in _options_of(config.folders.options_for(folder.split("/")), past):
            found.setdefault(options.rule, folder)
    if len(found) > 1:
        places = "; ".join(f"{folder}: {rule.describe() if rule else 'mode: append'}" for rule, folder in found.items())
        raise ConfigError(
            f"the folders of the table have different settings: {places}", hint="set the same key for all"
        )
    return next(iter(found), None)


def _options_of(options: FolderOptions, past: ImportRow) -> Iterator[FolderOptions]:
    """Yield the options of a folder for the table of an import."""
    if not options.is_routed:
        yield options
        return
    for rule in options.rules:
        for entry in rule.entries:
            if not entry.skip and entry.table in (None, past.table.name):
                yield entry.options
