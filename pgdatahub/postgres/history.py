"""The history: queries of ``etl_imports`` and ``etl_schema_changes``, and writes to them.

Rows change their status; they are never deleted. All functions run in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.model.explain import deciding_evidence, type_evidence
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import (
    COUNTED,
    LEFT_OUT,
    ChangeRow,
    ChangeType,
    Duplicate,
    ImportRecord,
    ImportRow,
    Provenance,
    Status,
)
from pgdatahub.model.schema import (
    METADATA_TABLES,
    AddColumn,
    ColumnSchema,
    CreateTable,
    SchemaChange,
    TableName,
    TableSchema,
)
from pgdatahub.postgres import catalog
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.file_queries import (
    ADDED_COLUMNS,
    CHANGES,
    IMPORTS,
    FileFacts,
    LockedTable,
    add_changes,
    add_import,
    ask,
    duplicate_to_json,
    lock_and_reflect,
    past_columns,
    past_import,
)
from pgdatahub.postgres.locks import metadata_lock_key, wait_for_turn
from pgdatahub.postgres.metadata import create_tables
from pgdatahub.postgres.observed_json import observed_from_json, observed_to_json
from pgdatahub.postgres.server_encoding import check_path, fitted
from pgdatahub.values.evidence import Evidence

if TYPE_CHECKING:
    from typing_extensions import LiteralString

__all__ = ["History", "ImportRow"]

_CHANGED_FILES = sql.SQL("""
    SELECT table_schema, table_name, identity
      FROM (SELECT table_schema, table_name, identity, id FROM {imports} WHERE status = ANY ({counted})
             UNION ALL
            SELECT table_schema, table_name, entry ->> 'identity', id
              FROM {imports}, jsonb_array_elements(duplicates) entry
             WHERE status = ANY ({counted}) AND duplicates <> '[]'::jsonb) files
  GROUP BY 1, 2, 3 HAVING count(DISTINCT id) > 1
""")


_OLDER_TABLES = sql.SQL("""
    SELECT i.table_schema, i.table_name, count(*), (array_agg(identity ORDER BY id))[1:3]
      FROM {imports} i JOIN unnest(%s::text[], %s::text[]) wanted(schema, name)
        ON (i.table_schema, i.table_name) = (wanted.schema, wanted.name)
     WHERE {reading} < {highest} AND {reading} < {version} AND status = {loaded}
     GROUP BY 1, 2
""")
_OLDER_READINGS = sql.SQL("""
    SELECT {past}, ARRAY (SELECT jsonb_object_keys(i.observed)) AS names FROM {imports} i
     WHERE table_schema = %(schema)s AND table_name = %(name)s AND {reading} < {highest} AND {reading} < {version} AND status = {loaded}
       AND row_count = %(rows)s
       AND NOT EXISTS (SELECT FROM {imports} known
                        WHERE known.table_schema = %(schema)s AND known.table_name = %(name)s
                          AND known.content_sha256 = %(content)s AND known.status = ANY ({counted}))
     ORDER BY id
""")


def _version_now(versions: Mapping[str, int]) -> sql.Composed:
    """Return the current version of the reading rules for the file of an import ``i``."""
    cases = [sql.SQL("WHEN {} THEN {}").format(suffix, version) for suffix, version in versions.items()]
    return sql.SQL("CASE lower(substring(i.identity FROM '[.][^./]*$')) {} ELSE 0 END").format(sql.SQL(" ").join(cases))


class History:
    """The metadata tables of one schema.

    Args:
        schema: The schema of the tables.
    """

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self.imports = sql.Identifier(schema, IMPORTS)
        self.changes = sql.Identifier(schema, CHANGES)
        self._older = False

    def ensure(self, connection: Connection) -> None:
        """Create the schema and the tables if they are missing; safe when several processes begin at once."""
        if self._complete(connection):
            return  # as in every run but the first; the rest takes as long as all other work before a file
        wait_for_turn(connection, metadata_lock_key(self.schema))
        # Even with IF NOT EXISTS, the server requires the right to create schemas.
        if not connection.scalar("SELECT count(*) FROM pg_namespace WHERE nspname = %(name)s", {"name": self.schema}):
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self.schema)))
        connection.execute(create_tables(self.schema))

    def _complete(self, connection: Connection) -> bool:
        query = """
            SELECT count(DISTINCT c.oid) = %(tables)s AND count(a.attname) = %(columns)s
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
                                 AND c.relname = %(imports)s AND a.attname = ANY (%(added)s)
             WHERE n.nspname = %(schema)s AND c.relname = ANY (%(names)s)
        """
        names = list(METADATA_TABLES)
        values = {"schema": self.schema, "names": names, "tables": len(names), "imports": IMPORTS}
        values |= {"added": list(ADDED_COLUMNS), "columns": len(ADDED_COLUMNS)}
        return bool(connection.scalar(query, values))

    def exists(self, connection: Connection) -> bool:
        """Return whether the tables exist; afterwards, tables of an older version can be read."""
        if not catalog.is_table(connection, TableName(schema=self.schema, name=IMPORTS)):
            return False
        self._older = not self._complete(connection)
        return True

    def drop(self, connection: Connection) -> None:
        """Drop the tables; only for a reset."""
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}, {}").format(self.imports, self.changes))

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
        # An array is one parameter. A statement takes at most 65,535 parameters, and a folder may have more files.
        conditions = {
            "i.table_schema = %(schema)s AND i.table_name = %(name)s": table is not None,
            "i.status = ANY (%(statuses)s)": bool(statuses),
            "i.identity = %(identity)s": identity is not None,
            "i.run_id = %(run_id)s": run_id is not None,
            "i.id = ANY (%(ids)s)": ids is not None,
            "i.bytes = ANY (%(sizes)s)": sizes is not None,
            "starts_with(i.file_sha256, %(prefix)s)": hash_prefix is not None,
            "(i.source_file = %(file)s OR right(i.source_file, length(%(tail)s)) = %(tail)s)": file_tail is not None,
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
            "file": file_tail,
            "tail": f"/{file_tail}",
            "since": since,
        }
        given = [condition for condition, applies in conditions.items() if applies]
        return self._select(connection, " AND ".join(given) or "true", values)

    def _select(self, connection: Connection, condition: LiteralString, values: Mapping[str, Any]) -> list[ImportRow]:
        """Return the imports ``i`` under a condition that this module wrote, oldest first."""
        query = sql.SQL("SELECT {} FROM {} i WHERE {} ORDER BY i.id").format(
            past_columns(older=self._older), self.imports, sql.SQL(condition)
        )
        return [past_import(row._asdict()) for row in connection.execute(query, values)]

    def tables_with_rows(self, connection: Connection) -> frozenset[TableName]:
        """Return the tables that have rows of an import."""
        query = sql.SQL("SELECT DISTINCT table_schema, table_name FROM {} WHERE status = {}").format(
            self.imports, Status.LOADED.value
        )
        return frozenset(TableName(schema=row[0], name=row[1]) for row in connection.execute(query))

    def loaded(self, connection: Connection) -> Iterator[ImportRow]:
        """Yield the imports whose rows are in their tables now."""
        yield from self.select_imports(connection, statuses=(Status.LOADED,))

    def known(self, connection: Connection, files: Sequence[SourceFile]) -> list[ImportRow]:
        """Return the imports whose bytes files may have, as far as their sizes tell, oldest first."""
        values = {
            "sizes": list({source.size for source in files}),
            "counted": [status.value for status in COUNTED],
        }
        duplicated = "" if self._older else " OR i.duplicates <> '[]'::jsonb"
        return self._select(
            connection, f"i.status = ANY (%(counted)s) AND (i.bytes = ANY (%(sizes)s){duplicated})", values
        )

    def changed_files(self, connection: Connection, tables: Collection[TableName]) -> set[tuple[TableName, str]]:
        """Return the table and identity of each file with several contents in its table.

        A folder has such files if it adds a changed file to its older rows; a folder that replaces has none.
        """
        if not tables or self._older:
            return set()
        query = _CHANGED_FILES.format(imports=self.imports, counted=[status.value for status in COUNTED])
        found = {(TableName(schema=row[0], name=row[1]), str(row[2])) for row in connection.driver.execute(query)}
        return {(table, identity) for table, identity in found if table in tables}

    def facts(
        self,
        connection: Connection,
        source: SourceFile,
        *,
        file_sha256: str,
        content_sha256: str | None,
        wait_for_turn: bool = False,
    ) -> FileFacts:
        """Return the facts about a file; see :func:`~pgdatahub.postgres.file_queries.ask`.

        Raises:
            LoadError: The database's encoding cannot hold the path of the file.
        """
        check_path(connection, source.location)
        return ask(
            connection,
            self.schema,
            source.table,
            identity=source.identity,
            file_sha256=file_sha256,
            content_sha256=content_sha256,
            wait_for_turn=wait_for_turn,
            older=self._older,
        )

    def lock_and_reflect(self, connection: Connection, table: TableName, *, wait: bool = True) -> LockedTable | None:
        """Lock a table and return its columns; see :func:`~pgdatahub.postgres.file_queries.lock_and_reflect`."""
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
            "SELECT observed FROM {} WHERE table_schema = %(schema)s AND table_name = %(name)s AND {}"
        ).format(self.imports, sql.SQL(condition))
        values = {"schema": table.schema, "name": table.name, "ids": list(ids), "loaded": Status.LOADED.value}
        return [observed_from_json(table, row.observed) for row in connection.execute(query, values)]

    def now(self, connection: Connection) -> datetime:
        """Return the server's time, UTC."""
        now: datetime = connection.scalar("SELECT timezone('UTC', clock_timestamp())")
        return now

    def add(self, connection: Connection, record: ImportRecord) -> None:
        """Add the record of an import and of its schema changes."""
        source = record.source
        row = {
            "table_schema": source.table.schema,
            "table_name": source.table.name,
            "source_file": source.location,
            "identity": source.identity,
            "file_sha256": record.file_sha256,
            "content_sha256": record.content_sha256,
            "settings": record.settings_fingerprint,
            "sheets": fitted(connection, list(record.sheets)),
            "run_id": record.run_id,
            "bytes": source.size,
            "seconds": record.seconds,
            "row_count": record.rows,
            "imported_at": record.imported_at,
            "counts": fitted(
                connection,
                {**record.counts, **({LEFT_OUT: list(record.sheets_left_out)} if record.sheets_left_out else {})},
            ),
            "status": Status.LOADED.value,
            "observed": fitted(connection, observed_to_json(record.observed)),
            "duplicates": [duplicate_to_json(one) for one in record.duplicates],
            "reading": record.reading,
        }
        changes = record.plan.changes
        import_id = add_import(connection, self.schema, row, returning=bool(changes))
        if import_id is not None:
            self.add_changes(connection, source, record.imported_at, import_id, changes)

    def tables_of_older_readings(
        self, connection: Connection, tables: Iterable[TableName], versions: Mapping[str, int]
    ) -> dict[TableName, tuple[int, list[str]]]:
        """Return the tables with loaded imports that older rules read: their number and the first three names.

        Args:
            connection: A connection in any transaction.
            tables: The tables to check.
            versions: The current rules: suffix → version.
        """
        query = _OLDER_TABLES.format(
            imports=self.imports,
            reading=sql.SQL("0" if self._older else "i.reading"),
            version=_version_now(versions),
            highest=max(versions.values()),
            loaded=Status.LOADED.value,
        )
        wanted = list(tables)
        values = [table.schema for table in wanted], [table.name for table in wanted]
        rows = connection.driver.execute(query, values)
        return {TableName(schema=row[0], name=row[1]): (int(row[2]), list(row[3])) for row in rows}

    def older_readings(
        self,
        connection: Connection,
        table: TableName,
        versions: Mapping[str, int],
        *,
        rows: int,
        content_sha256: str,
    ) -> list[tuple[ImportRow, set[str]]]:
        """Return the loaded imports that older rules read and that a file may repeat, with their columns, oldest first.

        They have as many rows as the file; the result is empty if the history has an import with the file's content.
        """
        query = _OLDER_READINGS.format(
            past=past_columns(older=self._older),
            imports=self.imports,
            reading=sql.SQL("0" if self._older else "i.reading"),
            version=_version_now(versions),
            highest=max(versions.values()),
            loaded=Status.LOADED.value,
            counted=[status.value for status in COUNTED],
        )
        values = {"schema": table.schema, "name": table.name, "rows": rows, "content": content_sha256}
        answer = connection.execute(query, values)
        return [(past_import(row._asdict()), set(row.names or ())) for row in answer.fetchall()]

    def set_reading(self, connection: Connection, versions: Mapping[int, int]) -> None:
        """Record that later rules read the files of imports the same: id → version."""
        for number, version in versions.items():
            self._update(connection, [number], {"reading": version})

    def mark(self, connection: Connection, ids: Collection[int], status: Status, moment: datetime) -> None:
        """Record that the rows of some imports left their table."""
        self._update(connection, ids, {"status": status.value, "reverted_at": moment})

    def _update(self, connection: Connection, ids: Collection[int], values: Mapping[str, Any]) -> None:
        settings = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values]
        query = sql.SQL("UPDATE {} SET {} WHERE id = ANY (%(ids)s)").format(self.imports, sql.SQL(", ").join(settings))
        connection.execute(query, {**values, "ids": list(ids)})

    def set_duplicates(self, connection: Connection, past: ImportRow, duplicates: Iterable[Duplicate]) -> None:
        """Record the files that were skipped as duplicates of an import."""
        self._update(connection, [past.id], {"duplicates": Jsonb([duplicate_to_json(one) for one in duplicates])})

    def inherit(self, connection: Connection, past: ImportRow, heir: Duplicate, rest: Iterable[Duplicate]) -> None:
        """Assign an import to one of its duplicates.

        Args:
            connection: A connection in the transaction that gives the rows to ``heir``.
            past: The import.
            heir: The duplicate.
            rest: The duplicates that the import keeps.
        """
        same_bytes = sql.SQL("""
            SELECT EXISTS (SELECT FROM {} WHERE table_schema = %s AND table_name = %s AND status = %s AND file_sha256 = %s
                              AND id <> %s)
        """).format(self.imports)
        table = past.table
        parameters = (table.schema, table.name, Status.LOADED.value, heir.file_sha256, past.id)
        values: dict[str, Any] = {
            "identity": heir.identity,
            "source_file": heir.source_file,
            "duplicates": Jsonb([duplicate_to_json(one) for one in rest]),
        }
        if not connection.scalar(same_bytes, parameters):
            values |= {"file_sha256": heir.file_sha256, "bytes": heir.bytes}
        self._update(connection, [past.id], values)

    def release(self, connection: Connection, ids: Collection[int]) -> None:
        """Release the files of held imports, so that they can be loaded again."""
        if not ids:
            return  # the usual case, and the statement would find no row
        query = sql.SQL("UPDATE {} SET status = %s WHERE id = ANY (%s) AND status = %s").format(self.imports)
        connection.execute(query, (Status.REVERTED.value, list(ids), Status.HELD.value))

    # ── schema changes ────────────────────────────────────────────────────────────────────────────────────────────────

    def select_changes(
        self, connection: Connection, *, table: TableName | None = None, since: datetime | None = None
    ) -> list[ChangeRow]:
        """Return schema changes, oldest first; optionally of one table, and from a given time (UTC) on."""
        query = sql.SQL("""
            SELECT id, table_schema, table_name, change_type, column_name, old_type, new_type, source_file, changed_at,
                   import_id, cell, sample
              FROM {} WHERE {} AND {} ORDER BY id
        """).format(
            self.changes,
            sql.SQL("true" if table is None else "table_schema = %(schema)s AND table_name = %(name)s"),
            sql.SQL("true" if since is None else "changed_at >= %(since)s"),
        )
        values = {"since": since} | ({} if table is None else {"schema": table.schema, "name": table.name})
        return [_past_change(row._asdict()) for row in connection.execute(query, values)]

    def provenance(self, connection: Connection, table: TableName) -> Provenance:
        """Return the parts of a table that pgdatahub made."""
        return Provenance.of(self.select_changes(connection, table=table))

    def knows_other_columns(self, connection: Connection, table: TableName, names: Iterable[str]) -> bool:
        """Return whether ``table`` ever had a column with a name not in ``names``, according to the history."""
        query = sql.SQL("""
            SELECT EXISTS (SELECT FROM {} WHERE table_schema = %s AND table_name = %s AND column_name <> ALL (%s))
        """).format(self.changes)
        return bool(connection.scalar(query, (table.schema, table.name, list(names))))

    def created_columns(self, connection: Connection, table: TableName) -> frozenset[str]:
        """Return the columns that pgdatahub created in ``table``."""
        return self.provenance(connection, table).columns

    def add_changes(
        self,
        connection: Connection,
        source: SourceFile,
        changed_at: datetime,
        import_id: int,
        changes: Iterable[SchemaChange],
    ) -> None:
        """Add a record of the changes that an import made to its table."""
        rows = [row for change in changes for row in _change_rows(change)]
        self._insert_changes(connection, source.table, source.location, changed_at, import_id, rows)

    def add_undone(self, connection: Connection, changes: Iterable[ChangeRow]) -> None:
        """Add a record of schema changes that were undone; the table assigns their ids."""
        for change in changes:
            row = {
                "change_type": change.change_type,
                "column_name": change.column,
                "old_type": change.old_type,
                "new_type": change.new_type,
            }
            self._insert_changes(
                connection, change.table, change.source_file, change.changed_at, change.import_id, [row]
            )

    def _insert_changes(
        self,
        connection: Connection,
        table: TableName,
        source_file: str,
        changed_at: datetime,
        import_id: int | None,
        rows: Iterable[dict[str, Any]],
    ) -> None:
        common = {
            "table_schema": table.schema,
            "table_name": table.name,
            "source_file": source_file,
            "changed_at": changed_at,
            "import_id": import_id,
        }
        empty = dict.fromkeys(("column_name", "old_type", "new_type", "cell", "sample"))
        add_changes(connection, self.schema, [common | empty | fitted(connection, row) for row in rows])


def _past_change(values: dict[str, Any]) -> ChangeRow:
    table = TableName(schema=values.pop("table_schema"), name=values.pop("table_name"))
    return ChangeRow(table=table, column=values.pop("column_name"), **values)


def _change_rows(change: SchemaChange) -> list[dict[str, Any]]:
    if isinstance(change, CreateTable):
        created = ChangeType.CREATE_TABLE
        return [{"change_type": created.value}, *(_column_row(created, column) for column in change.columns)]
    if isinstance(change, AddColumn):
        return [_column_row(ChangeType.ADD_COLUMN, change.column)]
    row = {
        "change_type": ChangeType.ALTER_TYPE.value,
        "column_name": change.name,
        "old_type": change.old.sql,
        "new_type": change.new.sql,
    }
    return [row | _deciding_cell(deciding_evidence(change))]


def _column_row(change_type: ChangeType, column: ColumnSchema) -> dict[str, Any]:
    row = {"change_type": change_type.value, "column_name": column.name, "new_type": column.type.sql}
    return row | _deciding_cell(type_evidence(column))


def _deciding_cell(evidence: Evidence | None) -> dict[str, Any]:
    return {} if evidence is None else {"cell": evidence.cell, "sample": evidence.sample}
