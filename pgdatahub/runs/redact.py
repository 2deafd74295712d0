"""Removal of the values of cells from the history, as ``samples: false`` leaves them out of later entries."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from pgdatahub.config import Config
from pgdatahub.load.contracts.hidden_values import hidden_faults, hidden_hint, hidden_reason
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.faults import faults_to_json
from pgdatahub.model.schema import TableName, TableSchema
from pgdatahub.postgres.database import UNMADE, is_unmade, open_database
from pgdatahub.postgres.history.failures import Failures
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.known_tables import named_tables
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables.locks import metadata_lock_key, wait_for_turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """Result: the database, and the number of entries without values now."""

    destination: str
    imports: int = 0
    changes: int = 0
    failures: int = 0


def redact(config: Config, *, table: str | None = None, reporter: Reporter | None = None) -> Redaction:
    """Remove the values of cells from imports, schema changes and failures in the history; tables keep their rows.

    Args:
        config: The settings.
        table: Only the entries of this table, by name or by ``schema.name``, and failures in the folders of its files.
        reporter: Receives notices on the embedded server.

    Raises:
        ConfigError: The history knows no table of this name.
        DatabaseError: The database does not answer.
    """
    announce = announcer(reporter)
    if is_unmade(config, announce):
        return Redaction(destination=UNMADE)
    with open_database(config, announce) as database, transaction(database.engine) as connection:
        history = History(config.schema_name)
        if not history.exists(connection):
            return Redaction(destination=database.description)
        wait_for_turn(connection, metadata_lock_key(config.schema_name))
        failures = Failures(config.schema_name)
        imports = history.select_imports(connection)
        known = {past.table for past in imports}
        known |= {one.table for one in failures.select(connection) if one.table is not None}
        meant = known if table is None else named_tables([table], known)
        # A file of several tables fails as a whole, and its failure names none of them.
        folders = {_folder(past.identity) for past in imports if past.table in meant}
        return Redaction(
            destination=database.description,
            imports=sum(
                _redact_import(connection, history, past.table, past.id) for past in imports if past.table in meant
            ),
            changes=history.schema_changes.forget_samples(connection, meant, every=table is None),
            failures=_redact_failures(connection, failures, meant, folders, every=table is None),
        )


def _folder(identity: str) -> str:
    return identity.rpartition("/")[0]


def _redact_import(connection: Connection, history: History, table: TableName, import_id: int) -> bool:
    (observed,) = history.observed_by(connection, table, [import_id])
    columns = tuple(
        column if column.observed is None else replace(column, observed=column.observed.without_samples())
        for column in observed.columns
    )
    hidden = TableSchema(table=table, columns=columns)
    if hidden == observed:
        return False
    history.set_observed(connection, import_id, hidden)
    return True


def _redact_failures(
    connection: Connection,
    failures: Failures,
    tables: AbstractSet[TableName],
    folders: AbstractSet[str],
    *,
    every: bool,
) -> int:
    changed = 0
    for row in failures.select(connection):
        if not (every or row.table in tables or _folder(row.identity) in folders):
            continue
        faults = hidden_faults(row.faults)
        reason = hidden_reason(row.reason, row.kind, row.faults)
        hint = hidden_hint(row.hint, row.kind)
        if (faults, reason, hint) != (row.faults, row.reason, row.hint):
            failures.rewrite(connection, row.id, reason=reason, hint=hint, faults=faults_to_json(faults))
            changed += 1
    return changed
