"""Verification of the tables against the history, import by import; nothing is written.

Each step reads only what the step before it left open:

1. One scan of a table counts the rows of each import, and finds those that nothing has written since the load
   (:mod:`pgdatahub.postgres.proofs.import_groups`). No value leaves the server.
2. The other imports' values are read, and their content hash is compared with that of the history.
3. An import with another hash may have its rows in another order, so the server compares the rows with the file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from pgdatahub.config import Config
from pgdatahub.errors import FileError, HistoryDamagedError, PgDataHubError, PrivilegeError, TransientDatabaseError
from pgdatahub.load.adoption.file_proof import FileProof, compare_with_file
from pgdatahub.load.adoption.restored_changes import lost_creation
from pgdatahub.load.adoption.stored_content import dropped_values, foreign_values, has_content
from pgdatahub.load.table_writer import ROWS_LEFT_OUT
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.imports import ImportRow, Provenance, Status
from pgdatahub.model.schema import RESERVED_COLUMNS, OpaqueType, TableName, TableSchema
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import UNMADE, Database, is_unmade, open_database
from pgdatahub.postgres.history.drift import gone_columns, retyped_columns
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.both import companion_of
from pgdatahub.postgres.keyed.rules import find_rule
from pgdatahub.postgres.proofs.import_groups import ImportFacts, ImportGroup, import_facts, version_of
from pgdatahub.postgres.proofs.import_state import UNREADABLE_HINT
from pgdatahub.postgres.proofs.lost_values import added_again, columns_with_values, emptied_column, provable_groups
from pgdatahub.postgres.proofs.unknown_rows import find_unknown_rows
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables import catalog
from pgdatahub.runs.verification.findings import (
    Findings,
    Waiting,
    changed_rows,
    changes_lost,
    column_gone,
    column_retyped,
    damaged_history,
    group_differences,
    other_hash,
    table_gone,
    unknown_import,
    values_gone,
    without_twins,
)
from pgdatahub.runs.verification.keys import keyed_differences
from pgdatahub.runs.verification.quarantine import check_quarantine, quarantine_differences
from pgdatahub.runs.verification.result import Difference, DifferenceKind, TableCheck, Unproved, Verification
from pgdatahub.runs.verification.tables import tables_to_check

Progress = Callable[[TableName], None]


def verify(
    config: Config,
    *,
    tables: Sequence[str] = (),
    every_value: bool = False,
    reporter: Reporter | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Compare the tables with the history.

    Args:
        config: The settings.
        tables: Only these tables; all by default.
        every_value: Read the values of all imports, also of those that nothing has written since their load.
        reporter: Receives notices on the embedded server.
        progress: Called with each table before it is read.

    Raises:
        ConfigError: The history does not know a table.
        DatabaseError: The database does not answer.
    """
    began = time.monotonic()
    announce = announcer(reporter)
    if is_unmade(config, announce):
        return Verification(destination=UNMADE)
    with open_database(config, announce) as database:
        checks = []
        for table in tables_to_check(database, config.schema_name, tables):
            if progress is not None:
                progress(table)
            checks.append(_TableVerifier(config, database, table, every_value=every_value).check())
        if not tables:
            checks += check_quarantine(config, database)
        return Verification(destination=database.description, tables=tuple(checks), seconds=time.monotonic() - began)


class _TableVerifier:
    """Verifier of one table."""

    def __init__(self, config: Config, database: Database, table: TableName, *, every_value: bool) -> None:
        self._config = config
        self._database = database
        self._table = table
        self._every_value = every_value
        self._history = History(config.schema_name)
        self._found = Findings()

    @cached_property
    def _stages(self) -> Stages:
        return Stages(create_plugin_manager())

    def check(self) -> TableCheck:
        """Return the result."""
        found = self._found
        try:
            with transaction(self._database.engine, read_only=True) as connection:
                current, left = self._compare_values(connection)
            for one in left:
                self._compare_file(one, current)
        except HistoryDamagedError as error:
            found.differences.append(damaged_history(error))
        except (FileError, PrivilegeError) as error:
            text = f"the table cannot be read: {error.message}"
            found.differences.append(Difference(kind=DifferenceKind.TABLE, text=text, hint=error.hint))
        order = list(DifferenceKind)
        return TableCheck(
            table=self._table,
            rows=found.rows,
            imports=found.imports,
            as_written=found.proofs["as written"],
            same_values=found.proofs["values"],
            same_file=found.proofs["file"],
            changing=found.proofs["changing"],
            unproved=tuple(found.unproved),
            differences=tuple(sorted(found.differences, key=lambda one: (order.index(one.kind), one.import_id or 0))),
        )

    def _compare_values(self, connection: Connection) -> tuple[TableSchema, list[Waiting]]:
        """Count the rows, and compare values with the content hashes; return the imports that only a file can prove."""
        found, history, table = self._found, self._history, self._table
        known = history.exists(connection)
        provenance = history.schema_changes.provenance(connection, table) if known else Provenance.of(())
        current = catalog.reflect(connection, table)
        if current is None:
            imports = history.select_imports(connection, table=table, statuses=(Status.LOADED,)) if known else []
            found.imports = len(imports)
            found.differences += table_gone(imports)
            return TableSchema(table=table, columns=()), []
        lost = [name for name in RESERVED_COLUMNS if name not in current.by_name]
        if lost:
            text = f"{' and '.join(lost)} was dropped, or renamed, by hand: no row tells its import"
            found.differences.append(Difference(kind=DifferenceKind.TABLE, text=text, hint=UNREADABLE_HINT))
            return current, []
        if not known:
            unknown = find_unknown_rows(connection, None, table)
            groups_without_history = unknown.groups if unknown is not None else ()
            found.rows = sum(group.rows for group in groups_without_history)
            found.differences += [unknown_import(group, history.schema) for group in groups_without_history]
            return current, []
        found.differences += quarantine_differences(connection, history, table)
        if not provenance.created and lost_creation(connection, history, current) is not None:
            found.differences.append(changes_lost(table))
        retyped = retyped_columns(connection, history, current, provenance)
        found.differences += [column_retyped(name, given, current) for name, given in retyped.items()]
        found.differences += map(column_gone, gone_columns(connection, history, current, provenance))
        rule = find_rule(connection, history.schema, table)
        found.differences += keyed_differences(connection, history.schema, rule)
        if any(one.kind is DifferenceKind.TABLE for one in found.differences):
            return current, []
        groups: list[tuple[ImportGroup, ImportRow]] = []
        told, twins = without_twins(provable_groups(connection, history, table))
        found.differences += twins
        added = added_again(connection, table)
        for group in told:
            found.rows += group.rows
            found.differences += group_differences(group, provenance, history.schema)
            past = group.past
            if past is None or past.status != Status.LOADED:
                continue
            found.imports += 1
            if group.is_original and not self._every_value and not added:
                found.proofs["as written"] += 1
            elif group.rows == past.row_count:
                groups.append((group, past))
        ids = [past.id for _, past in groups]
        facts, damage = import_facts(connection, history, table, ids, left_out=ROWS_LEFT_OUT)
        found.differences += [damaged_history(error) for error in damage.values()]
        waiting = [
            self._waiting(connection, group, past, facts[past.id], added) for group, past in groups if past.id in facts
        ]
        found.proofs["changing"] += len(groups) - len(waiting) - len(damage)
        return current, [one for one in waiting if not self._has_content(connection, one, current, provenance)]

    def _waiting(
        self, connection: Connection, group: ImportGroup, past: ImportRow, facts: ImportFacts, added: Mapping[str, bool]
    ) -> Waiting:
        names = columns_with_values(facts, added)
        if any(added[name] for name in names):
            group = replace(group, original=0)
        return Waiting(group=group, past=past, facts=facts, emptied=emptied_column(connection, past, names))

    def _has_content(self, connection: Connection, one: Waiting, current: TableSchema, provenance: Provenance) -> bool:
        """Compare an import by its content hash; return whether that settled it."""
        found, group, past, facts = self._found, one.group, one.past, one.facts
        if group.is_original and one.emptied is None and not self._every_value:
            found.proofs["as written"] += 1
            return True
        dropped = dropped_values(facts, current)
        if dropped:
            self._not_proved(group, past, f"its values in the dropped column {dropped[0]} are gone")
            return True
        foreign = foreign_values(connection, past, facts, current, provenance)
        if foreign:
            text = f"{foreign:,} of its rows {'has' if foreign == 1 else 'have'} values in columns that its file lacks"
            if not self._is_changing(connection, group, past):
                found.differences.append(changed_rows(past, text, rows=foreign))
            return True
        keyed = companion_of(connection, self._table) is not None  # its rows are not in the order of the file
        # Replayed rows come last in the table, and not in the file.
        in_order = not keyed and len(facts.sheets) == 1 and facts.complete and not past.replays
        if in_order and has_content(connection, self._history, past, facts, current):
            found.proofs["values"] += 1
            return True
        if self._is_changing(connection, group, past):
            return True
        if one.emptied is not None:
            found.differences.append(values_gone(past, one.emptied))
            return True
        if not facts.complete:
            self._not_proved(group, past, "a trigger left out rows of its file")
            return True
        return False

    def _compare_file(self, one: Waiting, current: TableSchema) -> None:
        """Compare an import with its file, and add the finding."""
        found, group, past, facts = self._found, one.group, one.past, one.facts
        triggers: tuple[str, ...] = ()
        try:
            with transaction(self._database.engine) as connection:
                triggers = catalog.row_triggers(connection, self._table)
                proof = compare_with_file(connection, past, current, self._stages, self._config)
                if proof.reason is not None and self._is_changing(connection, group, past):
                    return
        except TransientDatabaseError:
            raise
        except PgDataHubError as error:
            # Such as a standby, which takes no temporary table.
            proof = FileProof(compared=False, reason=f"the server cannot compare the file: {error.message}")
        if proof.other_hash:
            found.differences.append(other_hash(past))
        elif proof.reason is None:
            found.proofs["file"] += 1
        elif triggers:
            self._not_proved(group, past, f"triggers of the table may change values ({', '.join(triggers)})")
        elif proof.compared:
            found.differences.append(changed_rows(past, f"its rows are not those of its file: {proof.reason}"))
        elif group.others:
            text = f"{group.others:,} of its rows {'was' if group.others == 1 else 'were'} written later than the others; {proof.reason}, so no value was compared"
            found.differences.append(changed_rows(past, text, rows=group.others))
        elif past.replays:
            self._not_proved(group, past, f"rows of it came from the quarantine, and {proof.reason}")
        elif len(facts.sheets) != 1:
            reason = f"its rows, from several sheets, were written again after the load, and {proof.reason}"
            self._not_proved(group, past, reason)
        elif any(
            isinstance(column.type, OpaqueType) for column in current.columns if column.name in facts.observed.by_name
        ):
            self._not_proved(group, past, f"the table has types of its own, and {proof.reason}")
        elif not group.is_original:
            text = (
                "its rows were written again after the load, and their values, or only their order, are not those of the load; "
                f"{proof.reason}, so the two cannot be told apart"
            )
            found.differences.append(changed_rows(past, text))
        else:
            found.proofs["as written"] += 1

    def _not_proved(self, group: ImportGroup, past: ImportRow, reason: str) -> None:
        if group.is_original:
            self._found.proofs["as written"] += 1
        else:
            self._found.unproved.append(Unproved(import_id=past.id, file=past.identity, reason=reason))

    def _is_changing(self, connection: Connection, group: ImportGroup, past: ImportRow) -> bool:
        """Return whether another session changed an import since its rows were counted, and count it then."""
        changing = version_of(connection, self._history, past.id) != group.version
        self._found.proofs["changing"] += changing
        return changing
