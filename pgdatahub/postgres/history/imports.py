"""The history of imports: queries of ``etl_imports``, and writes to it.

Rows change their status; they are never deleted. All functions run in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import COUNTED, ImportRecord, ImportRow, Status
from pgdatahub.model.schema import IMPORTS, METADATA_TABLES, TableName, TableSchema
from pgdatahub.postgres.history.change_history import ChangeHistory
from pgdatahub.postgres.history.damaged_rows import MOMENTS, readable_rows
from pgdatahub.postgres.history.file_names import file_parameters, of_file
from pgdatahub.postgres.history.file_queries import (
    FileFacts,
    LockedTable,
    PartKey,
    ask,
    lock_and_reflect,
)
from pgdatahub.postgres.history.history_inserts import add_import
from pgdatahub.postgres.history.import_columns import import_row, selected_columns
from pgdatahub.postgres.history.import_record import import_values
from pgdatahub.postgres.history.metadata_setup import Extent, ensure_tables
from pgdatahub.postgres.history.observed_json import observed_in, observed_to_json
from pgdatahub.postgres.history.quarantine import Quarantine
from pgdatahub.postgres.history.replays import Replays
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.server_encoding import check_path, fitted, storable

if TYPE_CHECKING:
    from typing_extensions import LiteralString

__all__ = ["History", "ImportRow"]


class History:
    """The metadata tables of one schema.

    Args:
        schema: The schema of the tables.
    """

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self.name = TableName(schema=schema, name=IMPORTS)
        self.imports = sql.Identifier(schema, IMPORTS)
        self.schema_changes = ChangeHistory(schema)
        self.quarantine = Quarantine(schema)
        self.replays = Replays(schema)
        self.missing: frozenset[str] = frozenset()
        """The columns that tables of an older version lack; :meth:`exists` finds out."""

    def ensure(self, connection: Connection, announce: Callable[[str], None] | None = None) -> None:
        """Create what is missing: schema, tables and indexes; ``announce`` receives a line if that takes a while."""
        ensure_tables(connection, self.schema, announce)

    def exists(self, connection: Connection) -> bool:
        """Return whether the tables exist; afterwards, tables of an older version can be read.

        Raises:
            HistoryDamagedError: A user changed one of the tables.
        """
        extent = Extent.of(connection, self.schema)
        extent.check(self.schema)
        if IMPORTS not in extent.tables:
            return False
        self.missing = extent.missing
        return True

    def drop(self, connection: Connection) -> None:
        """Drop the tables; only for a reset."""
        foreign = Extent.of(connection, self.schema).foreign  # a user's table, in the database of an earlier version
        names = [name for name in METADATA_TABLES if name not in foreign]
        tables = sql.SQL(", ").join(sql.Identifier(self.schema, name) for name in names)
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(tables))

    # ── imports ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def select_imports(
        self,
        connection: Connection,
        *,
        table: TableName | None = None,
        statuses: Collection[Status] = (),
        identity: str | None = None,
        ids: Collection[int] | None = None,
        sizes: Collection[int] | None = None,
        hash_prefix: str | None = None,
        file_tail: str | None = None,
        since: datetime | None = None,
        run_id: str | None = None,
    ) -> list[ImportRow]:
        """Return imports, oldest first; each given condition narrows them.

        Args:
            connection: A connection in any transaction.
            table: Into this table.
            statuses: With one of these statuses; any by default.
            identity: Of the file at this path below the data root.
            ids: With one of these ids.
            sizes: Of files of one of these sizes, in bytes.
            hash_prefix: With a SHA-256 that begins with this prefix.
            file_tail: With this ``source_file``, or one that ends with it after a ``/``.
            since: Imported at this time or later, UTC.
            run_id: By this run.
        """
        named = [path for path in (file_tail, identity) if path is not None]
        if len(storable(connection, named)) < len(named):
            return []
        is_whole = file_tail is not None and file_tail.startswith("/")
        # An array is one parameter. A statement takes at most 65,535 parameters, and a folder may have more files.
        conditions = {
            "i.table_schema = %(schema)s AND i.table_name = %(name)s": table is not None,
            "i.status = ANY (%(statuses)s)": bool(statuses),
            "i.identity = %(identity)s": identity is not None,
            "i.run_id = %(run_id)s": run_id is not None,
            "i.id = ANY (%(ids)s)": ids is not None,
            "i.bytes = ANY (%(sizes)s)": sizes is not None,
            "starts_with(i.file_sha256, %(prefix)s)": hash_prefix is not None,
            # An absolute path is found by its index; the end of a path takes a scan.
            "i.source_file = %(file)s": is_whole,
            of_file("i.source_file"): file_tail is not None and not is_whole,
            "i.imported_at >= %(since)s": since is not None,
        }
        values = {
            "schema": table.schema if table is not None else None,
            "name": table.name if table is not None else None,
            "statuses": [status.value for status in statuses],
            "identity": identity,
            "run_id": run_id,
            "ids": list(ids or ()),
            "sizes": list(sizes or ()),
            "prefix": hash_prefix,
            **file_parameters(file_tail),
            "since": since,
        }
        given = [condition for condition, applies in conditions.items() if applies]
        return self.select_where(connection, " AND ".join(given) or "true", values)

    def select_where(
        self,
        connection: Connection,
        condition: LiteralString,
        values: Mapping[str, Any],
        *,
        leave_out_damaged: bool = False,
    ) -> list[ImportRow]:
        """Return the imports ``i`` under a condition that this module wrote, oldest first.

        Args:
            connection: A connection in any transaction.
            condition: The condition.
            values: Its parameters.
            leave_out_damaged: Leave out rows that a user changed; the caller is not the last to look for them.

        Raises:
            HistoryDamagedError: A user changed one of the rows.
        """
        query = sql.SQL("SELECT {} FROM {} i WHERE {} ORDER BY i.id").format(
            selected_columns(self.missing), self.imports, sql.SQL(condition)
        )
        return list(self.read_rows(connection, connection.execute(query, values), leave_out_damaged=leave_out_damaged))

    def read_rows(
        self, connection: Connection, rows: Iterable[Any], *, leave_out_damaged: bool = False
    ) -> Iterator[ImportRow]:
        """Yield imports from rows with the columns that :func:`selected_columns` names; as :meth:`select_where`."""
        for row in readable_rows(connection, rows, self.name, MOMENTS):
            with suppress(HistoryDamagedError) if leave_out_damaged else nullcontext():
                yield import_row(row._asdict())

    def tables_with_rows(self, connection: Connection) -> frozenset[TableName]:
        """Return the tables that have rows of an import."""
        query = sql.SQL("SELECT DISTINCT table_schema, table_name FROM {} WHERE status = {}").format(
            self.imports, Status.LOADED.value
        )
        return frozenset(TableName(schema=row[0], name=row[1]) for row in connection.execute(query))

    def loaded(self, connection: Connection) -> Iterator[ImportRow]:
        """Yield the imports whose rows are in their tables now."""
        yield from self.select_imports(connection, statuses=(Status.LOADED,))

    def facts(
        self,
        connection: Connection,
        source: SourceFile,
        parts: Sequence[PartKey],
        *,
        file_sha256: str,
        turns: Collection[int] = (),
        statuses: Collection[Status] = COUNTED,
    ) -> list[FileFacts]:
        """Return the facts about each part of a file; see :func:`~pgdatahub.postgres.history.file_queries.ask`.

        Raises:
            LoadError: The database's encoding cannot hold the path of the file.
        """
        check_path(connection, source.location)
        own = partial(ask, connection, self.schema, parts, statuses=statuses, missing=self.missing)
        facts = own(identity=source.identity, file_sha256=file_sha256, turns=turns)
        for origin in source.origins:  # rarely any, and so not in the query about the file itself
            check_path(connection, origin.identity)
            further = own(identity=origin.identity, file_sha256=origin.sha256)
            facts = [one.with_imports(more.related) for one, more in zip(facts, further, strict=True)]
        return facts

    def lock_and_reflect(self, connection: Connection, table: TableName, *, wait: bool = True) -> LockedTable | None:
        """Lock a table and return its columns; see :func:`~pgdatahub.postgres.history.file_queries.lock_and_reflect`."""
        return lock_and_reflect(connection, self.schema, table, wait=wait)

    def has_import(self, connection: Connection, table: TableName, source_file: str, moment: datetime) -> bool:
        """Return whether rows with this file and time belong to a loaded import."""
        query = sql.SQL("""
            SELECT EXISTS (SELECT FROM {} WHERE table_schema = %s AND table_name = %s AND imported_at = %s
                              AND source_file = %s AND status = %s)
        """).format(self.imports)
        return bool(connection.scalar(query, (table.schema, table.name, moment, source_file, Status.LOADED.value)))

    def of_identity(self, connection: Connection, table: TableName, identity: str) -> list[ImportRow]:
        """Return the loaded imports of the file that is at ``identity``, oldest first."""
        return self.select_imports(connection, table=table, statuses=(Status.LOADED,), identity=identity)

    def observed(self, connection: Connection, table: TableName, *, without: Collection[int] = ()) -> list[TableSchema]:
        """Return the observed columns of each loaded import of ``table``, except the imports in ``without``."""
        condition = "status = %(loaded)s AND NOT id = ANY (%(ids)s)"
        return self._observed(connection, table, condition, without)

    def observed_by(self, connection: Connection, table: TableName, ids: Collection[int]) -> list[TableSchema]:
        """Return the observed columns of the imports with these ids, in any status."""
        return self._observed(connection, table, "id = ANY (%(ids)s)", ids)

    def _observed(
        self, connection: Connection, table: TableName, condition: LiteralString, ids: Collection[int]
    ) -> list[TableSchema]:
        query = sql.SQL(
            "SELECT id, identity, observed FROM {} WHERE table_schema = %(schema)s AND table_name = %(name)s AND {}"
        ).format(self.imports, sql.SQL(condition))
        values = {"schema": table.schema, "name": table.name, "ids": list(ids), "loaded": Status.LOADED.value}
        return [observed_in(table, row._asdict()) for row in connection.execute(query, values)]

    def now(self, connection: Connection) -> datetime:
        """Return the server's time, UTC."""
        now: datetime = connection.scalar("SELECT timezone('UTC', clock_timestamp())")
        return now

    def add(self, connection: Connection, record: ImportRecord) -> None:
        """Add the record of an import and of its schema changes."""
        row = import_values(connection, record)
        changes = record.plan.changes
        import_id = add_import(connection, self.schema, row, returning=bool(changes) or record.layout is not None)
        if import_id is not None:
            self.schema_changes.add(connection, record.source, record.imported_at, import_id, changes)
            if record.layout is not None:
                self.quarantine.add(connection, import_id, record.aside)

    def set_observed(self, connection: Connection, import_id: int, observed: TableSchema) -> None:
        """Replace the observed columns of an import; only to remove the values of cells."""
        value = fitted(connection, observed_to_json(observed))
        self.update(connection, [import_id], {"observed": Jsonb(value, dumps=partial(json.dumps, ensure_ascii=False))})

    def mark(self, connection: Connection, ids: Collection[int], status: Status, moment: datetime) -> None:
        """Record that the rows of some imports left their table; those that were set aside leave too."""
        self.quarantine.delete(connection, ids)
        self.update(connection, ids, {"status": status.value, "reverted_at": moment})

    def update(self, connection: Connection, ids: Collection[int], values: Mapping[str, Any]) -> None:
        """Set columns of some imports."""
        settings = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values]
        query = sql.SQL("UPDATE {} SET {} WHERE id = ANY (%(ids)s)").format(self.imports, sql.SQL(", ").join(settings))
        connection.execute(query, {**values, "ids": list(ids)})

    def forget(self, connection: Connection, ids: Collection[int]) -> None:
        """Delete imports, and the schema changes of tables without imports; only for ``db move``."""
        connection.execute(sql.SQL("DELETE FROM {} WHERE id = ANY (%s)").format(self.imports), [list(ids)])
        query = sql.SQL("""
            DELETE FROM {changes} c WHERE NOT EXISTS (
                SELECT FROM {imports} i WHERE (i.table_schema, i.table_name) = (c.table_schema, c.table_name))
               AND to_regclass(format('%%I.%%I', c.table_schema, c.table_name)) IS NULL
        """).format(changes=self.schema_changes.table, imports=self.imports)
        connection.execute(query, [])

    def release(self, connection: Connection, ids: Collection[int]) -> None:
        """Release the files of held imports, so that they can be loaded again."""
        if not ids:
            return  # the usual case, and the statement would find no row
        query = sql.SQL("UPDATE {} SET status = %s WHERE id = ANY (%s) AND status = %s").format(self.imports)
        connection.execute(query, (Status.REVERTED.value, list(ids), Status.HELD.value))
